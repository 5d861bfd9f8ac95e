# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Input that no honest initiator sends. Each case costs its own connection (or command), leaves a log line
that names peer and cause, and changes nothing; a good session with verified I/O runs beside all of them."""
import os
import re
import socket
import struct
import time

import lib

HANDSHAKE_MS = 500
PER_PEER = 8
GUESSES = (0, 1, 0x100, 0x5EED0100, 0xFFFFFFFF)


def connect(t):
    return socket.create_connection(("127.0.0.1", t.port), timeout=10)


def where(s):
    """How a log line names the peer at the other end of @s."""
    return re.escape("127.0.0.1:%d" % s.getsockname()[1])


def gone(s, secs=5):
    """Wait until the target ends @s."""
    s.settimeout(secs)
    try:
        while s.recv(4096):
            pass
    except ConnectionError:
        pass
    except socket.timeout:
        lib.sys.exit(f"the target did not end the connection within {secs} s")
    s.close()


def before_login(t, data, cause):
    s = connect(t)
    s.sendall(data)
    peer = where(s)
    gone(s)
    t.wait_log(f"login of {peer}: .*{cause}")


def handshakes(t):
    login = lib.login_req()
    before_login(t, os.urandom(64), "not an MPA request")
    before_login(t, lib.mpa_req(login, key=b"MPA ID Rep Frame"), "not an MPA request")
    before_login(t, b"GET / HTTP/1.1\r\nHost: disk\r\n\r\n", "not an MPA request")
    before_login(t, b"MPA ID Req Frame" + struct.pack(">BBH", 0, 1, 600) + bytes(600), "too much private data")
    before_login(t, b"MPA ID Req Frame" + struct.pack(">BBH", 0, 1, 65535), "too much private data")
    before_login(t, lib.mpa_req(login) + b"x", "data behind the MPA request")
    before_login(t, lib.mpa_req(login, flags=0x90), "wants MPA markers")
    before_login(t, lib.mpa_req(login, rev=9), "unknown MPA revision")
    s = connect(t)
    s.sendall(lib.mpa_req(login)[:30])
    peer = where(s)
    s.close()
    t.wait_log(f"{peer}: closed before the MPA request")


def slow(t):
    """Half-open for ever, and one byte at a time: both end at the deadline, not later and not by luck."""
    begin = time.monotonic()
    still, drip = connect(t), connect(t)
    peers = where(still), where(drip)
    still.sendall(b"MPA ID Req")
    for byte in lib.mpa_req(lib.login_req()):
        try:
            drip.sendall(bytes([byte]))
        except ConnectionError:
            break
        time.sleep(0.05)
    lib.expect(time.monotonic() - begin < 4, "the dribbling peer is cut off before it is through")
    gone(still)
    drip.close()
    for peer in peers:
        t.wait_log(f"{peer}: no MPA request in time")


def flood(t):
    """More half-open logins than one address may have."""
    all_ = []
    for _ in range(PER_PEER + 4):
        with lib.contextlib.suppress(ConnectionError):  # one too many may be reset before connect() returns
            all_.append(connect(t))
    t.wait_log("127.0.0.1:[0-9]+: too many half-open logins of this address")
    for s in all_:
        s.close()
    time.sleep(0.1)
    lib.Peer(t.port, b"afterall").close()


def refused(t, priv, reason, cause):
    raw = lib.Raw(t.port, priv)
    lib.expect(raw.rej is not None and raw.rsp is None, "the login is refused")
    lib.expect(raw.rej[0] == 0xC2, f"a LOGIN_REJ, got {raw.rej.hex()}")
    lib.expect(struct.unpack(">I", raw.rej[4:8])[0] == reason, f"reason {reason:#x}, got {raw.rej.hex()}")
    t.wait_log(f"login from {where(raw.s)}.*{cause}")
    lib.expect(raw.closed(), "a refused connection is closed")
    raw.close()


def logins(t):
    refused(t, b"", 0x10000, "no LOGIN_REQ in 0 bytes")
    refused(t, lib.login_req()[:55], 0x10000, "no LOGIN_REQ in 55 bytes")
    refused(t, lib.login_req(opcode=2), 0x10000, "no LOGIN_REQ")
    refused(t, lib.login_req(target=bytes(15) + b"\x01"), 0x10003, "unknown target identifier")
    refused(t, lib.login_req(iu_len=63), 0x10002, "request length")
    refused(t, lib.login_req(iu_len=1 << 20), 0x10002, "request length")
    refused(t, lib.login_req(iu_len=0xFFFFFFFF), 0x10002, "request length")
    refused(t, lib.login_req(fmt=0xFFFF), 0x10004, "descriptor format")
    refused(t, lib.login_req(flags=3), 0x10000, "multi-channel action")


def violation(t, iu, cause, logout):
    """An IU that ends the channel: T_LOGOUT with its reason, then the end."""
    p = lib.Peer(t.port, b"violator")
    p.ready()
    p.send(iu)
    u = p.recv_send()
    lib.expect(u is not None and u[0] == 0x80, f"T_LOGOUT, got {u and u.hex()}")
    lib.expect(struct.unpack(">I", u[4:8])[0] == logout, f"logout reason {logout}, got {u.hex()}")
    lib.expect(p.closed(), "the connection is closed after T_LOGOUT")
    t.wait_log(f"{where(p.s)}.*{cause}, closing the channel")
    p.close()


def units(t):
    violation(t, b"\x02", "shorter than any information unit", 0)
    violation(t, b"\x02" + bytes(20), "shorter than its fixed part", 0)
    violation(t, b"\x01" + bytes(20), "shorter than its fixed part", 0)
    violation(t, b"\x7f" + bytes(47), "no initiator may send", 2)
    violation(t, b"\xc1" + bytes(47), "no initiator may send", 2)
    violation(t, b"\x41" + bytes(15), "response to a request that was not made", 3)
    violation(t, b"\x42" + bytes(15), "response to a request that was not made", 3)


def descriptors(t):
    """Lengths that do not fit each other fail the command; the channel goes on."""
    p = lib.Peer(t.port, b"overflow")
    p.ready()
    read = struct.pack(">BBIBHB", 0x28, 0, 1 << 16, 0, 8, 0)
    write = b"\x2a" + read[1:]
    big = struct.pack(">QII", 0, p.STAG, 0xFFFFFFF0)
    table = struct.pack(">QII", 0, p.STAG, 32)
    bad = [
        ("a sum that wraps to the total", lib.cmd_iu(0, read, in_fmt=2, in_cnt=2,
                                                     descs=table + struct.pack(">I", 0xFFFFFFE0) + big + big)),
        ("a sum above the total", lib.cmd_iu(0, read, in_fmt=2, in_cnt=1, descs=table[:12] + struct.pack(">II", 16, 512)
                                             + struct.pack(">QII", 0, p.STAG, 4096))),
        ("more descriptors than bytes", lib.cmd_iu(0, read, in_fmt=2, in_cnt=200, descs=table + bytes(4))),
        ("a direct descriptor cut off", lib.cmd_iu(0, read, in_fmt=1, descs=table[:8])),
        ("a format nobody knows", lib.cmd_iu(0, read, in_fmt=9)),
        ("immediate data behind the end", lib.cmd_iu(0, write, out_fmt=3, descs=struct.pack(">I", 1 << 31)).ljust(68, b"\0")),
        ("a table of nearly 4 GiB", lib.cmd_iu(0, read, in_fmt=2, in_cnt=0,
                                               descs=struct.pack(">QII", 0, p.STAG, 0xFFFFFFF0) + struct.pack(">I", 4096))),
    ]
    since = len(t.text())
    for what, iu in bad:
        p.send(iu)
        r = lib.rsp(p.reply())
        lib.expect(r["status"] == 2 and lib.sense(r)[0] == 5, f"{what}: ILLEGAL REQUEST, got {r}")
    lib.expect(p.ready()["status"] == 0, "the channel lives")
    t.wait_log(f"{where(p.s)}.*descriptor", since=since)
    # A buffer descriptor beyond what the CDB moves, or short of it, is a residual, never an overrun.
    r = p.command(read, n_in=512)
    lib.expect(r["flags"] & 0x10 and r["in_res"] == 7 * 512, f"a residual overflow of 7 blocks, got {r}")
    r = p.command(read, n_in=16 * 512)
    lib.expect(r["flags"] & 0x20 and r["in_res"] == 8 * 512, f"a residual underflow of 8 blocks, got {r}")
    p.close()


def beyond_credits(t):
    """WRITEs whose data we hold back keep their credits; one command more than granted ends the channel."""
    p = lib.Peer(t.port, b"overrun1")
    p.ready()
    cdb = struct.pack(">BBIBHB", 0x2A, 0, 100000, 0, 8, 0)
    desc = struct.pack(">QII", 0, p.STAG, 4096)
    for i in range(p.credits + 1):
        p.send(lib.cmd_iu(1000 + i, cdb, out_fmt=1, descs=desc))
    t.wait_log(f"{where(p.s)}.*more requests than the request limit, closing the channel")
    p.buf = bytearray(4096)
    u = p.reply()
    lib.expect(u[0] == 0x80, f"T_LOGOUT, got {u.hex()}")
    lib.expect(p.closed(), "the connection is closed after T_LOGOUT")
    p.close()


def terminated(t, act, cause):
    p = lib.Peer(t.port, b"guesser1")
    p.ready()
    act(p)
    lib.expect(p.recv_send() is None, "a Terminate")
    lib.expect(p.closed(), "the connection is closed after Terminate")
    t.wait_log(f"{where(p.s)}.*protocol error: {cause}")
    p.close()


def wrong_msn(p):
    p.msn += 7
    p.send(lib.cmd_iu(1, bytes(6)))


def memory(t):
    """RDMA to memory that was not granted, and streams that break the rules of DDP."""
    for stag in GUESSES:
        terminated(t, lambda p, stag=stag: p.write(stag, 0, b"overwritten" * 10), "")
        terminated(t, lambda p, stag=stag: p.read_request(stag, 0, 4096), "")
    terminated(t, lambda p: p.write(1, 0xFFFFFFFFFFFFFFFC, bytes(64)), "")
    terminated(t, lambda p: p.read_response(0x1234, 0, bytes(64)), "")
    terminated(t, lambda p: p.send(b"\x02" + bytes(9000)), "DDP: message longer than its buffer")
    terminated(t, wrong_msn, "DDP")
    terminated(t, lambda p: p.fpdu(bytes(20)), "")
    terminated(t, lambda p: p.fpdu(b"\x41\x4f" + bytes(40)), "")


def broken_off(t):
    p = lib.Peer(t.port, b"halfway1")
    p.ready()
    p.s.sendall(struct.pack(">H", 200) + bytes(10))
    peer = where(p.s)
    p.close()
    t.wait_log(f"{peer}.*(protocol error|closed by the peer inside a message)")
    p = lib.Peer(t.port, b"halfway2")
    p.ready()
    p.s.sendall((struct.pack(">H", 18 + 48) + struct.pack(">BBIIII", 0x41, 0x43, 0, 0, p.msn + 1, 0) + b"\x02")[:24])
    peer = where(p.s)
    p.close()
    t.wait_log(f"{peer}.*closed by the peer inside a message")


def never_reads(t, steady):
    """A peer that asks for much and reads nothing fills its own connection, nobody else's."""
    p = lib.Peer(t.port, b"deafpeer")
    p.ready()
    for i in range(p.credits):
        desc = struct.pack(">QII", 0, p.STAG, 1 << 20)
        p.send(lib.cmd_iu(i, struct.pack(">BBIBHB", 0x28, 0, 1 << 16, 0, 2048, 0), in_fmt=1, descs=desc))
    before = steady.rounds
    time.sleep(1)
    lib.expect(steady.rounds > before + 5, f"the good session goes on, {steady.rounds - before} rounds in a second")
    peer = where(p.s)
    p.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    p.close()
    t.wait_log(f"{peer}.*(connection lost|disconnected)")


