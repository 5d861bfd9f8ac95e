# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Solicited notification and asynchronous event reports, for initiators that asked for them."""
import struct

import lib

LOSOLNT, CRSOLNT, AESOLNT, MULTI = 0x10, 0x20, 0x40, 0x01
SCSOLNT, UCSOLNT = 2, 4
T_LOGOUT, CRED_REQ, AER_REQ, RSP = 0x80, 0x81, 0x82, 0xC1
DEVICES = lib.ram() + lib.ram("ram1", 8)


def reload(t, text):
    t.conf.write_text(text)
    at = len(t.text())
    t.proc.send_signal(lib.signal.SIGHUP)
    t.wait_log("reload: done", since=at)


def solicited_answers(t):
    p = lib.Peer(t.port, b"solicit1")
    p.ready()
    good, bad = bytes(6), bytes([0xFF, 0, 0, 0, 0, 0])
    for cdb, status in ((good, 0), (bad, 2)):
        for asked in (0, SCSOLNT, UCSOLNT, SCSOLNT | UCSOLNT):
            p.tag += 1
            p.send(lib.cmd_iu(p.tag, cdb, sol_not=asked))
            u = p.reply()
            want = bool(asked & (UCSOLNT if status else SCSOLNT))
            lib.expect(lib.rsp(u)["status"] == status, f"status {status}, got {u.hex()}")
            lib.expect(p.solicited == want and u[1] == want, f"status {status} asked {asked}: solicited {want}, got {p.solicited} {u[1]}")
    for function, code in ((0x01, 0), (0x10, 4)):
        for asked in (0, SCSOLNT, UCSOLNT):
            p.tag += 1
            p.send(lib.tsk_mgmt(p.tag, function, task_tag=1, sol_not=asked))
            u = p.reply()
            want = bool(asked & (UCSOLNT if code else SCSOLNT))
            lib.expect(lib.rsp(u)["code"] == code, f"response code {code}, got {u.hex()}")
            lib.expect(p.solicited == want and u[1] == want, f"code {code} asked {asked}: solicited {want}")
    p.close()


def reports(t):
    text = t.conf.read_text()
    silent = lib.Peer(t.port, b"no-event")
    silent.ready()
    early = lib.Peer(t.port, b"events01", flags=0x81 | AESOLNT)  # logged in, has sent nothing yet
    p = lib.Peer(t.port, b"events02", flags=0x81 | AESOLNT | CRSOLNT)
    p.ready()
    more = text.replace("LUN 0 ram0\n", "LUN 0 ram0\n\t\tLUN 3 ram1\n")
    reload(t, more)
    lib.event_report(p, (0x3F, 0x0E))
    lib.expect(lib.quiet(early, 0.3), "nothing for who has sent nothing: it may have no receive posted")
    early.send(lib.cmd_iu(1, bytes([0x12, 0, 0, 0, 0, 0])))
    lib.expect(early.reply()[0] == RSP, "the answer to INQUIRY")
    # POWER ON is still owed at its LUN 0 and says it all: nothing newer is the first there
    lib.expect(lib.quiet(early, 0.2), "what it is told by its next command anyway")
    r = p.command(bytes(6), retry=False)
    lib.expect(r["status"] == 2 and lib.sense(r) == (6, 0x3F, 0x0E), f"the unit attention itself is still owed, got {r}")
    # a reset by another initiator
    silent.send(lib.tsk_mgmt(77, 0x08))
    lib.expect(lib.rsp(silent.reply())["code"] == 0, "LUN RESET")
    lib.event_report(p, (0x29, 0x03))
    silent.ready()
    lib.expect(lib.quiet(silent, 0.2), "no report for who asked for none")
    p.ready()
    # not answered: the next one has to wait, also the credits; then both come
    reload(t, text)
    first = p.reply()
    lib.expect(first[0] == AER_REQ, f"an AER_REQ, got {first.hex()}")
    reload(t, text.replace("allow_any 1", "allow_any 1\n\t\tcredits_per_initiator 20"))
    silent.send(lib.tsk_mgmt(78, 0x08))
    lib.expect(lib.quiet(p, 0.3), "one request at a time")
    lib.answered(p, first)
    u = p.reply()
    lib.expect(u[0] == CRED_REQ and struct.unpack(">i", u[4:8])[0] == -109 and p.solicited, f"the CRED_REQ, got {u.hex()}")
    lib.answered(p, u)
    lib.event_report(p, (0x29, 0x03))
    for q in (silent, early, p):
        q.close()
    t.wait_channels(0)
    reload(t, text)


def carrier_goes(t):
    """The channel that carried a report goes before it answered: another one of the nexus tells of it."""
    a = lib.Peer(t.port, b"carrier1", flags=0x81 | AESOLNT)
    a.ready()
    b = lib.Peer(t.port, b"carrier1", flags=0x81 | AESOLNT)
    b.ready()
    other = lib.Peer(t.port, b"resetter")
    other.ready()
    other.send(lib.tsk_mgmt(5, 0x08))
    other.reply()
    u = a.reply()
    lib.expect(u[0] == AER_REQ, "a report on the first channel")
    lib.expect(lib.quiet(b, 0.2), "on one channel only")
    a.close()
    lib.event_report(b, (0x29, 0x03))
    for q in (b, other):
        q.close()
    t.wait_channels(0)


def silence(t):
    """A peer that never answers a report holds nothing up but its own reports (its deadline is 30 s)."""
    p = lib.Peer(t.port, b"silent01", flags=0x81 | AESOLNT)
    p.ready()
    other = lib.Peer(t.port, b"resetter")
    other.ready()
    other.send(lib.tsk_mgmt(5, 0x08))
    other.reply()
    lib.expect(p.reply()[0] == AER_REQ, "a report")
    for _ in range(3):
        r = p.ready()
        lib.expect(r["status"] == 0, f"commands go on, got {r}")
    p.close()
    other.close()
    t.wait_channels(0)


def logout(t):
    p = lib.Peer(t.port, b"logout01", flags=0x81 | LOSOLNT)
    p.ready()
    q = lib.Peer(t.port, b"logout01", flags=0x80)  # a single-channel login ends the other
    u = p.reply()
    lib.expect(u[0] == T_LOGOUT and struct.unpack(">I", u[4:8])[0] == 4, f"T_LOGOUT reason 4, got {u.hex()}")
    lib.expect(p.solicited and u[1] == 1, "solicited, as the login asked")
    for x in (p, q):
        x.close()


with lib.Target(DEVICES, "\t\tLUN 0 ram0\n", lib.ANY) as t:
    solicited_answers(t)
    reports(t)
    carrier_goes(t)
    silence(t)
    logout(t)
print("ok: notification")
