# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Reservations over real connections: who is kept out and when, what is told, what survives a logout, and that
nothing of who was preempted and aborted reaches the medium."""
import json
import os
import signal
import struct
import threading
import time

import lib
from queue_peer import CHECK, CONFLICT, GOOD, TASK_ABORTED, Queue, gone, peers

REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_ABORT, IGNORE, MOVE = range(8)
KEYS, RESERVATION, CAPABILITIES, FULL = range(4)
WE, EA, WERO, EARO, WEAR, EAAR = 1, 3, 5, 6, 7, 8
RELEASED, PREEMPTED, REGISTRATIONS = 0x04, 0x03, 0x05  # 2Ah/..
SECOND = struct.pack(">QQ", 1, 2)  # id of the other target
T1 = ("\t}}\n\tTARGET t1 {{\n\t\tlisten 127.0.0.1:{}\n\t\tid_ext 1\n\t\tioc_guid 2\n\t\tallow_any 1\n"
      "\t\tLUN 0 ram0\n\t\tenabled 1\n")


def transport_id(name):
    return b"\x04" + bytes(7) + bytes(8) + name


def pr_out(p, action, key=0, sa_key=0, kind=0, flags=0, ids=None, data=None, retry=True):
    """PERSISTENT RESERVE OUT; the answer. @flags: byte 20 of the list."""
    if data is None:
        data = struct.pack(">QQ4xB3x", key, sa_key, flags)
        if ids is not None:
            data += struct.pack(">I", sum(map(len, ids))) + b"".join(ids)
    return p.command(struct.pack(">BBBHIB", 0x5F, action, kind, 0, len(data), 0), out=data, retry=retry)


def pr_ok(p, *args, **kw):
    r = pr_out(p, *args, **kw)
    lib.expect(r["status"] == GOOD, f"PERSISTENT RESERVE OUT {args} {kw} is done, got {r}")


def pr_in(p, action, n=8192):
    r = p.command(struct.pack(">BB5xHB", 0x5E, action, n, 0), n_in=n)
    lib.expect(r["status"] == GOOD, f"PERSISTENT RESERVE IN {action}, got {r}")
    return r["data"]


def keys(p):
    data = pr_in(p, KEYS)
    n = struct.unpack(">I", data[4:8])[0]
    return list(struct.unpack(f">{n // 8}Q", data[8:8 + n]))


def generation(p):
    return struct.unpack(">I", pr_in(p, KEYS)[:4])[0]


def reservation(p):
    """Key and type, or None."""
    data = pr_in(p, RESERVATION)
    if not struct.unpack(">I", data[4:8])[0]:
        return None
    return struct.unpack(">Q", data[8:16])[0], data[21]


def full_status(data):
    """Of each registration: key, type if it holds the reservation, relative port id, initiator's name."""
    n = struct.unpack(">I", data[4:8])[0]
    lib.expect(n % 48 == 0, f"48 bytes each, got {n}")
    got = []
    for at in range(8, 8 + n, 48):
        key, flags, kind, port, length = struct.unpack(">Q4xBB4xHI", data[at:at + 24])
        lib.expect(length == 24 and data[at + 24] == 4, "an SRP TransportID")
        got.append((key, kind if flags & 1 else 0, port, data[at + 40:at + 48]))
    return got


def statuses(p):
    """Of a READ, a WRITE and an INQUIRY."""
    return [p.read_blocks(0, 1)["status"], p.write_blocks(0, bytes(512))["status"],
            p.command(bytes([0x12, 0, 0, 0, 36, 0]), n_in=36)["status"]]


def attention(p):
    """The next unit attention, (asc, ascq), or None."""
    r = p.command(bytes(6), retry=False)
    return lib.sense(r)[1:] if r["status"] == CHECK else None


