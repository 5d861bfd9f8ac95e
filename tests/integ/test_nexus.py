# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""One I_T nexus, one SCSI session over all channels of a multi-channel login."""
import os
import struct
import time

import lib

TUR = bytes(6)


def logins(t, name, n, **kw):
    return [lib.Peer(t.port, name, **kw) for _ in range(n)]


def unit_attention_once(t):
    """What is owed to the nexus is reported on whichever channel asks first, and on no other."""
    chans = logins(t, b"nexus-ua", 4)
    r = chans[2].command(TUR, retry=False)
    lib.expect(lib.sense(r) == (6, 0x29, 0), f"POWER ON, got {r}")
    for p in chans:
        lib.expect(p.command(TUR, retry=False)["status"] == 0, "reported once for all channels")
    late = lib.Peer(t.port, b"nexus-ua")
    lib.expect(late.command(TUR, retry=False)["status"] == 0, "a channel that joins is no new nexus")
    chans.append(late)
    other = lib.Peer(t.port, b"nexus-u2")
    r = other.command(TUR, retry=False)
    lib.expect(lib.sense(r) == (6, 0x29, 0), "another nexus has its own")
    # a reset asked for on one channel is news on the others as well, once
    chans[0].send(lib.tsk_mgmt(9, 0x08))
    lib.expect(lib.rsp(chans[0].reply())["code"] == 0, "LUN RESET")
    codes = [lib.sense(r) for r in (p.command(TUR, retry=False) for p in chans) if r["status"] == 2]
    lib.expect(codes == [(6, 0x29, 3)], f"one unit attention for the nexus, got {codes}")
    lib.expect(lib.sense(other.command(TUR, retry=False)) == (6, 0x29, 3), "and one for the other nexus")
    for p in (*chans, other):
        p.close()
    t.wait_channels(0)


def stuck(p, tag, lba):
    """A WRITE whose data we never give; waits until the target asks for them."""
    p.send(lib.cmd_iu(tag, struct.pack(">BBIBHB", 0x2A, 0, lba, 0, 8, 0), out_fmt=1, descs=lib.descriptors((p.STAG, 0, 4096))))
    u = p.recv_fpdu()
    lib.expect(u[1] & 15 == 1, "a Read Request")
    return struct.unpack(">IQI", u[18:34])


def abort_across(t):
    """ABORT TASK names the task of another channel: that is the same nexus, so it is found there."""
    a, b = logins(t, b"nexus-ab", 2)
    stranger = lib.Peer(t.port, b"nexus-st")
    for p in (a, b, stranger):
        p.ready()
    before = a.read_blocks(3000, 8)["data"]
    sink, at, n = stuck(a, 500, 3000)
    stranger.send(lib.tsk_mgmt(1, 0x01, task_tag=500))
    lib.expect(lib.rsp(stranger.reply())["code"] == 0, "nothing of its own to abort, which is fine")
    b.send(lib.tsk_mgmt(2, 0x01, task_tag=500))
    lib.expect(lib.quiet(b, 0.3), "it waits for the data of the other channel")
    a.read_response(sink, at, b"\xee" * n)
    r = lib.rsp(b.reply())
    lib.expect(r["tag"] == 2 and r["code"] == 0 and r["delta"] == 1, f"the abort's answer, got {r}")
    # the credit of the aborted command comes back on its own channel
    u = a.reply()
    lib.expect(u[0] == 0x81 and struct.unpack(">i", u[4:8])[0] == 1, f"a CRED_REQ for the aborted command, got {u.hex()}")
    a.send(lib.answer_iu(0x41, u[8:16]))
    lib.expect(a.read_blocks(3000, 8)["data"] == before, "nothing was written")
    # ABORT TASK SET means the tasks of the nexus on every channel, and none of the stranger's
    sinks = [(p, stuck(p, 600 + i, 3100 + 8 * i)) for i, p in enumerate((a, b, stranger))]
    b.send(lib.tsk_mgmt(3, 0x02))
    lib.expect(lib.quiet(b, 0.5), "it waits for the data of both")
    for p, (sink, at, n) in sinks[:2]:
        p.read_response(sink, at, b"\xdd" * n)
    seen = b.reply()
    lib.expect(seen[0] == 0xC1 and lib.rsp(seen)["tag"] == 3, f"the answer, got {seen.hex()}")
    sink, at, n = sinks[2][1]
    stranger.read_response(sink, at, b"\xcc" * n)
    r = lib.rsp(stranger.reply())
    lib.expect(r["tag"] == 602 and r["status"] == 0, f"the stranger's WRITE is done, got {r}")
    u = a.reply()
    lib.expect(u[0] == 0x81, "a's credit")
    a.send(lib.answer_iu(0x41, u[8:16]))
    data = a.read_blocks(3100, 24)["data"]
    lib.expect(b"\xdd" not in data and data[16 * 512:] == b"\xcc" * 4096, "only the stranger's data are there")
    for p in (a, b, stranger):
        p.close()
    t.wait_channels(0)


