# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""srptctl device suspend and resume: while a disk is suspended its file does not change, and nobody sees an error; what
waits can be aborted, its initiator can die, the device or the daemon can go away; deadlines end in time. Mostly waits."""
import json
import os
import signal
import struct
import subprocess
import threading
import time

import lib
from queue_peer import GOOD, ORDERED, Queue, gone, peers

OK, FAILED, USAGE, NOT_FOUND, BUSY, TIMEOUT = 0, 1, 2, 4, 6, 8  # exit codes of srptctl
ABORT, LUN_RESET = 1, 8
INQUIRY, SENSE = bytes([0x12, 0, 0, 0, 96, 0]), bytes([3, 0, 0, 0, 18, 0])
LUNS = struct.pack(">BBBBBBIBB", 0xA0, 0, 0, 0, 0, 0, 512, 0, 0)
NOT_THERE, OUT = (5, 0x25, 0), (2, 0x3A, 0)


def ctl(t, *args, code=OK):
    done = lib.tool("srptctl", "--socket", t.ctl, *args, check=False)
    lib.expect(done.returncode == code, f"srptctl {args}: exit {code}, got {done.returncode}: {done.out}{done.err}")
    return done


def suspend(t, *args, device="disk0", code=OK):
    return ctl(t, "device", "suspend", device, *args, code=code)


def resume(t, device="disk0"):
    return ctl(t, "device", "resume", device)


def device(t, name="disk0"):
    return next(d for d in t.status()["devices"] if d["name"] == name)


def block(t, lba):
    with open(t.disk, "rb") as f:
        f.seek(lba * 512)
        return f.read(512)


def disk1(t):
    return lib.file_dev("disk1", t.dir / "disk1.img", "\t\tsize 16M\n\t\tremovable 1")


def target():
    t = lib.Target(start=False)
    t.disk = t.dir / "disk0.img"
    t.disk.touch()
    os.truncate(t.disk, 64 << 20)
    t.devices = lib.file_dev("disk0", t.disk) + disk1(t)
    t.write_conf(t.devices, "\t\tLUN 0 disk0\n\t\tLUN 1 disk1\n", lib.ANY, "workers 2\n")
    t.start()
    return t


def says(t):
    lib.expect(device(t)["state"] == "ready" and device(t)["resumes_in_s"] is None, f"it serves, {device(t)}")
    lib.expect("was not suspended" in resume(t).out, "nothing was suspended")
    lib.expect("resumed by itself in" in suspend(t).out, "it is suspended")
    d = device(t)
    lib.expect(d["state"] == "suspended" and 15 < d["resumes_in_s"] <= 20, f"the default time, {d}")
    lib.expect(device(t, "disk1")["state"] == "ready", "the other one is not")
    r = json.loads(suspend(t, "--for", "600", "--json").out)
    lib.expect(r["already"] is True and r["device"] == "disk0" and 590 < r["resumes_in_s"] <= 600, f"renewed: {r}")
    lib.expect("was already suspended until it is resumed" in suspend(t, "--for", "0").out, "for ever")
    lib.expect(device(t)["resumes_in_s"] is None, "no end")
    lib.expect(json.loads(ctl(t, "device", "resume", "disk0", "-j").out) == {"device": "disk0", "was_suspended": True}, "JSON")
    suspend(t, device="nobody", code=NOT_FOUND)
    ctl(t, "device", "resume", "nobody", code=NOT_FOUND)
    ctl(t, "device", "suspend", code=USAGE)
    suspend(t, "--for", "x", code=USAGE)
    ctl(t, "status", "--for", "1", code=USAGE)
    ctl(t, "rpc", "device.suspend", '{"device":"disk0","for":-1}', code=USAGE)


def waits(t):
    a, b = peers(t, b"suspend1", b"suspend2")
    a.command(bytes(6), lun=1)
    lib.expect(a.status(a.write(5, b"\x11" * 512)) == GOOD, "a WRITE")
    suspend(t)
    lib.expect(block(t, 5) == b"\x11" * 512, "what was written is in the file")
    tags = [a.write(5, b"\x22" * 512), a.read(5), a.write(6, b"\x33" * 512, ORDERED), a.read(6)]
    tags += [a.issue(bytes([0x35]) + bytes(9)), a.tur()]
    other = b.read(6, attr=ORDERED)
    # What tells of the unit is answered; and so is the other unit.
    lib.expect(a.status(a.issue(INQUIRY, n_in=96)) == GOOD, "INQUIRY")
    lib.expect(a.status(a.issue(LUNS, n_in=512)) == GOOD, "REPORT LUNS")
    lib.expect(a.status(a.issue(SENSE, n_in=18)) == GOOD, "REQUEST SENSE")
    lib.expect(a.status(a.issue(struct.pack(">BBIBHB", 0x28, 0, 0, 0, 1, 0), n_in=512, lun=1)) == GOOD, "another unit")
    lib.expect(lib.quiet(a, 0.3) and lib.quiet(b, 0.1), "nothing else is answered")
    lib.expect(block(t, 5) == b"\x11" * 512 and block(t, 6) == bytes(512), "nothing reaches the file")
    resume(t)
    got = [a.answer(tag) for tag in tags]
    lib.expect(all(r["status"] == GOOD for r in got), f"all are served, {got}")
    lib.expect(got[3]["data"] == b"\x33" * 512, "a READ behind an ORDERED WRITE")
    lib.expect(b.status(other) == GOOD, "the other initiator, too")
    lib.expect(block(t, 5) == b"\x22" * 512, "and the file has it")
    gone(t, a, b)


def in_flight(t):
    """A WRITE whose data do not come is in flight: it is waited for, until the deadline."""
    a, b = peers(t, b"suspend1", b"suspend2")
    tag, where = a.stuck(16)
    begun = time.monotonic()
    r = suspend(t, "--deadline", "1", code=TIMEOUT)
    lib.expect(0.9 < time.monotonic() - begun < 9, f"after a second, {time.monotonic() - begun}")
    lib.expect("not ended in time" in r.err, f"says why, {r.err}")
    t.wait_log("disk0: it is not suspended, what was in flight has not ended")
    lib.expect(device(t)["state"] == "ready" and b.status(b.read(3)) == GOOD, "it goes on as before")
    a.give(where, 0x44)
    lib.expect(a.status(tag) == GOOD and block(t, 16) == b"\x44" * 512, "so does the one in flight")

    tag, where = a.stuck(16)
    asking = subprocess.Popen([lib.BUILD / "srptctl", "--socket", str(t.ctl), "device", "suspend", "disk0"], stdout=subprocess.PIPE)
    lib.until(lambda: device(t)["state"] == "suspending", "it is being suspended")
    late = b.read(16)
    lib.expect("is being suspended already" in suspend(t, code=BUSY).err, "one at a time")
    lib.expect(lib.quiet(b, 0.2) and asking.poll() is None, "new ones wait, and so does the operator")
    a.give(where, 0x55)
    lib.expect(a.status(tag) == GOOD, "it ends")
    lib.expect(asking.wait(20) == OK and block(t, 16) == b"\x55" * 512, "then it is suspended")
    resume(t)
    r = b.answer(late)
    lib.expect(r["status"] == GOOD and r["data"] == b"\x55" * 512, "and the one that waited is served")

    # Somebody thinks better of it.
    tag, where = a.stuck(16)
    asking = subprocess.Popen([lib.BUILD / "srptctl", "--socket", str(t.ctl), "device", "suspend", "disk0"], stderr=subprocess.PIPE)
    lib.until(lambda: device(t)["state"] == "suspending", "it is being suspended")
    resume(t)
    lib.expect(asking.wait(20) == BUSY and b"was resumed before" in asking.stderr.read(), "who asked is told")
    a.give(where, 0x66)
    lib.expect(a.status(tag) == GOOD, "as before")
    gone(t, a, b)


def slow(t):
    """The disk takes its time: too long for one deadline, not for another."""
    a = Queue(t.port, b"suspend1")
    ctl(t, "fault", "add", "delay", "3000", "device=disk0", "on=read", "count=1")
    tag = a.read(16)
    lib.until(lambda: t.sessions()[0]["in_flight"] == 1, "the READ is there")
    suspend(t, "--deadline", "1", code=TIMEOUT)
    suspend(t)
    lib.expect(a.status(tag) == GOOD, "the READ has ended before that")
    tag = a.read(16)
    lib.expect(lib.quiet(a, 0.1), "the next one waits")
    resume(t)
    lib.expect(a.status(tag) == GOOD, "and is served")
    ctl(t, "fault", "clear")
    gone(t, a)


def aborted(t):
    a, b = peers(t, b"suspend1", b"suspend2")
    suspend(t)
    tags = [a.write(7, b"\x77" * 512) for _ in range(4)]
    theirs = b.read(7)
    lib.expect(a.tmf(ABORT, tags[1]) == 0, "ABORT TASK")
    lib.expect(b.tmf(LUN_RESET) == 0, "LOGICAL UNIT RESET")
    lib.expect(device(t)["state"] == "suspended", "a reset does not resume it")
    after = a.read(7)
    time.sleep(0.2)
    lib.expect(block(t, 7) == bytes(512), "nothing runs")
    resume(t)
    lib.expect(lib.sense(a.answer(after)) == (6, 0x29, 3), "a reset is told of")
    b.answer(b.tur())
    lib.expect(block(t, 7) == bytes(512) and not ({*tags, theirs} & {*a.answers, *b.answers}), "they never ran")
    gone(t, a, b)


def dies(t):
    """Initiators go away while their commands wait: at once, and by losing their channel to a new login."""
    suspend(t)
    a, b = lib.Peer(t.port, b"suspend1"), lib.Peer(t.port, b"suspend2")
    for p in (a, b):
        p.send(lib.cmd_iu(1, struct.pack(">BBIBHB", 0x28, 0, 0, 0, 1, 0), attr=0))
        p.send(lib.cmd_iu(2, struct.pack(">BBIBHB", 0x35, 0, 0, 0, 0, 0), attr=0))
    a.close()
    t.wait_channels(1)
    b2 = lib.Peer(t.port, b"suspend2", flags=0)
    lib.expect(b.closed(), "the old channel is closed for the new one")
    b.close()
    b2.close()
    t.wait_channels(0)
    lib.expect(device(t)["state"] == "suspended", "it still is")
    resume(t)


def by_itself(t):
    a = Queue(t.port, b"suspend1")
    since = len(t.text())
    suspend(t, "--for", "1")
    begun = time.monotonic()
    lib.expect(a.status(a.read(1)) == GOOD and 0.2 < time.monotonic() - begun < 9, "a READ waits for a second")
    t.wait_log("disk0: nobody has resumed it in time, serving it again", since=since)
    lib.expect("was not suspended" in resume(t).out, "that was it")
    # It ends the deadline, too.
    tag, where = a.stuck(16)
    suspend(t, "--for", "1", "--deadline", "60", code=TIMEOUT)
    a.give(where, 0x11)
    lib.expect(a.status(tag) == GOOD, "it goes on")
    gone(t, a)


def ejected(t):
    a = Queue(t.port, b"suspend1")
    a.command(bytes(6), lun=1)
    suspend(t, device="disk1")
    tag = a.issue(struct.pack(">BBIBHB", 0x28, 0, 0, 0, 1, 0), n_in=512, lun=1)
    ctl(t, "device", "eject", "disk1")
    resume(t, "disk1")
    lib.expect(lib.sense(a.answer(tag)) == OUT, "the medium is out")
    ctl(t, "device", "insert", "disk1")
    gone(t, a)


def removed(t):
    """The device is taken out of the configuration, and comes back: it serves."""
    a = Queue(t.port, b"suspend1")
    suspend(t, "--for", "0")
    tag = a.write(8, b"\x88" * 512)
    lib.expect(lib.quiet(a, 0.1), "it waits")
    since = len(t.text())
    t.write_conf(disk1(t), "\t\tLUN 1 disk1\n", lib.ANY, "workers 2\n")
    t.proc.send_signal(signal.SIGHUP)
    lib.expect(lib.sense(a.answer(tag)) == NOT_THERE, "its unit is gone")
    t.wait_log("device disk0: closed", since=since)
    lib.expect(block(t, 8) == bytes(512), "nothing has reached the file")
    t.write_conf(t.devices, "\t\tLUN 0 disk0\n\t\tLUN 1 disk1\n", lib.ANY, "workers 2\n")
    t.proc.send_signal(signal.SIGHUP)
    lib.until(lambda: any(d["name"] == "disk0" for d in t.status()["devices"]), "it is back")
    lib.expect(device(t)["state"] == "ready", "it serves")
    gone(t, a)


def workload(t):
    """Verified I/O on many connections; whenever the disk is suspended its file stays as it is."""
    changed, n, stop = [], [0], threading.Event()

    def operator():
        while not stop.is_set():
            suspend(t)
            before = t.disk.read_bytes()
            time.sleep(0.1)
            if t.disk.read_bytes() != before:
                changed.append(n[0])
            resume(t)
            n[0] += 1
            time.sleep(0.05)

    steady = lib.Steady(t.port, lba=100000)
    th = threading.Thread(target=operator, daemon=True)
    th.start()
    try:
        done = lib.tool("srp", "stress", t.url(0), "--conns", 8, "--secs", 5, check=False)
    finally:
        stop.set()
        th.join(60)
    lib.expect(done.returncode == 0, f"verified I/O: {done.out}{done.err}")
    lib.expect(not th.is_alive() and not changed, f"the file changed while it was suspended: {changed[:3]}")
    lib.expect(n[0] > 3, f"it was suspended now and then, {n[0]} times")
    steady.stop()
    t.wait_channels(0)


def stopped(t):
    """The daemon is upgraded, and ends, while commands wait: in time, and they never run."""
    a = Queue(t.port, b"suspend1")
    for how in ("upgrade", "stop"):
        suspend(t, "--for", "0")
        a.write(120000, b"\x99" * 512)
        lib.expect(lib.quiet(a, 0.1), "it waits")
        begun = time.monotonic()
        if how == "upgrade":
            ctl(t, "upgrade")
            lib.expect(a.recv_send()[0] == 0x80 and a.closed(), "T_LOGOUT")
            a.close()
            lib.until(lambda: device(t)["state"] == "ready", "the next one serves")
            a = Queue(t.port, b"suspend1")
        else:
            t.proc.send_signal(signal.SIGTERM)
            lib.expect(a.recv_send()[0] == 0x80 and a.closed(), "T_LOGOUT")
            a.close()
            lib.expect(t.proc.wait(20) == 0, "it ends")
        lib.expect(time.monotonic() - begun < 9, f"{how}: soon, {time.monotonic() - begun}")
        lib.expect(block(t, 120000) == bytes(512), "what waited has not run")


with target() as t:
    for test in (says, waits, in_flight, slow, aborted, dies, by_itself, ejected, removed, workload, stopped):
        test(t)
        print(f"{test.__name__}: ok", flush=True)
print("ok: a disk is suspended and goes on")
