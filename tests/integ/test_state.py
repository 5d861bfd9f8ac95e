# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Reservations with APTPL, saved mode pages, identifying information and unit attentions that were not heard outlive a kill;
a state file that is cut anywhere gives what was saved before, with a line in the log."""
import pathlib
import random
import signal
import struct
import tempfile

import lib
from queue_peer import CHECK, CONFLICT, GOOD, Queue


class Lost(Queue):
    """A peer of a unit that is not ready: it has heard POWER ON."""

    def ready(self):
        self.status(self.tur())


def pr_out(p, action, kind=0, key=0, new=0, flags=0):
    return p.answer(p.issue(struct.pack(">BBBHIB", 0x5F, action, kind, 0, 24, 0), struct.pack(">QQ4xB3x", key, new, flags)))


def pr_keys(p):
    data = p.answer(p.issue(struct.pack(">BB5xHx", 0x5E, 0, 256), n_in=256))["data"]
    n = struct.unpack(">I", data[4:8])[0] // 8
    return sorted(struct.unpack(f">{n}Q", data[8:8 + 8 * n]))


def killed(t):
    t.proc.send_signal(signal.SIGKILL)
    t.proc.wait()
    t.start()


def attentions(t, name):
    """All that a nexus is owed when it comes, and the peer."""
    p = lib.Peer(t.port, name)
    got = []
    while True:
        r = p.command(bytes(6), retry=False)
        if r["status"] == GOOD:
            break
        got.append(lib.sense(r))
    p.close()
    return got


def outlives(t):
    a, b = Queue(t.port, b"state-01"), Queue(t.port, b"state-02")
    r = pr_out(a, 0, new=0xA, flags=1)
    lib.expect(r["status"] == GOOD, f"REGISTER with APTPL, got {r}")
    lib.expect(pr_out(b, 0, new=0xB, flags=1)["status"] == GOOD, "the other one")
    lib.expect(pr_out(a, 1, 1, 0xA)["status"] == GOOD, "RESERVE")
    page = bytes(4) + bytes([0x0A, 0x0A, 0x06, 0x10, 0, 0x40, 0, 0, 0xFF, 0xFF, 0, 0])
    r = a.answer(a.issue(bytes([0x15, 0x11, 0, 0, len(page), 0]), page))
    lib.expect(r["status"] == GOOD, f"MODE SELECT with SP, got {r}")
    killed(t)
    lib.expect(attentions(t, b"state-02") == [(6, 0x29, 0), (6, 0x2A, 1)], "it hears of the modes, too")
    a, b = Queue(t.port, b"state-01"), Queue(t.port, b"state-02")
    lib.expect(pr_keys(a) == [0xA, 0xB], "both are registered")
    lib.expect(b.status(b.write(5, bytes(512))) == CONFLICT, "and one holds the reservation")
    lib.expect(a.status(a.write(5, bytes(512))) == GOOD, "and may write")
    r = a.answer(a.read(0xFFFFFF00))
    lib.expect(r["sense"][0] == 0x72, "D_SENSE was saved")
    r = pr_out(b, 4, 3, 0xB, 0xA)
    lib.expect(r["status"] == GOOD, f"PREEMPT, got {r}")
    killed(t)
    lib.expect(attentions(t, b"state-01") == [(6, 0x29, 0), (6, 0x2A, 5)], "who was preempted hears of it after the restart")
    a, b = Queue(t.port, b"state-01"), Queue(t.port, b"state-02")
    lib.expect(pr_keys(a) == [0xB], "and is registered no more")
    lib.expect(pr_out(b, 3, 0, 0xB)["status"] == GOOD, "CLEAR")
    killed(t)
    a = Queue(t.port, b"state-01")
    lib.expect(pr_keys(a) == [], "that outlives it, too")
    a.close()


def identified(t):
    """What an application wrote to find the unit again."""
    a = Queue(t.port, b"state-01")
    r = a.answer(a.issue(struct.pack(">BB4xIBx", 0xA4, 6, 6, 4), b"green\0"))
    lib.expect(r["status"] == GOOD, f"SET IDENTIFYING INFORMATION, got {r}")
    killed(t)
    a = Queue(t.port, b"state-01")
    r = a.answer(a.issue(struct.pack(">BB4xIBx", 0xA3, 5, 64, 4), n_in=64))
    lib.expect(r["data"][:10] == b"\0\0\0\6green\0", f"the text is there, got {r}")
    a.close()


def killed_between(t):
    """Killed at any time: what was answered is there, and of what was not at most the one under way."""
    rnd = random.Random(3)
    key = 0
    for _ in range(12):
        a = Queue(t.port, b"state-01")
        keys = pr_keys(a)
        lib.expect(keys in ([], [key], [key + 1]) if key else keys == [], f"{key} was answered, {keys} is there")
        key = keys[0] if keys else 0
        for _ in range(rnd.randrange(1, 30)):
            r = pr_out(a, 6, new=key + 1, flags=1)
            lib.expect(r["status"] == GOOD, f"REGISTER AND IGNORE, got {r}")
            key += 1
        a.issue(struct.pack(">BBBHIB", 0x5F, 6, 0, 0, 24, 0), struct.pack(">QQ4xB3x", 0, key + 1, 1))
        killed(t)


def cut_off(t, state):
    a = Queue(t.port, b"state-01")
    lib.expect(pr_out(a, 6, new=0x77, flags=1)["status"] == GOOD, "REGISTER")
    lib.expect(pr_out(a, 6, new=0x78, flags=1)["status"] == GOOD, "and once more")
    t.proc.send_signal(signal.SIGKILL)
    t.proc.wait()
    state.write_bytes(state.read_bytes()[:-3])
    since = len(t.text())
    t.start()
    t.wait_log("were not written whole, cut off", since=since)
    a = Queue(t.port, b"state-01")
    lib.expect(pr_keys(a) == [0x77], "the one before is there")
    a.close()


def damaged(t, state):
    """A record that is damaged in the middle costs nothing; where the last one cannot be found, the reservations are lost."""
    a = Queue(t.port, b"state-01")
    lib.expect(pr_out(a, 6, new=0x79, flags=1)["status"] == GOOD, "REGISTER")
    end = len(state.read_bytes())
    for key in (0x80, 0x81):
        lib.expect(pr_out(a, 6, new=key, flags=1)["status"] == GOOD, "REGISTER, which appends")
    killed(t)
    whole = state.read_bytes()
    for at, log in ((40, "1 records of"), (1, "its reservations are lost")):
        t.proc.send_signal(signal.SIGKILL)
        t.proc.wait()
        bad = bytearray(whole)
        bad[end + at] ^= 0x41
        state.write_bytes(bad)
        since = len(t.text())
        t.start()
        t.wait_log(log, since=since)
        if at == 40:
            a = Queue(t.port, b"state-01")
            lib.expect(pr_keys(a) == [0x81], "the last one is there")
            a.close()
    for _ in range(2):
        killed(t)
        a = Lost(t.port, b"state-01")
        r = a.answer(a.tur())
        lib.expect(lib.sense(r) == (7, 0x44, 1), f"a unit that has lost its reservations, got {r}")
    lib.expect(pr_out(a, 8, kind=1, new=0x82, flags=1)["status"] == GOOD, "REPLACE LOST RESERVATION")
    lib.expect(a.status(a.tur()) == GOOD and pr_keys(a) == [0x82], "it is replaced")
    killed(t)
    a = Queue(t.port, b"state-01")
    lib.expect(pr_keys(a) == [0x82], "and that is kept")
    a.close()


with tempfile.TemporaryDirectory() as tmp:
    image = pathlib.Path(tmp) / "disk"
    image.write_bytes(bytes(4 << 20))
    state = pathlib.Path(tmp) / "d0.state"
    with lib.Target(lib.file_dev("d0", image), "\t\tLUN 0 d0\n", lib.ANY, f"workers 2\nstate_dir {tmp}\n") as t:
        outlives(t)
        identified(t)
        killed_between(t)
        cut_off(t, state)
        damaged(t, state)
print("ok: reservations, mode pages and unit attentions outlive a kill")
