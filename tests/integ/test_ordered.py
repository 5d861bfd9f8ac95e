# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Task attributes, ACA and the control mode page over real connections: what waits, what overtakes, what is
aborted and how it is told."""
import os
import random
import signal
import struct

import lib
from queue_peer import ACA, ACA_ACTIVE, BUSY, CHECK, GOOD, HEAD, NACA, ORDERED, SIMPLE, TASK_ABORTED, Queue, gone, peers


def waits(t):
    """An ORDERED command waits for what is older, on every channel and of every nexus, and what is newer waits for it."""
    a, a2, b = Queue(t.port, b"order-a1"), Queue(t.port, b"order-a1"), Queue(t.port, b"order-b1")
    older, data = b.stuck(100)
    mid = a.write(100, b"o" * 4096, ORDERED)
    behind = a.read(100)
    lib.expect(lib.quiet(a, 0.3), "the ORDERED command waits for another nexus's WRITE, the READ behind it too")
    elsewhere, other = a2.read(100), b.read(100)
    first = a2.read(100, attr=HEAD)
    lib.expect(a2.status(first) == GOOD, "a HEAD OF QUEUE command does not wait")
    lib.expect(lib.quiet(a2, 0.2), "a SIMPLE one of another channel does")
    b.give(data, 0x6F ^ 1)
    lib.expect(b.status(older) == GOOD, "the older WRITE ends")
    lib.expect(a.status(mid) == GOOD, "then the ORDERED one")
    for p, tag in ((a, behind), (a2, elsewhere), (b, other)):
        r = p.answer(tag)
        lib.expect(r["status"] == GOOD and r["data"] == b"o" * 512, f"and the READs see what it wrote, got {r['data'][:8]}")
    lib.expect(a.order[-2:] == [mid, behind], "in that order")
    gone(t, a, a2, b)


def pipelines(t):
    """Bursts that only make sense in order, by two nexuses with two channels each, without waiting for answers."""
    rnd = random.Random(1)
    ps = [Queue(t.port, n) for n in (b"pipe-a01", b"pipe-a01", b"pipe-b01", b"pipe-b01")]
    for _ in range(60):
        asked = []
        for i, p in enumerate(ps):
            lba = 1000 + 64 * i
            for burst in range(rnd.randrange(1, 4)):
                v = rnd.randrange(1, 255)
                kind = rnd.randrange(3)
                if kind == 0:  # the READ must see the ORDERED WRITE, not the one before
                    tags = [p.write(lba, bytes([v ^ 0xFF]) * 512), p.write(lba, bytes([v]) * 512, ORDERED), p.read(lba)]
                elif kind == 1:  # an ORDERED READ between two WRITEs
                    tags = [p.write(lba, bytes([v]) * 512), p.read(lba, attr=ORDERED), p.write(lba, bytes([v ^ 0xFF]) * 512)]
                    tags = [tags[0], tags[2], tags[1]]
                else:  # nothing overtakes a HEAD OF QUEUE command of its channel, which overtakes others
                    own = lba + 16 + burst
                    tags = [p.read(own), p.write(own, bytes([v]) * 512, HEAD), p.read(own)]
                p.tur(ORDERED)
                asked.append((p, v, tags))
        for p, v, (x, y, r) in asked:
            lib.expect(p.status(x) == GOOD and p.status(y) == GOOD, "the WRITEs")
            got = p.answer(r)
            lib.expect(got["status"] == GOOD and got["data"] == bytes([v]) * 512, f"{v:#x}, got {got['data'][:4].hex()}")
    for p in ps:
        last = p.tur(ORDERED)
        lib.expect(p.status(last) == GOOD, "the last one")
    gone(t, *ps)


def taken_away(t):
    """What waits can be aborted, and goes with its channel; others go on."""
    a, b, c, d = peers(t, b"abort-a1", b"abort-b1", b"abort-c1", b"abort-d1")
    older, data = b.stuck(200)
    first = a.tur(ORDERED)
    a.tur()
    a.tur(ORDERED)
    lib.expect(lib.quiet(a, 0.2), "they wait")
    also = c.tur(ORDERED)
    lib.expect(a.tmf(0x01, first) == 0, "ABORT TASK of one that waits is answered at once")
    lib.expect(lib.quiet(c, 0.2), "others still wait")
    lib.expect(a.tmf(0x02) == 0, "ABORT TASK SET")
    a.close()
    lib.expect(lib.quiet(c, 0.2), "the command of another nexus still waits")
    d.tur(ORDERED)
    d.close()
    t.wait_channels(2)
    lib.expect(lib.quiet(c, 0.2), "a channel that goes with one changes nothing for it")
    b.give(data, 1)
    lib.expect(b.status(older) == GOOD and c.status(also) == GOOD, "they go on")
    # a LUN RESET ends them all
    older, data = b.stuck(200)
    tags = [c.tur(ORDERED), c.tur(), c.tur(HEAD)]
    lib.expect(c.status(tags[2]) == GOOD, "the HEAD ran")
    c.tag += 1
    c.send(lib.tsk_mgmt(c.tag, 0x08))
    lib.expect(lib.quiet(c, 0.2), "the LUN RESET waits for the data of one that runs")
    b.give(data, 1)
    lib.expect(c.answer(c.tag)["code"] == 0, "LUN RESET")
    r = c.command(bytes(6), retry=False)
    lib.expect(lib.sense(r) == (6, 0x29, 3), f"with its unit attention, got {r}")
    lib.expect(b.ready()["status"] == GOOD, "and all is well")
    gone(t, b, c)


def aca(t):
    a, b = peers(t, b"aca-0001", b"aca-0002")
    older, data = b.stuck(300)
    bad = a.read(0xFFFFFF00, control=NACA)
    lib.expect(lib.quiet(a, 0.3), "the condition is established when what runs elsewhere has ended")
    b.give(data, 2)
    lib.expect(b.status(older) == GOOD, "that one ends as ever")
    r = a.answer(bad)
    lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x21, 0), f"then the CHECK CONDITION comes, got {r}")
    lib.expect(a.status(a.tur()) == ACA_ACTIVE and a.status(a.tur(ORDERED)) == ACA_ACTIVE, "the nexus gets ACA ACTIVE")
    lib.expect(b.status(b.tur()) == BUSY, "another one BUSY")
    lib.expect(b.status(b.tur(control=NACA)) == ACA_ACTIVE, "or ACA ACTIVE when it knows about ACA")
    lib.expect(a.status(a.read(300, attr=ACA)) == GOOD, "the ACA command")
    lib.expect(b.tmf(0x40) == 0 and b.status(b.tur()) == BUSY, "CLEAR ACA of another nexus changes nothing")
    lib.expect(a.tmf(0x40) == 0, "CLEAR ACA")
    lib.expect(a.status(a.tur()) == GOOD and b.status(b.tur()) == GOOD, "and everybody works")
    # a nexus that goes takes its condition with it
    lib.expect(a.status(a.read(0xFFFFFF00, control=NACA)) == CHECK and b.status(b.tur()) == BUSY, "again")
    a.close()
    t.wait_channels(1)
    lib.expect(b.status(b.tur()) == GOOD, "its condition has gone with it")
    r = b.answer(b.tur(ACA))
    lib.expect(lib.sense(r) == (5, 0x49, 0), f"the ACA attribute without a condition, got {r}")
    gone(t, b)


def task_aborted(t):
    """TAS: who is aborted by another nexus hears of it by TASK ABORTED instead of a unit attention."""
    for tas in (0, 1):
        a, b = peers(t, b"tas-0001", b"tas-0002")
        a.mode(b5=0x40 if tas else 0)
        b.ready()
        running, data = b.stuck(400)
        waiting = b.tur(ORDERED)
        lib.expect(lib.quiet(b, 0.2), "an ORDERED command waits")
        a.tag += 1
        a.send(lib.tsk_mgmt(a.tag, 0x04))
        if tas:
            lib.expect(b.status(waiting) == TASK_ABORTED, "one that waits")
        lib.expect(lib.quiet(a, 0.2), "the function waits for data under way")
        b.give(data, 3)
        lib.expect(a.answer(a.tag)["code"] == 0, "CLEAR TASK SET")
        if tas:
            lib.expect(b.status(running) == TASK_ABORTED, "one that ran")
        r = b.answer(b.tur())
        lib.expect(r["status"] == (GOOD if tas else CHECK), f"a unit attention without TAS only, got {r}")
        a.mode()
        gone(t, a, b)


def qerr(t):
    """QERR: a CHECK CONDITION takes the other commands with it, before it is sent."""
    a, b = peers(t, b"qerr-001", b"qerr-002")
    a.mode(b3=0x12, b5=0x40)
    b.ready()
    running, data = b.stuck(500)
    waiting = b.tur(ORDERED)
    lib.expect(lib.quiet(b, 0.2), "an ORDERED command waits")
    bad = a.read(0xFFFFFF00)  # behind it
    hot = a.read(0xFFFFFF00, attr=HEAD)
    lib.expect(b.status(waiting) == TASK_ABORTED, "what waits is aborted at once")
    lib.expect(lib.quiet(a, 0.2), "the CHECK CONDITION waits for the other")
    b.give(data, 4)
    lib.expect(b.status(running) == TASK_ABORTED, "which is aborted, too")
    r = a.answer(hot)
    lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x21, 0), f"then it comes, got {r}")
    lib.expect(lib.quiet(a, 0.2) and bad not in a.answers, "the other command of its nexus was aborted in silence")
    lib.expect(b.read_blocks(500, 8)["data"] != b"\4" * 4096, "the aborted WRITE wrote nothing")
    a.mode()
    b.ready()
    gone(t, a, b)


def settings(t):
    """MODE SELECT tells the other nexuses, and a unit that is taken away is closed although commands wait."""
    a, b = peers(t, b"mode-001", b"mode-002")
    a.mode(b2=0x06)
    r = b.answer(b.tur())
    lib.expect(r["status"] == CHECK and lib.sense(r) == (6, 0x2A, 1), f"MODE PARAMETERS CHANGED, got {r}")
    r = b.answer(b.read(0xFFFFFF00))
    lib.expect(r["sense"][0] == 0x72, "sense data in descriptor format")
    a.mode()
    b.ready()
    gone(t, a, b)


def under_load(t):
    """ORDERED commands all the time, and a session with plain I/O beside them that must stay right and get on."""
    steady = lib.Steady(t.port, 4096)
    a, b = peers(t, b"load-001", b"load-002")
    for i in range(300):
        tags = [(p, p.write(6000 + 8 * k, os.urandom(512), ORDERED if (i + k) % 2 else HEAD))
                for k, p in enumerate((a, b)) for _ in range(3)]
        if i % 50 == 7:
            lib.expect(a.tmf(0x01, tags[2][1]) == 0, "an abort in between")
            a.answers.pop(tags[2][1], None)
            tags.pop(2)
        for p, tag in tags:
            lib.expect(p.status(tag) == GOOD, "a WRITE")
    steady.stop()
    gone(t, a, b)


def unit_goes(t, conf):
    """The unit leaves the configuration while commands wait and an ACA condition is in effect."""
    a, b = peers(t, b"goes-001", b"goes-002")
    running, data = b.stuck(600)
    waiting = [b.tur(ORDERED), b.tur()]
    t.conf.write_text(conf.replace("\t\tLUN 0 ram0\n", "").replace(lib.ram("ram0", 32), ""))
    since = len(t.text())
    t.proc.send_signal(signal.SIGHUP)
    r = b.answer(waiting[0])
    lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x25, 0), f"the unit is not there any more, got {r}")
    r = b.answer(waiting[1])
    lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x25, 0), f"for the other neither, got {r}")
    b.give(data, 5)
    lib.expect(b.status(running) == GOOD, "what ran ends as ever")
    t.wait_log("device ram0: closed", since=since)
    gone(t, a, b)


with lib.Target(lib.ram("ram0", 32) + lib.ram("ram1", 8), "\t\tLUN 0 ram0\n\t\tLUN 1 ram1\n", lib.ANY, "workers 3\n") as t:
    waits(t)
    pipelines(t)
    taken_away(t)
    aca(t)
    task_aborted(t)
    qerr(t)
    settings(t)
    under_load(t)
    unit_goes(t, t.conf.read_text())
print("ok: task attributes, ACA, control mode page")