def types(t):
    """Holder, registrant and stranger under each type; who a RELEASE is told to."""
    a, b, c = peers(t, b"types--a", b"types--b", b"types--c")
    pr_ok(a, REGISTER, sa_key=0xA)
    pr_ok(b, REGISTER, sa_key=0xB)
    free, read_only, shut = [GOOD] * 3, [GOOD, CONFLICT, GOOD], [CONFLICT, CONFLICT, GOOD]
    for kind, registrant, stranger in ((WE, read_only, read_only), (EA, shut, shut), (WERO, free, read_only),
                                       (EARO, free, shut), (WEAR, free, read_only), (EAAR, free, shut)):
        pr_ok(a, RESERVE, 0xA, kind=kind)
        for p, want in ((a, free), (b, registrant), (c, stranger)):
            lib.expect(statuses(p) == want, f"type {kind}: {want}, got {statuses(p)}")
        lib.expect(reservation(c) == (0 if kind in (WEAR, EAAR) else 0xA, kind), f"type {kind}, got {reservation(c)}")
        lib.expect(pr_out(b, RESERVE, 0xB, kind=WE)["status"] == (CONFLICT), "another reservation")
        pr_ok(a, RELEASE, 0xA, kind=kind)
        told = (0x2A, RELEASED) if kind >= WERO else None
        lib.expect((attention(a), attention(b), attention(c)) == (None, told, None), f"type {kind}: who hears of its end")
        lib.expect(statuses(c) == free, "then all is as it was")
    lib.expect(pr_out(c, RESERVE, 0xA, kind=WE)["status"] == CONFLICT, "who is not registered cannot reserve")
    lib.expect(pr_out(a, RESERVE, 0xB, kind=WE)["status"] == CONFLICT, "nor who has the wrong key")
    pr_ok(a, CLEAR, 0xA)
    lib.expect(attention(b) == (0x2A, PREEMPTED) and keys(c) == [], "CLEAR is told, and nothing is left")
    gone(t, a, b, c)


def at_once(t):
    """As soon as RESERVE and RELEASE are answered every channel of the others knows, whatever worker it is on."""
    a = Queue(t.port, b"once---a")
    others = [Queue(t.port, name) for name in (b"once---b", b"once---c") for _ in range(3)]
    pr_ok(a, REGISTER, sa_key=1)
    for i in range(60):
        pr_ok(a, RESERVE, 1, kind=WE)
        tags = [(p, p.write(i, bytes(512))) for p in others]
        for p, tag in tags:
            lib.expect(p.status(tag) == CONFLICT, f"round {i}: a WRITE sent after the reservation")
        pr_ok(a, RELEASE, 1, kind=WE)
        tags = [(p, p.write(64 * n + i, bytes(512))) for n, p in enumerate(others)]  # nobody orders writes of one block
        for p, tag in tags:
            lib.expect(p.status(tag) == GOOD, f"round {i}: a WRITE sent after its end")
    pr_ok(a, CLEAR, 1)
    gone(t, a, *others)


def survives(t):
    """Registration and reservation belong to the name, not to the session."""
    a, b = peers(t, b"stays--a", b"stays--b")
    pr_ok(a, REGISTER, sa_key=0xA)
    pr_ok(a, RESERVE, 0xA, kind=EA)
    a.close()
    t.wait_channels(1)
    lib.expect(statuses(b) == [CONFLICT, CONFLICT, GOOD], "the holder has logged out")
    a = Queue(t.port, b"stays--a")
    lib.expect(statuses(a) == [GOOD] * 3 and statuses(b)[0] == CONFLICT, "it is the holder when it comes back")
    lib.expect(pr_out(a, REGISTER, sa_key=0xC)["status"] == CONFLICT, "and it must know its key")
    a2 = Queue(t.port, b"stays--a")
    lib.expect(statuses(a2) == [GOOD] * 3, "its other channel is the same nexus")
    # A reset of the unit changes nothing of it.
    lib.expect(b.tmf(0x08) == 0 and statuses(b)[0] == CONFLICT and reservation(a) == (0xA, EA), "after a LUN RESET")
    pr_ok(a, REGISTER, 0xA, 0)
    lib.expect(keys(b) == [] and reservation(b) is None and statuses(b) == [GOOD] * 3, "it goes with its registration")
    gone(t, a, a2, b)


