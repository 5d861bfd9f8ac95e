# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""SIGHUP: LUNs come and go under a running session, errors change nothing, who lost access is logged out."""
import signal
import struct

import lib

DEVICES = lib.ram("ram0", 16)
MORE = DEVICES + lib.ram("ram1", 8)
LUN0 = "\t\tLUN 0 ram0\n"
LUN1 = "\t\tLUN 1 ram1\n"


def hup(t, expected):
    since = len(t.text())
    t.proc.send_signal(signal.SIGHUP)
    return t.wait_log(expected, since=since)


def luns(p):
    r = p.command(struct.pack(">BBBBBBIBB", 0xA0, 0, 0, 0, 0, 0, 512, 0, 0), n_in=512)
    n = struct.unpack(">I", r["data"][:4])[0] // 8
    return [r["data"][8 + 8 * i + 1] for i in range(n)]


def change(t):
    p = lib.Peer(t.port, b"steady01")
    lib.expect(luns(p) == [0], "one LUN at first")
    data = b"\xa5" * 4096
    lib.expect(p.write_blocks(0, data)["status"] == 0, "a good WRITE")

    t.write_conf(MORE, LUN0 + LUN1, lib.ANY)
    hup(t, "reload: done, [1-9]")
    r = p.command(bytes(6), retry=False)
    lib.expect(r["status"] == 2 and lib.sense(r) == (6, 0x3F, 0x0E), f"REPORTED LUNS DATA HAS CHANGED, got {r}")
    lib.expect(luns(p) == [0, 1], f"the new LUN is there, got {luns(p)}")
    lib.expect(p.write_blocks(0, data, lun=1)["status"] == 0, "and takes data")
    lib.expect(p.read_blocks(0, 8)["data"] == data, "the old one has its data")

    steady = lib.Steady(t.port, lba=1024)
    t.write_conf(DEVICES, LUN0, lib.ANY)
    hup(t, "reload: done, [1-9]")
    t.wait_log("device ram1: closed")
    lib.expect(p.ready()["status"] == 0 and luns(p) == [0], f"it is gone again, got {luns(p)}")
    r = p.read_blocks(0, 8, lun=1)
    lib.expect(r["status"] == 2 and lib.sense(r)[:2] == (5, 0x25), f"LOGICAL UNIT NOT SUPPORTED, got {r}")
    lib.expect(p.read_blocks(0, 8)["data"] == data, "and LUN 0 goes on")
    steady.stop()
    return p


def errors(t, p):
    t.conf.write_text(t.conf.read_text().replace("default_target 1", "defualt_target 1"))
    line = hup(t, "reload: .*defualt_target")
    lib.expect(lib.re.search(r"srptd\.conf:\d+:\d+: ", line), f"line and column, got {line!r}")
    t.wait_log("everything stays as it was")
    lib.expect(p.ready()["status"] == 0 and luns(p) == [0], "the session goes on")
    t.conf.unlink()
    hup(t, "everything stays as it was")
    lib.Peer(t.port, b"newcomer").close()


def revoke(t, p):
    other = lib.Peer(t.port, b"friend01")
    other.ready()
    group = "\t\tGROUP friends {\n\t\t\tLUN 0 ram0\n\t\t\tINITIATOR 0x*667269656e643031\n\t\t}\n"
    t.write_conf(DEVICES, "", group)
    hup(t, "reload: done")
    u = p.recv_send()
    lib.expect(u is not None and u[0] == 0x80, f"T_LOGOUT for who lost access, got {u and u.hex()}")
    lib.expect(p.closed(), "its connection is closed")
    p.close()
    t.wait_log("no longer allowed")
    lib.expect(other.ready()["status"] == 0, "who has access stays")
    t.wait_channels(1)
    raw = lib.Raw(t.port, lib.login_req(initiator=bytes(8) + b"steady01"))
    lib.expect(raw.rej is not None, "and cannot come back")
    raw.close()
    other.close()


