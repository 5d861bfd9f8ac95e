# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A disk that does not give back what was cancelled: a file on a frozen file system. Who aborts is answered, everybody else
is served, the unit is not ready, and comes back by itself when it thaws. READs of such a file do not hang, so none is here.
Mostly waits."""
import contextlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

import lib

MIB = 1 << 20
NOT_READY = (2, 4, 0)
FENCE_S = 10


def do(*cmd, failed=None):
    done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    if failed and done.returncode:
        failed(f"{' '.join(map(str, cmd))}: {done.stdout.decode().strip()}")
    return done.returncode == 0


class Frozen:
    """A file system of its own that can be frozen."""

    def __init__(self, where):
        self.image = pathlib.Path(where) / "fs"
        self.at = pathlib.Path(where) / "mnt"

    def __enter__(self):
        if os.geteuid():
            lib.skip("only root may mount and freeze")
        self.at.mkdir()
        self.image.touch()
        os.truncate(self.image, 64 * MIB)
        do("mkfs.ext4", "-q", "-F", self.image, failed=lib.skip)
        do("mount", "-o", "loop", self.image, self.at, failed=lib.skip)
        try:
            do("fsfreeze", "-f", self.at, failed=lib.skip)
            self.thaw()
        except SystemExit:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.end()
        for _ in range(100):
            if do("umount", self.at):
                return
            time.sleep(0.1)
        do("umount", "-l", self.at)

    def freeze(self):
        do("fsfreeze", "-f", self.at, failed=sys.exit)

    def thaw(self):
        do("fsfreeze", "-u", self.at, failed=sys.exit)

    def end(self):
        """It is not frozen any more, if it was."""
        do("fsfreeze", "-u", self.at)


def hangs(t):
    """Wait until the kernel is at a WRITE: before that it can be cancelled, behind it the others are in line."""
    def is_stuck():
        for task in pathlib.Path(f"/proc/{t.proc.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                if (task / "stat").read_text().rpartition(")")[2].split()[0] == "D":
                    return True
        return False
    lib.until(is_stuck, "a thread of the kernel that hangs")


def state(t, name):
    return next(d for d in t.status()["devices"] if d["name"] == name)


def write_iu(p, tag, lba, data, imm):
    cdb = struct.pack(">BBIBHB", 0x2A, 0, lba, 0, len(data) // 512, 0)
    p.mem[tag] = bytearray(data)
    if imm:
        return lib.cmd_iu(tag, cdb, out_fmt=3, descs=struct.pack(">I", len(data))).ljust(68, b"\0") + data
    return lib.cmd_iu(tag, cdb, out_fmt=1, descs=struct.pack(">QII", 0, tag, len(data)))


def sends(p, tag, lba, data, imm=False):
    """A WRITE that will hang; its data have been fetched when this returns."""
    p.send(write_iu(p, tag, lba, data, imm))
    if not imm:
        sink, to, n, stag, at = read_request(p)
        p.read_response(sink, to, bytes(p.mem[stag][at:at + n]))


def read_request(p):
    u = p.recv_fpdu()
    lib.expect(u[1] & 0x0F == 1, "an RDMA Read Request")
    return struct.unpack(">IQIIQ", u[18:46])


def answers(p, n, secs):
    """The next @n answers, by their tags."""
    p.s.settimeout(secs)
    got = {}
    for _ in range(n):
        r = lib.rsp(p.reply())
        got[r["tag"]] = r
    p.s.settimeout(10)
    return got


def serves(p, lba, lun):
    data = os.urandom(4096)
    lib.expect(p.write_blocks(lba, data, lun=lun)["status"] == 0, "a WRITE of the other unit")
    lib.expect(p.read_blocks(lba, 8, lun=lun)["data"] == data, "and its READ")


def wait_ready(p, secs=20):
    lib.until(lambda: p.ready()["status"] == 0, "the unit is ready again", secs)


def aborted(t, fs, image):
    """ABORT TASK of one WRITE: it is answered, and so are the others, with NOT READY."""
    a, b = lib.Peer(t.port, b"fence-01"), lib.Peer(t.port, b"fence-02")
    old, new = os.urandom(4096), os.urandom(4096)
    for p in (a, b):
        lib.expect(p.ready()["status"] == 0 and p.command(bytes(6), lun=1)["status"] == 0, "ready")
    lib.expect(a.write_blocks(0, old)["status"] == 0, "a WRITE")
    fs.freeze()
    sends(a, 7001, 0, new)
    hangs(t)
    sends(a, 7002, 8, new, imm=True)
    sends(b, 7003, 16, new)
    start = time.monotonic()
    a.send(lib.tsk_mgmt(7009, 0x01, task_tag=7001))
    serves(lib.Peer(t.port, b"fence-03"), 0, lun=1)
    got = answers(a, 2, FENCE_S + 20)
    took = time.monotonic() - start
    lib.expect(took > FENCE_S - 1, f"not before the deadline, but after {took:.1f} s")
    lib.expect(7009 in got and got[7009]["code"] == 0, f"the abort is answered, got {got}")
    lib.expect(7002 in got and lib.sense(got[7002]) == NOT_READY, f"the other WRITE is not ready, got {got}")
    got = answers(b, 1, 20)
    lib.expect(7003 in got and lib.sense(got[7003]) == NOT_READY, f"nor is that of another, got {got}")
    t.wait_log("device disk0: .* has not ended 10 s after it was cancelled; giving up the 3 that")
    now = state(t, "disk0")
    lib.expect(now["state"] == "fenced" and now["stuck_ios"] == 3, f"that is shown, got {now}")
    for p in (a, b):
        lib.expect(lib.sense(p.ready()) == NOT_READY, "TEST UNIT READY says so")
        lib.expect(lib.sense(p.write_blocks(0, old, imm=p is b)) == NOT_READY, "and no WRITE gets through")
        serves(p, 8, lun=1)
        lib.expect(p.command(struct.pack(">BBBBBB", 0x12, 0, 0, 0, 36, 0), n_in=36)["status"] == 0, "INQUIRY works")
    # a relogin is not kept waiting; what hangs there is its old channel's memory
    a.close()
    a = lib.Peer(t.port, b"fence-01")
    lib.expect(lib.sense(a.ready()) == NOT_READY, "a new login finds it so, too")
    lib.expect(image.stat().st_size == 16 * MIB, "the file is as it was")
    fs.thaw()
    t.wait_log("device disk0: what was under way has ended, serving it again")
    for p in (a, b):
        wait_ready(p)
    # what was given up may have happened, or not; but nothing of it does any more
    lib.expect(a.read_blocks(0, 8)["data"] in (old, new), "the old data or the new")
    last = os.urandom(4096)
    lib.expect(b.write_blocks(0, last)["status"] == 0, "a WRITE behind all of it")
    lib.expect(a.read_blocks(0, 8)["data"] == last, "stays")
    now = state(t, "disk0")
    lib.expect(now["state"] == "ready" and now["stuck_ios"] == 0, f"that is shown, got {now}")
    for p in (a, b):
        p.close()
    t.wait_channels(0)


def flooded(t, fs):
    """More stuck commands, with their data in the IU, than a channel has spare memory for: it ends, and its host comes again."""
    p = lib.Peer(t.port, b"fence-04")
    lib.expect(p.ready()["status"] == 0 and p.credits > 40, "ready, with many credits")
    data = os.urandom(4096)
    fs.freeze()
    for i in range(40):
        sends(p, 8000 + i, 8 * i, data, imm=True)
    hangs(t)
    p.send(lib.tsk_mgmt(8100, 0x01, task_tag=8000))
    lib.expect(p.closed(FENCE_S + 20), "the channel ends")
    p.close()
    t.wait_log("too many of its commands are stuck")
    p = lib.Peer(t.port, b"fence-04")
    lib.expect(lib.sense(p.ready()) == NOT_READY, "the next one is admitted")
    serves(p, 0, lun=1)
    fs.thaw()
    wait_ready(p)
    lib.expect(p.write_blocks(0, data)["status"] == 0 and p.read_blocks(0, 8)["data"] == data, "it works again")
    p.close()
    t.wait_channels(0)


def gone(t, fs):
    """A host that goes away, and comes again: nobody aborts, but what it had is cancelled. Then it thaws in the middle of the
    daemon's end, which waits for it."""
    p = lib.Peer(t.port, b"fence-05")
    lib.expect(p.ready()["status"] == 0, "ready")
    fs.freeze()
    sends(p, 9001, 0, os.urandom(4096))
    hangs(t)
    since = len(t.text())
    p.close()
    t.wait_log("device disk0: .* giving up the 1 that", FENCE_S + 20, since)
    t.wait_channels(0)
    p = lib.Peer(t.port, b"fence-05")
    lib.expect(lib.sense(p.ready()) == NOT_READY, "it comes again")
    p.close()
    t.proc.terminate()
    t.wait_log("signal 15")
    time.sleep(1)
    lib.expect(t.proc.poll() is None, "the daemon waits for its disk")
    fs.thaw()
    lib.expect(t.stop() == 0, "and ends")