def preempts(t):
    a, b, c = peers(t, b"takes--a", b"takes--b", b"takes--c")
    for i, p in enumerate((a, b, c)):
        pr_ok(p, REGISTER, sa_key=0xA + i)
    before = generation(a)
    pr_ok(b, RESERVE, 0xB, kind=WERO)
    lib.expect(generation(a) == before, "RESERVE does not count")
    pr_ok(a, PREEMPT, 0xA, 0xB, kind=EARO)
    lib.expect(reservation(a) == (0xA, EARO) and sorted(keys(a)) == [0xA, 0xC], "a has it, b is not registered any more")
    lib.expect(generation(a) == before + 1, "PREEMPT counts")
    lib.expect(attention(b) == (0x2A, REGISTRATIONS), "b hears that it was preempted")
    lib.expect(attention(c) == (0x2A, RELEASED), "c, that the reservation is another one")
    lib.expect(statuses(b) == [CONFLICT, CONFLICT, GOOD] and statuses(c) == [GOOD] * 3, "b is out, c is not")
    lib.expect(pr_out(a, PREEMPT, 0xA, 0xDEAD, kind=EARO)["status"] == CONFLICT, "nobody has that key")
    # To a nexus that is not there now, by name.
    moved = struct.pack(">QQxBHI", 0xA, 0xD, 2, 1, 24) + transport_id(b"takes--d")
    pr_ok(a, MOVE, data=moved)
    lib.expect(sorted(full_status(pr_in(a, FULL))) == [(0xC, 0, 1, b"takes--c"), (0xD, EARO, 1, b"takes--d")], "moved to d")
    d = Queue(t.port, b"takes--d")
    lib.expect(statuses(d) == [GOOD] * 3 and statuses(a)[1] == CONFLICT, "d logs in and is the holder")
    r = pr_out(d, REGISTER, 0xD, 0, flags=1)
    lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x26, 0), f"APTPL cannot be kept yet, got {r}")
    pr_ok(d, CLEAR, 0xD)
    gone(t, a, b, c, d)


def aborts(t):
    """PREEMPT AND ABORT: it ends when nothing of the preempted can touch the medium any more."""
    a, b = peers(t, b"kill---a", b"kill---b")
    a.mode(b5=0)
    a.write_blocks(2000, b"a" * 4096)
    for tas in (False, True):
        a.mode(b5=0x40 if tas else 0)
        b.ready()
        pr_ok(a, REGISTER, sa_key=0xA)
        pr_ok(b, REGISTER, sa_key=0xB)
        pr_ok(b, RESERVE, 0xB, kind=WE)
        stuck, data = b.stuck(2000)
        tag = a.issue(struct.pack(">BBBHIB", 0x5F, PREEMPT_ABORT, WE, 0, 24, 0), struct.pack(">QQ8x", 0xA, 0xB))
        lib.expect(lib.quiet(a, 0.3), "it waits for the WRITE that may still come")
        b.give(data, 0x62)
        lib.expect(a.status(tag) == GOOD, "then it is done")
        if tas:
            lib.expect(b.status(stuck) == TASK_ABORTED, "b hears that its WRITE was aborted")
        lib.expect(a.read_blocks(2000, 8)["data"] == b"a" * 4096, "the WRITE did not reach the medium")
        told = [] if tas else [(0x2F, 0)]  # that its commands were cleared, where their answers do not tell
        lib.expect([attention(b) for _ in range(len(told) + 1)] == told + [(0x2A, REGISTRATIONS)], "b hears why")
        lib.expect(statuses(b)[1] == CONFLICT, "b is out")
        lib.expect(not tas and stuck not in b.answers or tas, "without TAS nothing is said of the WRITE")
        pr_ok(a, CLEAR, 0xA)
    a.mode()
    gone(t, a, b)


def pump(p, lba, got):
    """WRITEs of the same eight blocks, eight at a time, until they have ended."""
    tags = []
    for k in range(40):
        tags.append(p.write(lba, os.urandom(512) * 8, imm=k & 1))
        if len(tags) == 8:
            got.append(p.status(tags.pop(0)))
    got += [p.status(tag) for tag in tags]


