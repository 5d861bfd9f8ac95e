# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every reason a login can be refused for, the caps of an initiator, and what a login negotiates."""
import contextlib
import os
import re
import struct
import time

import lib

UNSPECIFIED, RESOURCES, IU_LEN, NEXUS, BUF_FMT, MULTI, LIMIT = range(0x10000, 0x10007)
SINGLE, MULTI_FLAG = 0x00, 0x01


def reason(port, **kw):
    """The reject reason a login gets; 0 when it is accepted."""
    r = lib.Raw(port, lib.login_req(**kw))
    r.close()
    if r.rsp is not None:
        return 0
    lib.expect(len(r.rej) == 32 and r.rej[0] == 0xC2, f"a LOGIN_REJ of 32 bytes, got {r.rej!r}")
    lib.expect(struct.unpack(">H", r.rej[24:26])[0] == 6, "a LOGIN_REJ tells the formats we have")
    return struct.unpack(">I", r.rej[4:8])[0]


def who(n):
    return bytes(8) + b"log-in%02d" % n


def expect_reason(t, want, what, **kw):
    got = reason(t.port, **kw)
    lib.expect(got == want, f"{what}: reason {want:#x}, got {got:#x}")


def each_reason():
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY + "\t\tmax_channels 4\n\t\tmax_channels_per_initiator 2\n") as t:
        expect_reason(t, NEXUS, "another target's id", target=bytes(15) + b"\1")
        expect_reason(t, IU_LEN, "63 bytes", iu_len=63)
        expect_reason(t, IU_LEN, "more than we take", iu_len=8277)
        expect_reason(t, IU_LEN, "a length of 4 GiB", iu_len=0xFFFFFFFF)
        expect_reason(t, BUF_FMT, "a format nobody knows", fmt=0x0008)
        expect_reason(t, UNSPECIFIED, "multi-channel action 2", flags=2)
        a = lib.Peer(t.port, b"manychan")
        b = lib.Peer(t.port, b"manychan")
        expect_reason(t, LIMIT, "a third channel of one initiator", flags=MULTI_FLAG, initiator=bytes(8) + b"manychan")
        c = lib.Peer(t.port, b"manymany")
        d = lib.Peer(t.port, b"manyman2")
        expect_reason(t, RESOURCES, "a fifth channel in all", flags=MULTI_FLAG, initiator=who(1))
        for p in (a, b, c, d):
            p.close()
        t.wait_channels(0)
        conf = t.conf.read_text()
        t.conf.write_text(conf.replace("allow_any 1", "allow_any 1\n\t\tmulti_channel 0"))
        reload(t)
        expect_reason(t, MULTI, "a second channel where one is offered", flags=MULTI_FLAG)
        expect_reason(t, 0, "a single channel", flags=SINGLE)
        t.conf.write_text(conf.replace("LUN 0 ram0", "").replace(lib.ANY, "\t\tGROUP g {\n\t\t\tLUN 0 ram0\n\t\t\tINITIATOR 10.*\n\t\t}\n"))
        reload(t)
        expect_reason(t, NEXUS, "an initiator that no group names")
        r = lib.Raw(t.port, b"\0" * 55)
        lib.expect(r.rej is not None and struct.unpack(">I", r.rej[4:8])[0] == UNSPECIFIED, "55 bytes are no LOGIN_REQ")
        r.close()
        expect_reason(t, UNSPECIFIED, "an IU that is no LOGIN_REQ", opcode=2)


def reload(t):
    at = len(t.text())
    t.proc.send_signal(lib.signal.SIGHUP)
    t.wait_log("reload: done", since=at)


def disabled_while_logged_in():
    """Disabling takes the listener away, so the reason RESOURCES is for those who share its address."""
    other = ("\t}\n\tTARGET t1 {\n\t\tlisten 127.0.0.1:%d\n\t\tid_ext 1\n\t\tioc_guid 2\n\t\tallow_any 1\n"
             "\t\tLUN 0 ram0\n\t\tenabled 1\n")
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY, start=False) as t:
        t.conf.write_text(t.conf.read_text().rstrip().removesuffix("}").rstrip().removesuffix("}") + other % t.port + "\t}\n}\n")
        t.start()
        p = lib.Peer(t.port)
        second = struct.pack(">QQ", 1, 2)
        expect_reason(t, 0, "the second target", target=second)
        t.conf.write_text(re.sub(r"ioc_guid 2\n(.*?)enabled 1", r"ioc_guid 2\n\1enabled 0", t.conf.read_text(), flags=re.S))
        reload(t)
        got = reason(t.port, target=second)
        lib.expect(got in (RESOURCES, NEXUS), f"a disabled target is refused, got {got:#x}")
        lib.expect(p.ready()["status"] == 0, "the first one goes on")
        p.close()