def main():
    options = f"handshake_ms {HANDSHAKE_MS}\nmax_handshakes_per_peer {PER_PEER}\nworkers 2\n"
    with lib.Target(lib.ram(mib=64), "\t\tLUN 0 ram0\n", lib.ANY, options) as t:
        # What nobody may change: written first, compared last.
        p = lib.Peer(t.port, b"witness1")
        kept = os.urandom(64 * 512)
        lib.expect(p.write_blocks(50000, kept)["status"] == 0, "a good WRITE")
        p.close()
        t.wait_channels(0)
        fds = t.n_fds()
        steady = lib.Steady(t.port)
        for case in (handshakes, slow, flood, logins, units, descriptors, beyond_credits, memory, broken_off):
            case(t)
            steady.check()
            t.wait_channels(1)
            time.sleep(0.2)  # the log thins more than 20 lines a second of one kind
        never_reads(t, steady)
        t.wait_channels(1)
        steady.stop()
        t.wait_channels(0)
        p = lib.Peer(t.port, b"witness2")
        lib.expect(p.read_blocks(50000, 64)["data"] == kept, "what was written before is unchanged")
        p.close()
        t.wait_channels(0)
        lib.expect(t.n_fds() <= fds, f"no descriptor leaks, {fds} before and {t.n_fds()} after")
        rejects = t.status()["targets"][0]["rejects"]
        lib.expect(rejects >= 5, f"the refused logins are counted, got {rejects}")


main()