def fences(t):
    """Nothing that the preempted sent before reaches the medium after PREEMPT AND ABORT is answered."""
    a = Queue(t.port, b"fence--a")
    a.mode(b5=0x40)  # every command of b is answered
    seen = set()
    for i in range(25):
        bs = [Queue(t.port, b"fence--b") for _ in range(3)]
        pr_ok(a, IGNORE, sa_key=0xA)
        pr_ok(bs[0], IGNORE, sa_key=0xB)
        pr_ok(bs[0], RESERVE, 0xB, kind=WE)
        got = []
        pumps = [threading.Thread(target=pump, args=(p, 3000 + 8 * n, got)) for n, p in enumerate(bs)]
        for p in pumps:
            p.start()
        time.sleep(i * 0.002)  # so that it meets them at many a place
        pr_ok(a, PREEMPT_ABORT, 0xA, 0xB, kind=WE)
        mark = bytes([i]) * 4096 * len(bs)
        lib.expect(a.write_blocks(3000, mark)["status"] == GOOD, "the new holder's WRITE")
        for p in pumps:
            p.join()
        lib.expect(len(got) == 120 and set(got) <= {GOOD, CHECK, CONFLICT, TASK_ABORTED}, f"how they end, got {set(got)}")
        lib.expect(a.read_blocks(3000, 8 * len(bs))["data"] == mark, "nothing of theirs came after it")
        seen |= set(got)
        pr_ok(a, CLEAR, 0xA)
        for p in bs:
            p.close()
        t.wait_channels(1)
    lib.expect({GOOD, CONFLICT, TASK_ABORTED} <= seen, f"some of each, got {seen}")
    a.mode()
    gone(t, a)


def many(t):
    """As many registrations as there can be, in one list; all of them are told, to descriptors of any shape."""
    a = Queue(t.port, b"many---a")
    names = [b"many%04d" % i for i in range(127)]
    pr_ok(a, REGISTER, sa_key=7, flags=8, ids=[transport_id(n) for n in names])
    data = pr_in(a, FULL)
    lib.expect(len(data) == 8192 and full_status(data) == [(7, 0, 1, n) for n in [b"many---a"] + names], "all are told")
    b = Queue(t.port, b"many---b")
    r = pr_out(b, REGISTER, sa_key=8)
    lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x55, 4), f"no more than that, got {r}")
    lib.expect(statuses(b) == [GOOD] * 3 and len(keys(b)) == 128, "all else goes on")
    # The same through a descriptor table that lies outside the command, and one that makes no sense.
    for wrong in (0, 1):
        b.mem[0x10] = bytearray(8192)
        pieces = [(0x10, at, 64) for at in range(0, 8192, 64)]
        b.mem[0x11] = bytearray(lib.descriptors(*pieces))
        b.tag += 1
        b.send(lib.cmd_iu(b.tag, struct.pack(">BB5xHB", 0x5E, FULL, 8192, 0), in_fmt=2, in_cnt=0,
                          descs=struct.pack(">QIII", 0, 0x11, len(b.mem[0x11]), 8192 + wrong)))
        r = b.answer(b.tag)
        if wrong:
            lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x24, 0), f"a table that is not as long as it says, got {r}")
        else:
            lib.expect(r["status"] == GOOD and bytes(b.mem[0x10])[:8 + 128 * 48] == data[:8 + 128 * 48], f"by a table, got {r}")
    # Several at a time, more than there are buffers to a class for one channel.
    tags = [b.issue(struct.pack(">BB5xHB", 0x5E, FULL, 8192, 0), n_in=8192) for _ in range(100)]
    for tag in tags:
        r = b.answer(tag)
        lib.expect(r["status"] == GOOD and r["data"] == data, "each has all of it")
    back = Queue(t.port, names[77])
    lib.expect(pr_out(back, REGISTER, sa_key=9)["status"] == CONFLICT, "one of those named is registered when it comes")
    pr_ok(back, REGISTER, 7, 9)
    lib.expect(full_status(pr_in(a, FULL))[78] == (9, 0, 1, names[77]), "and may change its key")
    pr_ok(a, CLEAR, 7)
    gone(t, a, b, back)