def targets(t):
    """The target is disabled and enabled, moved to another port, removed and added."""
    p = lib.Peer(t.port, b"friend01")
    p.ready()
    t.write_conf(DEVICES, LUN0, lib.ANY)
    text = t.conf.read_text()
    t.conf.write_text(text.replace("enabled 1", "enabled 0"))
    hup(t, "reload: done")
    lib.expect(p.closed(), "a disabled target drops its sessions")
    p.close()
    t.wait_channels(0)
    lib.expect(lib.tool("srp", "ls", t.url(), check=False).returncode == 3, "and listens no more")
    old, t.port = t.port, lib.free_port()
    t.conf.write_text(text.replace(f":{old}", f":{t.port}"))
    hup(t, "reload: done")
    lib.tool("srp", "ls", t.url())
    t.conf.write_text(text[:text.index("TARGET_DRIVER")])
    hup(t, "reload: done")
    lib.expect(lib.tool("srp", "ls", t.url(), check=False).returncode == 3, "a removed target is gone")
    lib.expect(t.status()["targets"] == [], "also from the status")
    t.conf.write_text(text.replace(f":{old}", f":{t.port}"))
    hup(t, "reload: done")
    lib.tool("srp", "ls", t.url())
    t.wait_channels(0)


def changed(t):
    """A target gets other limits while a session is there: the session goes, the target stays; and an address that
    came with the change is listened at once, so that it can be taken away again."""
    text = t.conf.read_text()
    p = lib.Peer(t.port, b"friend02")
    p.ready()
    extra = lib.free_port()
    limited = text.replace("enabled 1", "enabled 1\n\t\tmax_channels 77")
    t.conf.write_text(limited.replace("enabled 1", f"enabled 1\n\t\tlisten 127.0.0.1:{extra}"))
    hup(t, "reload: done")
    lib.expect(p.closed(), "a target that changes drops its sessions")
    p.close()
    lib.Peer(t.port, b"friend02").close()
    lib.Peer(extra, b"friend02").close()
    t.conf.write_text(limited)
    hup(t, "reload: done")
    with lib.contextlib.suppress(ConnectionError):
        lib.Peer(extra, b"friend02")
        lib.sys.exit("the target still listens where it should not")
    t.wait_channels(0)


def busy_file(t):
    """A file that is still in use when it is to come back: the reload says so, and the next one opens it."""
    img = lib.tempfile.NamedTemporaryFile(prefix="srptd-img-")
    img.truncate(1 << 20)
    with_file = DEVICES + lib.file_dev("file0", img.name)
    t.write_conf(with_file, LUN0 + "\t\tLUN 2 file0\n", lib.ANY)
    hup(t, "reload: done")
    p = lib.Peer(t.port, b"friend03")
    lib.expect(luns(p) == [0, 2], "the file is there")
    p.command(bytes(6), lun=2)
    # a WRITE whose data never come keeps it in use
    p.send(lib.cmd_iu(9999, struct.pack(">BBIBHB", 0x2A, 0, 0, 0, 8, 0), 2, out_fmt=1,
                      descs=struct.pack(">QII", 0, p.STAG, 4096)))
    while p.recv_fpdu()[1] & 15 != 1:
        pass
    t.write_conf(DEVICES, LUN0, lib.ANY)
    hup(t, "reload: done")
    t.write_conf(with_file, LUN0 + "\t\tLUN 2 file0\n", lib.ANY)
    hup(t, "device file0: .*locked")
    lib.expect(luns(lib.Peer(t.port, b"friend04")) == [0], "it cannot be opened yet")
    p.close()
    since = t.text().index("locked")
    t.wait_log("device file0: closed", since=since)
    hup(t, "reload: done")
    lib.expect(luns(lib.Peer(t.port, b"friend04")) == [0, 2], "the next reload opens it")


with lib.Target(DEVICES, LUN0, lib.ANY, "workers 2\n") as t:
    p = change(t)
    errors(t, p)
    revoke(t, p)
    targets(t)
    changed(t)
    busy_file(t)
