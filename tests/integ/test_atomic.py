# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""COMPARE AND WRITE, ORWRITE and WRITE ATOMIC over real connections: nothing of the unit comes between what they read and what they
write, whoever sends it, with whatever attribute, on whichever worker."""
import pathlib
import struct
import tempfile

import lib
from queue_peer import CHECK, GOOD, HEAD, ORDERED, SIMPLE, Queue, gone, peers


def caw(p, lba, old, new, attr=SIMPLE, imm=True, control=0):
    return p.issue(struct.pack(">BBQIBB", 0x89, 0, lba, len(old) // 512, 0, control), old + new, attr=attr, imm=imm)


def orwrite(p, lba, data, attr=SIMPLE):
    return p.issue(struct.pack(">BBQIBB", 0x8B, 0, lba, len(data) // 512, 0, 0), data, attr=attr)


def write_atomic(p, lba, data, imm=False, attr=SIMPLE):
    return p.issue(struct.pack(">BBQHHBB", 0x9C, 0, lba, 0, len(data) // 512, 0, 0), data, attr=attr, imm=imm)


def block(n):
    return struct.pack(">I", n) * 128


def counters(t):
    """Four channels of three nexuses count on one block, with pipelined guesses: it moves as often as one was right."""
    ps = [Queue(t.port, n) for n in (b"count-01", b"count-01", b"count-02", b"count-03")]
    lib.expect(ps[0].status(ps[0].write(100, block(0))) == GOOD, "a WRITE")
    right = wrong = 0
    attrs = (SIMPLE, ORDERED, HEAD)
    for i in range(150):
        now = struct.unpack(">I", ps[0].answer(ps[0].read(100))["data"][:4])[0]
        lib.expect(now == right, f"{right} were right, the counter says {now}")
        # each guesses that so many of the others have been before it: some are right, and at most one for each value
        asked = [(p, caw(p, 100, block(now + k), block(now + k + 1), attrs[(i + k + j) % 3]))
                 for j, p in enumerate(ps) for k in range(3)] if i % 5 == 0 else \
                [(p, caw(p, 100, block(now), block(now + 1), attrs[(i + j) % 3])) for j, p in enumerate(ps)]
        for p, tag in asked:
            r = p.answer(tag)
            if r["status"] == GOOD:
                right += 1
            else:
                lib.expect(r["status"] == CHECK and lib.sense(r) == (0xE, 0x1D, 0), f"MISCOMPARE, got {r}")
                wrong += 1
    lib.expect(right >= 150 and wrong > 100, f"{right} right, {wrong} wrong")
    gone(t, *ps)


def beside_writes(t):
    """WRITEs that run where they arrived, of others, come before the comparison or after the write: never between."""
    a, b, c = peers(t, b"beside-1", b"beside-2", b"beside-3")
    lib.expect(a.status(a.write(200, b"o" * 4096)) == GOOD, "a WRITE")
    for i in range(200):
        writes = [(p, p.write(200, bytes([65 + (i + k) % 50]) * 4096, (SIMPLE, SIMPLE, HEAD)[k % 3]))
                  for k, p in enumerate((b, c, b, c))]
        guess = bytes([65 + (i + i % 4) % 50]) * 4096
        mine = caw(a, 200, guess, b"!" * 4096)
        read = [(b, b.read(200, 8)), (c, c.read(200, 8))]
        r = a.answer(mine)
        for p, tag in writes:
            lib.expect(p.status(tag) == GOOD, "a WRITE")
        for p, tag in read:
            got = p.answer(tag)["data"]
            lib.expect(len(got) == 4096, "a READ")
        got = a.answer(a.read(200, 8))["data"]
        # whole WRITEs of one burst are not atomic among themselves; the one COMPARE AND WRITE is, towards each of them
        if r["status"] == GOOD:
            lib.expect(set(got) <= {ord("!")} | {65 + (i + k) % 50 for k in range(4)}, "what somebody wrote")
        else:
            lib.expect(ord("!") not in got, "a comparison that failed has written nothing")
        lib.expect(a.status(a.write(200, b"o" * 4096)) == GOOD, "a WRITE")
    gone(t, a, b, c)


def bits(t):
    """Every bit that somebody sets stays set."""
    ps = peers(t, b"bits-001", b"bits-002", b"bits-003")
    lib.expect(ps[0].status(ps[0].write(300, bytes(1024))) == GOOD, "a WRITE")
    want = bytearray(1024)
    for i in range(60):
        asked = []
        for k, p in enumerate(ps):
            data = bytearray(1024)
            at = (i * 97 + k * 331) % 8192
            data[at // 8] |= 1 << at % 8
            want[at // 8] |= 1 << at % 8
            asked.append((p, orwrite(p, 300, bytes(data), (SIMPLE, ORDERED)[i % 2])))
        for p, tag in asked:
            lib.expect(p.status(tag) == GOOD, "ORWRITE")
    got = ps[0].answer(ps[0].read(300, 2))["data"]
    lib.expect(got == bytes(want), "all bits are there")
    gone(t, *ps)


def sizes(t):
    """The largest there is, by RDMA READ; what is refused; what an initiator that does not give its data holds up."""
    a, b = peers(t, b"sizes-01", b"sizes-02")
    old, new = bytes(range(256)) * 256, bytes(reversed(range(256))) * 256
    for at in range(0, 128, 8):
        lib.expect(a.status(a.write(1000 + at, old[at * 512:][:4096])) == GOOD, "a WRITE")
    r = a.answer(caw(a, 1000, old, new[:-1] + b"x", imm=False))
    lib.expect(r["status"] == GOOD, f"128 blocks, got {r}")
    r = a.answer(caw(a, 1000, new, old, imm=False))
    lib.expect(lib.sense(r) == (0xE, 0x1D, 0), f"the last byte differs, got {r}")
    lib.expect(struct.unpack(">I", r["sense"][3:7])[0] == 65535 and r["sense"][0] & 0x80, "and the sense data say so")
    r = a.answer(caw(a, 1000, old + bytes(512), new + bytes(512), imm=False))
    lib.expect(lib.sense(r) == (5, 0x24, 0), f"129 blocks are refused, got {r}")
    # its data do not come: others wait for it, and go on when it is aborted
    stuck = a.issue(struct.pack(">BBQIBB", 0x89, 0, 5, 1, 0, 0), bytes(1024), imm=False)
    u = a.recv_fpdu()
    lib.expect(u[1] & 15 == 1, "a Read Request")
    other = b.read(5)
    lib.expect(lib.quiet(b, 0.3), "a READ waits for a COMPARE AND WRITE that has begun")
    a.close()
    lib.expect(b.status(other) == GOOD, "and goes on when that has gone")
    gone(t, b)


def whole(t):
    """READs of others give all of a WRITE ATOMIC or nothing of it, the longest one, too; a peer that dies leaves nothing."""
    a, b, c = peers(t, b"whole-01", b"whole-02", b"whole-03")
    size = 64 << 10
    lib.expect(a.status(write_atomic(a, 4096, b"\xff" * size)) == GOOD, "a WRITE ATOMIC")
    for i in range(20):
        writes = [write_atomic(a, 4096, bytes([2 * i + k]) * size, attr=(SIMPLE, HEAD)[i % 2]) for k in range(2)]
        reads = [(p, p.read(4096, size // 512)) for p in (b, c, b, c)]
        for tag in writes:  # they wait for us to give the data, and READs for them
            lib.expect(a.status(tag) == GOOD, "a WRITE ATOMIC")
        for p, tag in reads:
            got = p.answer(tag)["data"]
            lib.expect(len(got) == size and len(set(got)) == 1, f"one WRITE ATOMIC, not {set(got)}")
    lib.expect(a.status(write_atomic(a, 4096, b"\xee" * (1 << 20))) == GOOD, "one of 1 MiB")
    r = a.answer(write_atomic(a, 4096, bytes((1 << 20) + 512)))
    lib.expect(lib.sense(r) == (5, 0x24, 0), f"more is refused, got {r}")
    a.issue(struct.pack(">BBQHHBB", 0x9C, 0, 4096, 0, 2048, 0, 0), bytes(1 << 20), imm=False)
    u = a.recv_fpdu()
    lib.expect(u[1] & 15 == 1, "a Read Request")
    sink, at, n = struct.unpack(">IQI", u[18:34])
    a.fpdu(struct.pack(">BBIQ", 0x81, 0x42, sink, at) + bytes(n // 2 & ~3)[:32768])  # a part of the answer
    a.close()
    got = c.answer(c.read(4096, 2048))["data"]
    lib.expect(got == b"\xee" * (1 << 20), "nothing of one whose data did not come")
    gone(t, b, c)


def others_go_on(t):
    """A COMPARE AND WRITE whose data do not come holds its block, and no other: whoever wants others is answered meanwhile."""
    a, b, c = peers(t, b"apart-01", b"apart-02", b"apart-03")
    old, new = b"o" * 512, b"n" * 512
    lib.expect(a.status(a.write(300, old)) == GOOD, "a WRITE")
    tag = caw(a, 300, old, new, imm=False)
    u = a.recv_fpdu()
    lib.expect(u[1] & 15 == 1, "a Read Request: it runs")
    sink, at, n = struct.unpack(">IQI", u[18:34])
    lib.expect(n == 1024, "all of its data at once")
    waiting = [(p, p.read(300)) for p in (b, c)]
    for p in (b, c):
        for lba in (0, 299, 301):
            lib.expect(p.status(p.read(lba)) == GOOD and p.status(p.write(lba, bytes(512))) == GOOD, f"block {lba} is free")
        lib.expect(p.status(p.read(290, 10)) == GOOD, "up to the block")
    lib.expect(c.status(caw(c, 301, bytes(512), b"1" * 512)) == GOOD, "another COMPARE AND WRITE beside it")
    lib.expect(not b.answers and not c.answers, "who wants the block waits")
    a.read_response(sink, at, old + new)
    lib.expect(a.status(tag) == GOOD, "the COMPARE AND WRITE")
    for p, other in waiting:
        lib.expect(p.answer(other)["data"] == new, "what it has written")
    gone(t, a, b, c)


def not_here(t):
    """A file promises nothing over a crash, so there is no WRITE ATOMIC."""
    (a,) = peers(t, b"nothere1")
    r = a.answer(write_atomic(a, 0, bytes(512)))
    lib.expect(lib.sense(r) == (5, 0x20, 0), f"INVALID COMMAND OPERATION CODE, got {r}")
    gone(t, a)


with tempfile.TemporaryDirectory() as tmp:
    image = pathlib.Path(tmp) / "disk"
    image.write_bytes(bytes(8 << 20))
    for device in (lib.ram("d0", 32), lib.file_dev("d0", image)):
        with lib.Target(device, "\t\tLUN 0 d0\n", lib.ANY, "workers 3\n") as t:
            counters(t)
            if "vdisk_ram" not in device:  # WRITEs of several channels to one place of it would be a race
                beside_writes(t)
                others_go_on(t)
            bits(t)
            sizes(t)
            (whole if "vdisk_ram" in device else not_here)(t)
print("ok: COMPARE AND WRITE, ORWRITE, WRITE ATOMIC")