def ports(t):
    """Two targets of one daemon: registrations name the port, ALL_TG_PT means both."""
    a, b = Queue(t.port, b"ports--a"), Queue(t.port, b"ports--b")
    a1, b1 = Queue(t.port, b"ports--a", target=SECOND), Queue(t.port, b"ports--b", target=SECOND)
    pr_ok(a, REGISTER, sa_key=0xA)
    pr_ok(a, RESERVE, 0xA, kind=EARO)
    lib.expect(statuses(a1)[0] == CONFLICT, "by its other port it is a stranger")
    pr_ok(a1, REGISTER, sa_key=0xA1)
    lib.expect(statuses(a1) == [GOOD] * 3, "until it registers there")
    lib.expect(full_status(pr_in(b, FULL)) == [(0xA, EARO, 1, b"ports--a"), (0xA1, 0, 2, b"ports--a")], "two nexuses")
    pr_ok(b, REGISTER, sa_key=0xB, flags=4)
    lib.expect(sorted(full_status(pr_in(b, FULL)))[1:3] == [(0xB, 0, 1, b"ports--b"), (0xB, 0, 2, b"ports--b")], "at both")
    lib.expect(statuses(b1) == [GOOD] * 3, "it counts at once")
    ids = [p.command(bytes([0x12, 1, 0x83, 0, 255, 0]), n_in=255)["data"] for p in (b, b1)]
    lib.expect(all(bytes([0x61, 0x94, 0, 4, 0, 0, 0, 1 + i]) in page or bytes([0x01, 0x14, 0, 4, 0, 0, 0, 1 + i]) in page
                   or bytes([0x41, 0x94, 0, 4, 0, 0, 0, 1 + i]) in page for i, page in enumerate(ids)),
               f"VPD page 83h names the ports so, got {ids[0].hex()}")
    pr_ok(b, REGISTER, 0xB, 0, flags=4)
    lib.expect(statuses(b)[0] == CONFLICT and statuses(b1)[0] == CONFLICT, "gone at both")
    pr_ok(a, CLEAR, 0xA)
    gone(t, a, a1, b, b1)


def reserve_release(t):
    """RESERVE of SPC-2: everything conflicts for the others, and it ends with the session, or with a reset."""
    a, b = peers(t, b"spc2---a", b"spc2---b")

    def spc2(p, opcode):
        return p.command(bytes([opcode]) + bytes(5 if opcode < 0x20 else 9))["status"]

    for reserve, release in ((0x16, 0x17), (0x56, 0x57)):
        lib.expect(spc2(a, reserve) == GOOD and spc2(a, reserve) == GOOD, "RESERVE, and again")
        lib.expect(statuses(b) == [CONFLICT, CONFLICT, GOOD] and statuses(a) == [GOOD] * 3, "b is out")
        lib.expect(spc2(b, reserve) == CONFLICT and spc2(b, release) == GOOD and statuses(b)[0] == CONFLICT, "b cannot end it")
        lib.expect(spc2(a, release) == GOOD and statuses(b) == [GOOD] * 3, "RELEASE")
    lib.expect(spc2(a, 0x16) == GOOD and pr_out(a, REGISTER, sa_key=1)["status"] == CONFLICT, "no persistent one beside it")
    a.close()
    t.wait_channels(1)
    lib.expect(statuses(b) == [GOOD] * 3, "it went with its session")
    a = Queue(t.port, b"spc2---a")
    lib.expect(spc2(a, 0x16) == GOOD and b.tmf(0x08) == 0 and statuses(b) == [GOOD] * 3, "or with a LUN RESET")
    pr_ok(a, REGISTER, sa_key=1)
    lib.expect(spc2(a, 0x16) == CONFLICT and spc2(b, 0x16) == CONFLICT, "not where there are registrations")
    pr_ok(a, RESERVE, 1, kind=WE)
    lib.expect(spc2(a, 0x16) == GOOD and spc2(b, 0x16) == CONFLICT, "but the holder may try (CRH)")
    lib.expect(statuses(b) == [GOOD, CONFLICT, GOOD] and spc2(a, 0x17) == GOOD, "which does nothing")
    pr_ok(a, CLEAR, 1)
    gone(t, a, b)