def killed(t, fs):
    """... but not for ever."""
    t.start()
    p = lib.Peer(t.port, b"fence-06")
    lib.expect(p.ready()["status"] == 0, "ready")
    fs.freeze()
    sends(p, 9101, 0, os.urandom(4096))
    hangs(t)
    t.proc.terminate()
    t.wait_log("not ended 25 s after .* waiting for 0 channels, 1 devices with I/O that hangs", 60)
    fs.thaw()
    lib.expect(t.proc.wait(30) == 1, "it says so by its exit status")
    p.close()
    t.proc = None  # that was all


with contextlib.ExitStack() as stack:
    tmp = stack.enter_context(tempfile.TemporaryDirectory(prefix="srptd-fence-"))
    fs = stack.enter_context(Frozen(tmp))
    image = fs.at / "disk"
    image.touch()
    os.truncate(image, 16 * MIB)
    target = stack.enter_context(lib.Target(lib.file_dev("disk0", image) + lib.ram("ram0", 8),
                                            "\t\tLUN 0 disk0\n\t\tLUN 1 ram0\n", lib.ANY + "\t\tmax_immediate 8192\n"))
    stack.callback(fs.end)  # before the target is stopped
    aborted(target, fs, image)
    flooded(target, fs)
    gone(target, fs)
    killed(target, fs)
print("1 passed, 0 failed")