def one_goes(t):
    """A channel that dies takes its own commands with it, and nothing of the others or of the session."""
    chans = logins(t, b"nexus-go", 3)
    for p in chans:
        p.ready()
    stuck(chans[1], 700, 4000)
    chans[1].close()
    t.wait_channels(2)
    for p in (chans[0], chans[2]):
        lib.expect(p.command(TUR, retry=False)["status"] == 0, "no unit attention: the nexus lives on")
    data = os.urandom(4096)
    lib.expect(chans[0].write_blocks(4000, data)["status"] == 0, "a WRITE over the dead one's block")
    lib.expect(chans[2].read_blocks(4000, 8)["data"] == data, "read by the third")
    back = lib.Peer(t.port, b"nexus-go", flags=0x81)
    lib.expect(back.rsp[26] & 3 == 2, "the others continue")
    lib.expect(back.command(TUR, retry=False)["status"] == 0, "and the session with them")
    single = lib.Peer(t.port, b"nexus-go", flags=0x80)
    lib.expect(single.rsp[26] & 3 == 1, "a single-channel login ends them all")
    for p in (chans[0], chans[2], back):
        lib.expect(p.closed(8), "is disconnected")
    t.wait_channels(1)
    single.close()
    t.wait_channels(0)


def takes_over(t):
    """A host that comes back does not wait for long for its old channel, which owes data and says nothing."""
    p = lib.Peer(t.port, b"nexus-to", flags=0x80)
    p.ready()
    stuck(p, 800, 5000)
    start = time.monotonic()
    q = lib.Peer(t.port, b"nexus-to", flags=0x80)
    took = time.monotonic() - start
    lib.expect(q.rsp[26] & 3 == 1, "the old channel is ended")
    lib.expect(0.5 < took < 4, f"answered when its WRITE can no longer come, after {took:.1f} s")
    lib.expect(q.write_blocks(5000, b"\xaa" * 4096)["status"] == 0, "a WRITE of the new one")
    lib.expect(q.read_blocks(5000, 8)["data"] == b"\xaa" * 4096, "stays")
    p.close()
    q.close()
    t.wait_channels(0)


def sessions_gone(t):
    """When its last channel has gone, so has the session: the next login is a new nexus."""
    for _ in range(2):
        p = lib.Peer(t.port, b"nexusnew")
        lib.expect(lib.sense(p.command(TUR, retry=False)) == (6, 0x29, 0), "a new nexus")
        p.close()
        t.wait_channels(0)


def logout_ends(t):
    """Its last channel logged out, a WRITE of it still waits for data: who comes back is a new nexus, and has waited."""
    p = lib.Peer(t.port, b"nexus-lo")
    p.ready()
    lib.expect(p.command(bytes((0x16, 0, 0, 0, 0, 0)))["status"] == 0, "RESERVE(6)")
    stuck(p, 900, 6000)
    p.send(lib.answer_iu(0x03, bytes(8)))
    chans = logins(t, b"nexus-lo", 2)
    lib.expect([q.rsp[26] & 3 for q in chans] == [0, 2], "nothing was there to go on, then the first was")
    r = chans[0].command(TUR, retry=False)
    lib.expect(lib.sense(r) == (6, 0x29, 0), f"a new nexus, got {r}")
    lib.expect(chans[1].command(TUR, retry=False)["status"] == 0, "told once, and the reservation went with the old one")
    lib.expect(chans[1].write_blocks(6000, b"\xab" * 4096)["status"] == 0, "a WRITE of the new one")
    p.close()
    for q in chans:
        q.close()
    t.wait_channels(0)


with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY, options="workers 3\n") as t:
    unit_attention_once(t)
    abort_across(t)
    one_goes(t)
    takes_over(t)
    sessions_gone(t)
    logout_ends(t)
print("ok: one nexus over several channels")