def memory():
    """Two channels of default size fit in 4 MB. The next one waits for one of them to go."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY + "\t\tmax_memory_per_initiator 4M\n") as t:
        a = lib.Peer(t.port, b"memories")
        b = lib.Peer(t.port, b"memories")
        expect_reason(t, RESOURCES, "a channel beyond its memory", flags=MULTI_FLAG, initiator=bytes(8) + b"memories")
        other = lib.Peer(t.port, b"memorie2")
        b.close()
        t.wait_channels(2)
        b = lib.Peer(t.port, b"memories")
        more = []  # who asks for less takes less
        while len(more) < 64 and not reason(t.port, flags=MULTI_FLAG, initiator=bytes(8) + b"memorie3", iu_len=64):
            t.wait_channels(3 + len(more))
            more.append(lib.Peer(t.port, b"memorie3", iu_len=64))
        lib.expect(5 < len(more) < 40, f"more channels of short IUs than of long ones, got {len(more)}")
        for p in (a, b, other, *more):
            lib.expect(p.ready()["status"] == 0, "each of them works")
            p.close()


def rate():
    """A storm of logins of one address is refused before it is looked at, and a pause helps."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY, options="max_logins_per_second 4\n") as t:
        steady = lib.Steady(t.port)
        start = time.monotonic()
        got = [reason(t.port, target=bytes(16 * [7])) for _ in range(100)]
        took = time.monotonic() - start
        through = got.count(NEXUS)
        lib.expect(set(got) == {NEXUS, RESOURCES}, f"looked at or turned away, got {set(got)}")
        lib.expect(60 <= through <= 64 + 4 * took + 1, f"a burst of 64 and 4 a second in {took:.1f} s, got {through}")
        t.wait_log("too many logins of this address, rejected")
        time.sleep(0.6)
        expect_reason(t, NEXUS, "after a pause", target=bytes(16 * [7]))
        steady.stop()


def half_open():
    """A login that is never finished is dropped when its time is up; the port's own deadlines hold the rest."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY, options="handshake_ms 300\n") as t:
        s = lib.socket.create_connection(("127.0.0.1", t.port))
        s.sendall(lib.mpa_req(lib.login_req())[:30])
        s.settimeout(5)
        start = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            lib.expect(s.recv(1) == b"", "the connection is closed")
        lib.expect(time.monotonic() - start < 4, "soon")
        s.close()
        p = lib.Peer(t.port)  # logged in and silent: an idle session is legal
        time.sleep(0.5)
        lib.expect(p.ready()["status"] == 0, "it is still there")
        p.close()


def immediate(limit, want):
    """Immediate data of 64 KiB, and the length that is answered."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY + f"\t\tmax_immediate {limit}\n") as t:
        if want is None:
            p = lib.Peer(t.port, iu_len=8276)
            lib.expect(not p.rsp[26] & 0x80, "no immediate data offered")
            p.close()
            return
        p = lib.Peer(t.port, iu_len=68 + want)
        lib.expect(p.rsp[26] & 0x80, "immediate data offered")
        lib.expect(struct.unpack(">I", p.rsp[16:20])[0] == 68 + want, "the length that was asked for")
        data = os.urandom(want)
        p.ready()
        for lba in (0, 512):
            r = p.write_blocks(lba, data, imm=True)
            lib.expect(r["status"] == 0, f"a WRITE of {want} bytes at once, got {r}")
        lib.expect(p.read_blocks(512, want // 512)["data"] == data, "reads back")
        p.close()
        got = lib.tool("srp", "bench", t.url(0), "--rw", "randwrite", "--bs", want, "--immediate", want, "--secs", 1)
        lib.expect("IOPS" in got.out, f"writes of {want} bytes that go with their command, by libsrp, got {got.out}")
        more = lib.tool("srp", "ls", t.url(), "--immediate", want + 4096, check=False) if want < 65536 else None
        lib.expect(more is None or more.returncode and "--immediate" in more.err, "advice what to do about a target that takes less")
        expect_reason(t, IU_LEN, "a byte more than offered", iu_len=max(84 + limit, 8276) + 1)


def long_cdb():
    """Up to 260 bytes of CDB: the command is the first bytes, what follows them is not looked at."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        p = lib.Peer(t.port)
        p.ready()
        for n in (4, 16, 244, 252):
            p.tag += 1
            p.buf = bytearray(512)
            cdb = struct.pack(">BBIBHB", 0x28, 0, 0, 0, 1, 0)
            p.send(lib.cmd_iu(p.tag, cdb, in_fmt=1, add_cdb=os.urandom(n), descs=lib.descriptors((p.STAG, 0, 512))))
            r = lib.rsp(p.reply())
            lib.expect(r["tag"] == p.tag and r["status"] == 0, f"READ(10) with {n} bytes of additional CDB, got {r}")
            p.tag += 1
            p.send(lib.cmd_iu(p.tag, bytes([0x7F, 0, 0, 0, 0, 0, 0, min(n + 8, 252), 0, 9]), add_cdb=os.urandom(n)))
            r = lib.rsp(p.reply())
            lib.expect(r["status"] == 2 and lib.sense(r) == (5, 0x20, 0), f"a command of {16 + n} bytes nobody has, got {r}")
        p.tag += 1
        p.send(lib.cmd_iu(p.tag, bytes(6), add_cdb=bytes(252))[:-4])
        r = lib.rsp(p.reply())
        lib.expect(r["status"] == 2 and lib.sense(r) == (5, 0x24, 0), f"an additional CDB that is cut off, got {r}")
        p.close()


def logout():
    """I_LOGOUT ends the channel, and takes no credit."""
    with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        p = lib.Peer(t.port)
        p.ready()
        p.send(lib.answer_iu(0x03, b"bye-bye-"))
        lib.expect(p.closed(5), "the target disconnects")
        t.wait_channels(0)
        t.wait_log("the initiator logged out")
        p.close()


each_reason()
disabled_while_logged_in()
memory()
rate()
half_open()
immediate(65536, 65536)
immediate(8192, 8192)
immediate(0, None)
long_cdb()
logout()
print("ok: logins")