def dump(t):
    done = lib.tool("srptctl", "--socket", t.ctl, "rpc", "device.reservations", '{"device": "ram0"}', check=False)
    lib.expect(done.returncode == 0, f"srptctl rpc device.reservations: {done.err}")
    return json.loads(done.out)


def dumped(t):
    """What an administrator is told of it is what the hosts made."""
    a, b = peers(t, b"dump---a", b"dump---b")
    lib.expect(dump(t)["registrations"] == [] and dump(t)["type"] is None, f"nothing yet, got {dump(t)}")
    pr_ok(a, REGISTER, sa_key=0xA)
    pr_ok(b, REGISTER, sa_key=0xB)
    pr_ok(b, RESERVE, 0xB, kind=WERO)
    got = dump(t)
    lib.expect(got["generation"] == generation(a), f"generation, got {got}")
    lib.expect(got["type"] == "write exclusive, registrants only" and not got["aptpl"] and got["reserved_by"] is None, f"got {got}")
    lib.expect([(r["key"], r["holder"]) for r in got["registrations"]] == [("0x%016x" % 0xA, False), ("0x%016x" % 0xB, True)], f"got {got}")
    names = [bytes.fromhex(r["initiator"][2:]) for r in got["registrations"]]
    lib.expect(b"dump---a" in names[0] and b"dump---b" in names[1], f"initiators, got {names}")
    lib.expect({r["initiator"] for r in got["registrations"]} == {s["initiator"] for s in t.sessions()}, "named as their sessions")
    pr_ok(a, CLEAR, 0xA)
    lib.expect(a.command(bytes([0x16, 0, 0, 0, 0, 0]))["status"] == GOOD, "RESERVE")
    got = dump(t)
    lib.expect(got["registrations"] == [] and b"dump---a" in bytes.fromhex(got["reserved_by"][2:]), f"SPC-2, got {got}")
    gone(t, a, b)


def unit_moves(t):
    """A LUN that is taken away and given back: the reservation was the unit's all the time."""
    conf = t.conf.read_text()
    a, b = peers(t, b"moves--a", b"moves--b")
    pr_ok(a, REGISTER, sa_key=0xA)
    pr_ok(a, RESERVE, 0xA, kind=EA)
    for text in (conf.replace("\t\tLUN 0 ram0\n", ""), conf):
        since = len(t.text())
        t.conf.write_text(text)
        t.proc.send_signal(signal.SIGHUP)
        t.wait_log("reload: done", since=since)
        want, end = (CHECK if text != conf else GOOD), time.monotonic() + 10
        while a.ready()["status"] != want:  # until its worker knows
            lib.expect(time.monotonic() < end, "the reload is seen")
    b.ready()
    lib.expect(statuses(a) == [GOOD] * 3 and statuses(b)[0] == CONFLICT, "nor did it lose its holder")
    pr_ok(a, CLEAR, 0xA)
    gone(t, a, b)


with lib.Target(lib.ram("ram0", 32), "\t\tLUN 0 ram0\n", lib.ANY, "workers 3\n", start=False) as t:
    t.conf.write_text(t.conf.read_text().rstrip().removesuffix("}").rstrip().removesuffix("}") + T1.format(t.port) + "\t}\n}\n")
    t.start()
    types(t)
    at_once(t)
    survives(t)
    preempts(t)
    aborts(t)
    fences(t)
    many(t)
    ports(t)
    reserve_release(t)
    dumped(t)
with lib.Target(lib.ram("ram0", 32) + lib.ram("ram1", 8), "\t\tLUN 0 ram0\n\t\tLUN 1 ram1\n", lib.ANY, "workers 2\n") as t:
    unit_moves(t)
print("ok: reservations")
