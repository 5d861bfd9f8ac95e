# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Credits on the wire: an initiator's share, how it grows and shrinks while channels live, and who does not play."""
import struct
import time

import lib

TUR = bytes(6)
CRED_REQ, CRED_RSP = 0x81, 0x41


def conf(t, **words):
    """Put @words into the target's block and reload."""
    text = "".join(f"\t\t{k} {v}\n" for k, v in words.items())
    body = t.conf.read_text()
    start = body.index("\t\tallow_any 1\n")
    end = body.index("\t}\n", start)
    t.conf.write_text(body[:start] + "\t\tallow_any 1\n" + text + body[end:])
    at = len(t.text())
    t.proc.send_signal(lib.signal.SIGHUP)
    t.wait_log("reload: done", since=at)


def cred_req(p, want):
    """The target's CRED_REQ with @want as delta; answered."""
    u = p.reply()
    lib.expect(u[0] == CRED_REQ and len(u) == 16, f"a CRED_REQ, got {u.hex()}")
    delta, tag = struct.unpack(">i8s", u[4:16])
    lib.expect(delta == want, f"a CRED_REQ of {want}, got {delta}")
    p.send(lib.answer_iu(CRED_RSP, tag))
    p.credits += delta


def limits(t):
    return sorted(s["credits"] + s["in_flight"] for s in t.sessions())


def wait_limits(t, want):
    end = time.monotonic() + 5
    while limits(t) != want and time.monotonic() < end:
        time.sleep(0.02)
    lib.expect(limits(t) == want, f"limits {want}, got {limits(t)}")


def share(t):
    """Channels that come and go change the shares of the others."""
    a = lib.Peer(t.port, b"sharing1")
    lib.expect(a.credits == 100, f"all of the share, got {a.credits}")
    a.ready()
    b = lib.Peer(t.port, b"sharing1")
    lib.expect(b.credits == 50, f"half of it, got {b.credits}")
    cred_req(a, -50)
    lib.expect(a.ready()["status"] == 0, "after giving back")
    other = lib.Peer(t.port, b"sharing2")
    lib.expect(other.credits == 100, f"another initiator has its own, got {other.credits}")
    wait_limits(t, [50, 50, 100])
    b.close()
    t.wait_channels(2)
    cred_req(a, 50)
    wait_limits(t, [100, 100])
    a.close()
    other.close()
    t.wait_channels(0)


def by_responses(t):
    """With commands in flight a limit shrinks by RSPs that return nothing, and grows by those that return more."""
    p = lib.Peer(t.port, b"inflight")
    p.ready()
    # WRITEs whose data we hold back
    for i in range(10):
        p.send(lib.cmd_iu(900 + i, struct.pack(">BBIBHB", 0x2A, 0, 64 + 8 * i, 0, 8, 0), out_fmt=1,
                          descs=lib.descriptors((p.STAG, 0, 4096))))
    end = time.monotonic() + 5
    while t.sessions()[0]["in_flight"] != 10 and time.monotonic() < end:
        time.sleep(0.01)
    conf(t, credits_per_initiator=6)
    p.buf = bytearray(4096)
    deltas = []
    asked = 0
    for _ in range(11):
        u = p.reply()
        if u[0] == CRED_REQ:
            asked = struct.unpack(">i", u[4:8])[0]
            p.send(lib.answer_iu(CRED_RSP, u[8:16]))
        else:
            deltas.append(lib.rsp(u)["delta"])
    lib.expect(asked == -90, f"what it held idle is asked back, got {asked}")
    lib.expect(sum(deltas) == 6 and set(deltas) == {0, 1}, f"four are kept, six come back, got {deltas}")
    wait_limits(t, [6])
    conf(t, credits_per_initiator=100)
    cred_req(p, 94)
    wait_limits(t, [100])
    p.close()
    t.wait_channels(0)


def cheats(t):
    """Who goes on using what it gave back is logged out; another session does not notice."""
    steady = lib.Steady(t.port)
    p = lib.Peer(t.port, b"cheating")
    p.ready()
    conf(t, credits_per_initiator=4)
    cred_req(p, -96)
    for i in range(5):
        p.send(lib.cmd_iu(50 + i, struct.pack(">BBIBHB", 0x2A, 0, 0, 0, 8, 0), out_fmt=1,
                          descs=lib.descriptors((p.STAG, 0, 4096))))
    t.wait_log("more requests than the request limit, closing the channel")
    p.close()
    conf(t, credits_per_initiator=100)
    steady.stop()
    t.wait_channels(0)


def spurious(t):
    for op, what in ((0x41, "CRED_RSP"), (0x42, "AER_RSP")):
        p = lib.Peer(t.port, b"spurious")
        p.ready()
        p.send(lib.answer_iu(op, b"12345678"))
        u = p.reply()
        lib.expect(u[0] == 0x80 and struct.unpack(">I", u[4:8])[0] == 3, f"T_LOGOUT reason 3 for a {what} to nothing, got {u.hex()}")
        p.close()
    t.wait_channels(0)


def too_many_channels(t):
    """A share below four credits is none."""
    conf(t, credits_per_initiator=11)
    peers = [lib.Peer(t.port, b"manychan") for _ in range(2)]
    lib.expect(peers[1].credits == 5, f"half of eleven, got {peers[1].credits}")
    r = lib.Raw(t.port, lib.login_req(initiator=bytes(8) + b"manychan", flags=1))
    lib.expect(r.rej is not None and struct.unpack(">I", r.rej[4:8])[0] == 0x10006, f"channel limit, got {r.rej!r}")
    for p in (*peers, r):
        p.close()
    t.wait_channels(0)
    conf(t, credits=7, credits_per_initiator=0)
    p = lib.Peer(t.port, b"manychan")
    lib.expect(p.credits == 7, f"the target's limit, got {p.credits}")
    p.close()


with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY + "\t\tcredits 100\n\t\tcredits_per_initiator 100\n") as t:
    share(t)
    by_responses(t)
    cheats(t)
    spurious(t)
    too_many_channels(t)
print("ok: credits")
