# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Who may log in and what they see: default deny, groups with globs, read-only LUNs, disabled targets."""
import struct

import lib

GROUPS = """		GROUP admins {
			LUN 0 ram0
			LUN 1 ram1
			INITIATOR 0x????????????????61646d696e*
			INITIATOR !0x*99
		}
		GROUP backup {
			LUN 5 ram0 {
				read_only 1
			}
			INITIATOR 0x00000000000000006261636b[0-9a-f]*
		}
		GROUP elsewhere {
			LUN 0 ram0
			INITIATOR 10.99.*
		}
"""
DEVICES = lib.ram("ram0", 16) + lib.ram("ram1", 8)


def refused(port, priv, reason=0x10003):
    raw = lib.Raw(port, priv)
    lib.expect(raw.rsp is None and raw.rej is not None, "the login is refused")
    lib.expect(struct.unpack(">I", raw.rej[4:8])[0] == reason, f"reason {reason:#x}, got {raw.rej.hex()}")
    raw.close()


def login(name):
    return lib.login_req(initiator=bytes(8) + name)


def luns(p):
    """What REPORT LUNS lists."""
    r = p.command(struct.pack(">BBBBBBIBB", 0xA0, 0, 0, 0, 0, 0, 512, 0, 0), n_in=512)
    lib.expect(r["status"] == 0, f"REPORT LUNS, got {r}")
    n = struct.unpack(">I", r["data"][:4])[0] // 8
    return [r["data"][8 + 8 * i + 1] for i in range(n)]


def deny():
    with lib.Target(DEVICES) as t:
        refused(t.port, login(b"admin001"))
        done = lib.tool("srp", "ls", t.url(), check=False)
        lib.expect(done.returncode == 4, f"srp says refused with exit 4, got {done.returncode}: {done.err}")
        t.wait_log("login from 127.0.0.1:[0-9]+ to t0: .*access denied")
        lib.expect(t.status()["targets"][0]["rejects"] == 2, "the refusals are counted")


def groups():
    with lib.Target(DEVICES, target=GROUPS) as t:
        admin = lib.Peer(t.port, b"admin001")
        lib.expect(luns(admin) == [0, 1], f"an admin sees LUNs 0 and 1, got {luns(admin)}")
        lib.expect(admin.write_blocks(0, b"x" * 512)["status"] == 0, "and may write")
        backup = lib.Peer(t.port, b"backup01")
        lib.expect(luns(backup) == [5], f"backup sees LUN 5, got {luns(backup)}")
        r = backup.read_blocks(0, 1, lun=5)
        lib.expect(r["data"] == b"x" * 512, "reads what the admin wrote")
        r = backup.write_blocks(0, b"y" * 512, lun=5)
        lib.expect(r["status"] == 2 and lib.sense(r)[:2] == (7, 0x27), f"but may not write, got {r}")
        lib.expect(admin.read_blocks(0, 1)["data"] == b"x" * 512, "and nothing was written")
        r = backup.read_blocks(0, 1, lun=0)
        lib.expect(r["status"] == 2 and lib.sense(r)[:2] == (5, 0x25), f"nor use a LUN it was not given, got {r}")
        refused(t.port, login(b"admin0\x01\x99"))
        refused(t.port, login(b"stranger"))
        admin.close()
        backup.close()


def ids():
    with lib.Target(DEVICES, "\t\tLUN 0 ram0\n", lib.ANY) as t:
        refused(t.port, lib.login_req(target=lib.TARGET_ID[:8] + bytes(8)))
        refused(t.port, lib.login_req(target=lib.TARGET_ID[8:] + lib.TARGET_ID[:8]))
        done = lib.tool("srp", "ls", f"srp://127.0.0.1:{t.port}/1:2", check=False)
        lib.expect(done.returncode == 4, f"exit 4 for an unknown target, got {done.returncode}: {done.err}")
        lib.tool("srp", "ls", t.url())
        lib.tool("srp", "ls", t.url(ids=False))
        # An all-zero id means the default target, where one is configured.
        text = t.conf.read_text().replace("default_target 1", "default_target 0")
    with lib.Target(start=False) as t:
        t.conf.write_text(text.replace(lib.re.search(r"control_socket .*", text).group(0), f"control_socket {t.ctl}")
                          .replace(lib.re.search(r"listen .*", text).group(0), f"listen 127.0.0.1:{t.port}"))
        t.start()
        refused(t.port, lib.login_req(target=bytes(16)))
        lib.tool("srp", "ls", t.url())


def disabled():
    """A target that is disabled, at the address of another: not unknown, but out of resources."""
    other = lib.TARGET_ID[:8] + b"disabled"
    with lib.Target(DEVICES, "\t\tLUN 0 ram0\n", lib.ANY, start=False) as t:
        text = t.conf.read_text()
        start = text.index("\tTARGET t0 {")
        off = text[start:].replace("t0", "t1").replace("enabled 1", "enabled 0").replace("default_target 1", "")
        off = off.replace(f"ioc_guid {lib.IOC_GUID}", f"ioc_guid {other[8:].hex()}")
        t.conf.write_text(text[:start] + off[:off.rindex("}")] + text[start:])
        t.start()
        refused(t.port, lib.login_req(target=other), 0x10001)
        lib.tool("srp", "ls", t.url())


def limit():
    """A nexus that has all the channels it may have, and one that asks for a single one."""
    with lib.Target(DEVICES, "\t\tLUN 0 ram0\n", lib.ANY + "\t\tmax_channels_per_initiator 2\n") as t:
        first, second = lib.Peer(t.port, b"limited1"), lib.Peer(t.port, b"limited1")
        first.ready()
        second.ready()
        refused(t.port, lib.login_req(initiator=bytes(8) + b"limited1", flags=1), 0x10006)
        third = lib.Raw(t.port, lib.login_req(initiator=bytes(8) + b"limited1", flags=0))
        lib.expect(third.rsp is not None, "a login for a single channel takes the place of the others")
        for p in (first, second):
            u = p.recv_send()
            lib.expect(u is not None and u[0] == 0x80 and struct.unpack(">I", u[4:8])[0] == 4,
                       f"T_LOGOUT with reason 4, got {u and u.hex()}")
            lib.expect(p.closed(), "its connection is closed")
            p.close()
        t.wait_channels(1)
        third.close()


deny()
groups()
ids()
disabled()
limit()
