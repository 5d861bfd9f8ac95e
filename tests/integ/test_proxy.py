# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A disk of another target, through a proxy: data, one state of reservations for both ways, task management, and what
happens when the target that has the disk, the proxy or the initiator goes; and fail-over by reload."""
import os
import pathlib
import signal
import struct
import tempfile
import threading
import time

import lib
from queue_peer import CHECK, CONFLICT, GOOD, ORDERED, Queue

RAM = lib.ram("ram0", 64)
REGISTER, RESERVE, PREEMPT = 0, 1, 4
UNAVAILABLE, LOST, POWER_ON, LUNS_CHANGED = (2, 4, 12), (11, 8, 0), (6, 0x29, 0), (6, 0x3F, 14)


def proxy(t, name, lun=0):
    return (f"HANDLER proxy {{\n\tDEVICE {name} {{\n\t\tconnect 127.0.0.1:{t.port}\n\t\tid_ext {lib.ID_EXT}\n"
            f"\t\tioc_guid {lib.IOC_GUID}\n\t\tlun {lun}\n\t}}\n}}\n")


def reload(t):
    since = len(t.text())
    t.proc.send_signal(signal.SIGHUP)
    t.wait_log("reload: done, [1-9]", since=since)


def pr_out(p, action, key, sa_key=0, kind=0, aptpl=0):
    data = struct.pack(">QQ4xB3x", key, sa_key, aptpl)
    return p.command(struct.pack(">BBBHIB", 0x5F, action, kind, 0, len(data), 0), out=data)["status"]


def keys(p):
    data = p.command(struct.pack(">BB5xHB", 0x5E, 0, 1024, 0), n_in=1024)["data"]
    n = struct.unpack(">I", data[4:8])[0]
    return sorted(struct.unpack(f">{n // 8}Q", data[8:8 + n]))


def page(p, number):
    return p.command(bytes([0x12, 1, number, 1, 0, 0]), n_in=256)["data"]


def big(p, lba, n, out=None):
    """A READ(16) or, with data, a WRITE(16) of @n blocks."""
    cdb = struct.pack(">BBQIBB", 0x8A if out else 0x88, 0, lba, n, 0, 0)
    return p.command(cdb, out=out or b"", n_in=0 if out else n * 512)


def data(a, b):
    p, q = lib.Peer(b.port, b"through1"), lib.Peer(a.port, b"direct01")
    for lba, blocks, imm in ((0, 1, True), (100, 8, False), (200, 256, False)):
        want = os.urandom(blocks * 512)
        lib.expect(p.write_blocks(lba, want, imm=imm)["status"] == GOOD, f"a WRITE of {blocks} blocks")
        lib.expect(q.read_blocks(lba, blocks)["data"] == want, f"{blocks} blocks are there")
        lib.expect(p.read_blocks(lba, blocks)["data"] == want, f"{blocks} blocks come back")
    want = os.urandom(8 << 20)
    lib.expect(big(p, 16384, 16384, want)["status"] == GOOD, "a WRITE of 8 MiB")
    lib.expect(big(p, 16384, 16384)["data"] == want, "8 MiB come back")
    r = big(p, 0, 16385)
    lib.expect(r["status"] == CHECK and lib.sense(r)[0] == 5, f"more than 8 MiB are refused, got {r['status']}")
    r = p.command(bytes([0x12, 0, 0, 0, 36, 0]), n_in=100)
    lib.expect(r["status"] == GOOD and r["in_res"] == 64 and r["flags"] & 0x20, f"a residual of 64, got {r}")
    r = p.read_blocks(64 * 2048, 1)
    lib.expect(lib.sense(r) == (5, 0x21, 0), f"sense data as they are, got {r}")
    r = p.command(struct.pack(">BBIBHB", 0x2A, 0, 0, 0, 1, 0))
    lib.expect(r["flags"] & 4 and r["out_res"] == 512, f"the residual of a WRITE without data, got {r}")
    r = lib.tool("srptctl", "--socket", b.ctl, "device", "suspend", "p0", check=False)
    lib.expect(r.returncode == 1 and "is of another target" in r.err, f"its store is not ours to suspend, got {r.err}")
    lib.expect(b.status()["devices"][0]["state"] == "proxied", "its state says so")
    for number in (0x80, 0x83):
        lib.expect(page(p, number) == page(q, number), f"VPD page {number:#x} is the same")
    p.close()
    q.close()
    lib.tool("srp", "stress", b.url(0), "--secs", "4")
    b.wait_channels(0)
    a.wait_channels(0)


def reservations(a, b):
    p, q = lib.Peer(b.port, b"through1"), lib.Peer(a.port, b"direct01")
    lib.expect(pr_out(q, REGISTER, 0, 0xA) == GOOD and pr_out(p, REGISTER, 0, 0xB) == GOOD, "both register")
    lib.expect(keys(p) == keys(q) == [0xA, 0xB], f"both see both, got {keys(p)} and {keys(q)}")
    lib.expect(pr_out(q, RESERVE, 0xA, kind=3) == GOOD, "the direct one reserves")
    lib.expect(p.read_blocks(0, 1)["status"] == CONFLICT, "the other one is kept out")
    lib.expect(pr_out(p, PREEMPT, 0xB, 0xA, kind=3) == GOOD, "it takes the reservation")
    lib.expect(p.read_blocks(0, 1)["status"] == GOOD and q.read_blocks(0, 1)["status"] == CONFLICT, "and has it now")
    full = q.command(struct.pack(">BB5xHB", 0x5E, 3, 1024, 0), n_in=1024)["data"]
    lib.expect(full[8 + 40:8 + 48] == b"through1", f"under the name of its initiator, got {full[:64]!r}")
    lib.expect(pr_out(p, REGISTER, 0xB, 0) == GOOD and keys(q) == [], "it leaves")
    p.close()
    q.close()
    a.wait_channels(0)
    b.wait_channels(0)


def functions(a, b):
    """A WRITE of another initiator that is stuck makes ORDERED commands wait there."""
    d, p = Queue(a.port, b"direct01"), Queue(b.port, b"through1")
    _, where = d.stuck(3000)
    tag = p.tur(attr=ORDERED)
    lib.until(lambda: sum(s["in_flight"] for s in a.sessions()) == 2, "the ORDERED command is at the disk")
    behind = p.read(0)
    lib.expect(p.tmf(0x01, tag) == 0, "ABORT TASK is done")
    lib.expect(p.status(behind) == GOOD, "who waited behind it goes on")
    lib.expect(tag not in p.answers, "the aborted command is not answered")
    lib.expect(p.tmf(0x01, 0x7777) == 0, "ABORT TASK of nothing")
    tags = [p.tur(attr=ORDERED) for _ in range(20)]
    lib.until(lambda: sum(s["in_flight"] for s in a.sessions()) == 21, "all of them are at the disk")
    lib.expect(p.tmf(0x02) == 0, "ABORT TASK SET is done")
    lib.expect(not set(tags) & set(p.answers), "none is answered")
    lib.expect(p.ready()["status"] == GOOD, "the channel has its credits")
    tag = p.tur(attr=ORDERED)
    lib.until(lambda: sum(s["in_flight"] for s in a.sessions()) == 2, "another one")
    threading.Timer(0.5, d.give, (where, 0xEE)).start()  # a reset waits for the WRITE's data
    lib.expect(p.tmf(0x08) == 0, "LOGICAL UNIT RESET is done")
    lib.expect(tag not in p.answers, "the command is not answered")
    r = d.command(bytes(6), retry=False)
    lib.expect(lib.sense(r)[:2] == (6, 0x29), f"the direct one hears of the reset, got {r}")
    lib.expect(d.read_blocks(3000, 8)["data"] != b"\xee" * 4096, "its WRITE was aborted")
    lib.expect(p.tmf(0x40) == 0 and p.tmf(0x20) == 4, "CLEAR ACA, and what there is not")
    p.close()
    d.close()
    a.wait_channels(0)
    b.wait_channels(0)


def vanished(a, b):
    """An initiator that goes with commands under way leaves nothing behind."""
    d, p = Queue(a.port, b"direct01"), Queue(b.port, b"through1")
    _, where = d.stuck(3000)
    for _ in range(10):
        p.tur(attr=ORDERED)
    lib.until(lambda: sum(s["in_flight"] for s in a.sessions()) == 11, "they are at the disk")
    p.close()
    a.wait_channels(1)
    b.wait_channels(0)
    d.give(where, 1)
    d.close()
    a.wait_channels(0)


def again(p, secs=30):
    """Repeat TEST UNIT READY until it is GOOD; the sense data of the others."""
    seen = []
    end = time.monotonic() + secs
    while time.monotonic() < end:
        r = p.command(bytes(6), retry=False)
        if r["status"] == GOOD:
            return seen
        seen.append(lib.sense(r))
        time.sleep(0.05)
    lib.expect(False, f"GOOD within {secs} s, got {seen[-5:]}")


def lost(a, b):
    p = Queue(b.port, b"through1")
    d = Queue(a.port, b"direct01")
    d.stuck(3000)
    tag = p.tur(attr=ORDERED)
    lib.until(lambda: sum(s["in_flight"] for s in a.sessions()) == 2, "the ORDERED command is at the disk")
    a.proc.kill()
    a.proc.wait()
    r = p.answer(tag)
    lib.expect(lib.sense(r) == LOST, f"what was under way is to be repeated, got {r}")
    r = p.command(bytes(6), retry=False)
    lib.expect(lib.sense(r) == UNAVAILABLE, f"this path has no access now, got {r}")
    lib.expect(p.tmf(0x08) == 5, "a function fails")
    r = p.command(struct.pack(">BBBBBBIBB", 0xA0, 0, 0, 0, 0, 0, 512, 0, 0), n_in=512)
    lib.expect(r["data"][:4] == struct.pack(">I", 8), f"REPORT LUNS is answered, got {r}")
    d.close()
    a.start_again()
    seen = again(p)
    lib.expect(POWER_ON in seen, f"it is told that the nexus is a new one, got {seen[-5:]}")
    p.close()
    b.wait_channels(0)
    a.wait_channels(0)


def hung(a, b):
    """The target that has the disk does not answer: an abort is answered in time, for Linux waits 5 s."""
    p = Queue(b.port, b"through1")
    p.ready()
    a.proc.send_signal(signal.SIGSTOP)
    stat = pathlib.Path(f"/proc/{a.proc.pid}/stat")
    lib.until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", "it is stopped")
    time.sleep(0.2)  # also its other threads
    tag = p.tur()
    time.sleep(0.2)
    since = time.monotonic()
    code = p.tmf(0x01, tag)
    took = time.monotonic() - since
    a.proc.send_signal(signal.SIGCONT)
    lib.expect(code == 0 and tag not in p.answers, f"the command is aborted, code {code}, {p.answers}")
    lib.expect(took < 5 * (4 if lib.sanitizer() else 1), f"within 5 s, took {took:.1f} s")
    again(p)
    p.close()
    b.wait_channels(0)
    a.wait_channels(0)


def killed(a, b):
    p = lib.Peer(b.port, b"through1")
    p.ready()
    lib.expect(a.status()["channels_total"] == 1, "one login for the initiator")
    b.proc.kill()
    b.proc.wait()
    p.close()
    a.wait_channels(0)
    b.start_again()
    p = lib.Peer(b.port, b"through1")
    lib.expect(p.ready()["status"] == GOOD, "it works again")
    p.close()
    b.wait_channels(0)


def fail_over(where):
    """The disk is on storage that both can open: its node goes, and the other one opens it itself."""
    disk = pathlib.Path(where) / "disk"
    disk.touch()
    os.truncate(disk, 64 << 20)
    state = pathlib.Path(where) / "state"
    state.mkdir()
    here = lib.file_dev("disk0", disk)
    lun = "\t\tLUN 0 disk0\n"
    options = f"state_dir {state}"
    a = lib.Target(here, lun, lib.ANY, options)
    there = proxy(a, "disk0")
    with a, lib.Target(there, lun, lib.ANY, options) as b:
        p = lib.Peer(b.port, b"through1")
        want = os.urandom(4096)
        lib.expect(p.write_blocks(0, want)["status"] == GOOD, "a WRITE through the proxy")
        lib.expect(pr_out(p, REGISTER, 0, 0xB, aptpl=1) == GOOD, "a registration that is kept")
        was = page(p, 0x83)
        a.proc.kill()
        a.proc.wait()
        b.write_conf(here, lun, lib.ANY, options)
        reload(b)
        seen = again(p)
        lib.expect(POWER_ON in seen and LUNS_CHANGED in seen, f"it is told of the change, got {seen}")
        lib.expect(page(p, 0x83) == was, "it is the same disk")
        lib.expect(p.read_blocks(0, 8)["data"] == want and keys(p) == [0xB], "with its data and registrations")
        want = os.urandom(4096)
        lib.expect(p.write_blocks(0, want)["status"] == GOOD, "a WRITE without the proxy")
        since = len(b.text())
        b.write_conf(there, lun, lib.ANY, options)
        reload(b)
        b.wait_log("device disk0: closed", since=since)
        lib.expect(lib.sense(p.command(bytes(6), retry=False)) == LUNS_CHANGED, "it is told that the LUN is another one")
        a.start_again()
        lib.expect(POWER_ON in again(p), "and of the new nexus")
        lib.expect(page(p, 0x83) == was, "it is the same disk again")
        lib.expect(p.read_blocks(0, 8)["data"] == want and keys(p) == [0xB], "with its data and registrations")
        p.close()
        b.wait_channels(0)
        a.wait_channels(0)


def main():
    with lib.Target(RAM, "\t\tLUN 0 ram0\n\t\tLUN 5 ram0\n", lib.ANY) as a, \
         lib.Target(proxy(a, "p0", 5), "\t\tLUN 0 p0\n", lib.ANY) as b:
        for step in (data, reservations, functions, vanished, lost, hung, killed):
            step(a, b)
    with tempfile.TemporaryDirectory(prefix="proxy-") as where:
        fail_over(where)


main()
