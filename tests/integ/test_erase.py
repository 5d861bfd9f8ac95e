# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""FORMAT UNIT and SANITIZE over real connections: everybody is told how far it has come, other units go on, task
management and logouts do not end it, a stop of the daemon does at once, and with state_dir it goes on after kill -9."""
import pathlib
import signal
import struct
import tempfile
import time

import lib

MIB = 1 << 20
GOOD, CHECK = 0, 2
SANITIZING, FORMATTING = (2, 0x04, 0x1B), (2, 0x04, 0x04)
LUN_RESET = 0x08
OVERWRITE_IMMED, ERASE_IMMED = 0x81, 0x82


def sanitize(p, how, lun=0, pattern=b"", count=1, retry=True):
    out = struct.pack(">BxH", count, len(pattern)) + pattern if pattern else b""
    return p.command(bytes([0x48, how, 0, 0, 0, 0, 0]) + struct.pack(">HB", len(out), 0), lun, out=out, retry=retry)


def progress(p, lun=0):
    """Of REQUEST SENSE, in 65536ths; None when the unit is ready."""
    r = p.command(bytes([3, 0, 0, 0, 18, 0]), lun, n_in=18)
    d = r["data"]
    return struct.unpack(">H", d[16:18])[0] if d[2] & 15 == 2 and d[15] & 0x80 else None


def wait_ready(p, lun=0, secs=60):
    end = time.monotonic() + secs
    while time.monotonic() < end:
        r = p.command(bytes(6), lun)
        if r["status"] == GOOD:
            return
        lib.expect(lib.sense(r) in (SANITIZING, FORMATTING), f"NOT READY, got {r}")
        time.sleep(0.02)
    lib.sys.exit("it is not ready in time")


def overwrites(t, image):
    a, b = lib.Peer(t.port, b"erase-01"), lib.Peer(t.port, b"erase-02")
    for p in (a, b):
        lib.expect(p.ready()["status"] == GOOD, "ready")
    lib.expect(a.write_blocks(0, b"secret!!" * 512)["status"] == GOOD, "a WRITE")
    lib.expect(sanitize(a, OVERWRITE_IMMED, pattern=b"abc", count=20)["status"] == GOOD, "SANITIZE begins")
    seen = []
    for _ in range(200):
        r = b.command(bytes(6))
        if r["status"] == GOOD:
            break
        lib.expect(lib.sense(r) == SANITIZING, f"the others are told, got {r}")
        seen.append(progress(b))
        r = b.write_blocks(0, bytes(4096), imm=True)
        lib.expect(lib.sense(r) == SANITIZING or r["status"] == GOOD, f"no WRITE comes in, got {r}")
        if r["status"] == GOOD:
            lib.sys.exit("it was too quick to see anything")
        start = time.monotonic()
        lib.expect(b.write_blocks(0, b"x" * 4096, lun=1)["status"] == GOOD, "the other unit goes on")
        lib.expect(time.monotonic() - start < 2, "and at once")
        if len(seen) == 3:
            b.send(lib.tsk_mgmt(1 << 40, LUN_RESET))
            lib.expect(lib.rsp(b.reply())["code"] == 0, "a LUN RESET is answered")
        if len(seen) == 5:
            a.close()
    known = [s for s in seen if s is not None]
    lib.expect(len(known) >= 5 and known == sorted(known) and known[-1] > known[0], f"it gets on, got {seen}")
    wait_ready(b)
    lib.expect(b.read_blocks(0, 8)["data"] == (b"abc" * 171)[:512] * 8, "the pattern, from each block's start")
    data = image.read_bytes()
    lib.expect(data == (b"abc" * 171)[:512] * (len(data) // 512), "it is everywhere in the file")
    # the status comes when it is done
    r = sanitize(b, 0x02)
    lib.expect(r["status"] == GOOD and b.read_blocks(0, 8)["data"] == bytes(4096), f"BLOCK ERASE, got {r}")
    lib.expect(not image.read_bytes().strip(b"\0"), "nothing is left of it")
    # who waits for that, and goes away, does not end it; nor does a LUN RESET that answers nobody
    lib.expect(b.write_blocks(0, b"y" * 4096)["status"] == GOOD, "a WRITE")
    c = lib.Peer(t.port, b"erase-03")
    lib.expect(c.ready()["status"] == GOOD, "ready")
    out = struct.pack(">BxH", 20, 1) + b"z"
    c.buf = bytearray(out)
    c.send(lib.cmd_iu(99, bytes([0x48, 1, 0, 0, 0, 0, 0, 0, len(out), 0]), out_fmt=3,
                      descs=struct.pack(">I", len(out))).ljust(68, b"\0") + out)
    t.wait_log("erasing it \\(SANITIZE\\)", since=t.text().rindex("erased"))
    c.close()
    lib.expect(lib.sense(b.command(bytes(6))) == SANITIZING, "it goes on")
    wait_ready(b)
    lib.expect(b.read_blocks(0, 1)["data"] == b"z" * 512, "to its end")
    # FORMAT UNIT, IMMED
    r = b.command(bytes([4, 0x10, 0, 0, 0, 0]), out=bytes([0, 2, 0, 0]))
    lib.expect(r["status"] == GOOD, f"FORMAT UNIT, got {r}")
    wait_ready(b)
    lib.expect(b.read_blocks(0, 8)["data"] == bytes(4096), "zeroes")
    b.close()


def stops(t, image):
    """SIGTERM does not wait for it; kill -9 neither. Both times it begins anew, until it is done."""
    image.write_bytes(b"q" * (64 * MIB))
    p = lib.Peer(t.port, b"erase-04")
    lib.expect(p.ready()["status"] == GOOD, "ready")
    lib.expect(sanitize(p, OVERWRITE_IMMED, pattern=b"w", count=31)["status"] == GOOD, "SANITIZE begins")
    p.close()
    start = time.monotonic()
    t.stop()
    lib.expect(time.monotonic() - start < 10, "the daemon ends before it is done")
    for how in (signal.SIGKILL, None):
        t.start()
        p = lib.Peer(t.port, b"erase-05")
        r = p.command(bytes(6))
        lib.expect(lib.sense(r) == SANITIZING, f"it has begun anew, got {r}")
        if how:
            t.proc.send_signal(how)
            t.proc.wait()
            p.close()
    wait_ready(p, secs=120)
    lib.expect(p.read_blocks(0, 1)["data"] == b"w" * 512, "it is done")
    p.close()
    t.stop()
    t.start()
    p = lib.Peer(t.port, b"erase-06")
    lib.expect(p.ready()["status"] == GOOD, "and that is known")
    p.close()


def removed(t):
    """A device that is taken out of the configuration while it is erased is closed at once, though a command waits for the end."""
    p = lib.Peer(t.port, b"erase-07")
    lib.expect(p.ready()["status"] == GOOD, "ready")
    out = struct.pack(">BxH", 31, 1) + b"v"
    since = len(t.text())
    p.buf = bytearray(out)
    p.send(lib.cmd_iu(99, bytes([0x48, 1, 0, 0, 0, 0, 0, 0, len(out), 0]), out_fmt=3,
                      descs=struct.pack(">I", len(out))).ljust(68, b"\0") + out)
    t.wait_log("erasing it", since=since)
    t.write_conf(lib.ram("d1", 8), "\t\tLUN 1 d1\n" + lib.ANY, options=options)
    t.proc.send_signal(signal.SIGHUP)
    r = lib.rsp(p.reply())
    lib.expect(r["tag"] == 99 and r["status"] == CHECK and lib.sense(r)[0] == 0xB, f"ABORTED COMMAND, got {r}")
    t.wait_log("device d0: closed", since=since)
    p.close()


with tempfile.TemporaryDirectory() as tmp:
    disk = pathlib.Path(tmp) / "disk"
    disk.write_bytes(bytes(64 * MIB))
    (pathlib.Path(tmp) / "state").mkdir()
    devices = lib.file_dev("d0", disk, "\t\tthin_provisioned 1") + lib.ram("d1", 8)
    options = f"workers 2\nstate_dir {tmp}/state\n"
    with lib.Target(devices, "\t\tLUN 0 d0\n\t\tLUN 1 d1\n" + lib.ANY, options=options) as target:
        overwrites(target, disk)
        stops(target, disk)
        removed(target)
print("ok: FORMAT UNIT, SANITIZE")
