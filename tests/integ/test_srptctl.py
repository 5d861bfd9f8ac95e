# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""srptctl: status and sessions as text and JSON, the line a Linux host needs, exit codes."""
import json
import time

import lib


def ctl(t, *args, code=0):
    done = lib.tool("srptctl", "--socket", t.ctl, *args, check=False)
    lib.expect(done.returncode == code, f"srptctl {args}: exit {code}, got {done.returncode}: {done.out}{done.err}")
    return done


def status(t):
    s = json.loads(ctl(t, "status", "--json").out)
    lib.expect(s["pid"] == t.proc.pid and s["channels_total"] == 1, f"pid and channels, got {s}")
    lib.expect(len(s["workers"]) == 2 and all(w["rounds"] >= 0 for w in s["workers"]), f"two workers, got {s}")
    target = s["targets"][0]
    lib.expect(target["name"] == "t0" and target["enabled"] is True, f"the target, got {target}")
    lib.expect(target["listen"] == [f"127.0.0.1:{t.port}"], f"where it listens, got {target}")
    lib.expect((target["id_ext"], target["ioc_guid"]) == (lib.ID_EXT, lib.IOC_GUID), f"its ids, got {target}")
    lib.expect(target["channels"] == 1 and target["logins"] == 1, f"its counts, got {target}")
    device = s["devices"][0]
    lib.expect(device == {"name": "ram0", "handler": "vdisk_ram", "size_bytes": 16 << 20, "block_size": 512,
                          "read_only": False, "state": "ready", "resumes_in_s": None, "stuck_ios": 0,
                          "store_looks": {"told": 0, "polled": 0}}, f"the device, got {device}")
    lib.expect(isinstance(s["io_uring"], dict) and s["io_uring"], f"what io_uring can, got {s.get('io_uring')}")
    text = ctl(t, "status").out
    for word in (f"pid {t.proc.pid}", "t0", f"127.0.0.1:{t.port}", lib.ID_EXT, "ram0", "vdisk_ram", "16"):
        lib.expect(word in text, f"{word!r} in\n{text}")


def sessions(t, p):
    rows = t.sessions()
    lib.expect(len(rows) == 1, f"one channel, got {rows}")
    s = rows[0]
    lib.expect(s["target"] == "t0" and s["initiator"] == "0x" + (bytes(8) + b"watched1").hex(), f"who, got {s}")
    lib.expect(s["peer"] == "127.0.0.1:%d" % p.s.getsockname()[1], f"from where, got {s}")
    lib.expect(s["state"].upper() == "LIVE" and s["in_flight"] == 0 and s["worker"] in (0, 1), f"its state, got {s}")
    lib.expect(s["credits"] == p.credits, f"all {p.credits} credits are with the initiator, got {s}")
    lib.expect(s["read_bytes"] == 3 * 4096 and s["write_bytes"] == 2 * 4096, f"bytes, got {s}")
    lib.expect(s["commands"] >= 6 and s["errors"] >= 1, f"counts (the unit attention is an error), got {s}")
    text = ctl(t, "session", "list").out
    for word in ("INITIATOR", s["initiator"], s["peer"], s["state"], "12 KiB", "8.0 KiB"):
        lib.expect(word in text, f"{word!r} in\n{text}")
    time.sleep(1.1)
    lib.expect(t.sessions()[0]["state_s"] >= 1, f"time in the state goes on, got {t.sessions()[0]}")
    row = ctl(t, "session", "list").out.splitlines()[1]
    lib.expect("0:00:00" not in row and "0:00" in row, f"also in the table, got {row!r}")


def codes(t):
    none = lib.tool("srptctl", "--socket", t.dir / "nobody", "status", check=False)
    lib.expect(none.returncode == 3 and "no srptd answers" in none.err, f"exit 3 without a daemon, got {none.err}")
    for args in ([], ["nonsense"], ["session"], ["session", "frobnicate"], ["status", "more"], ["--nonsense"]):
        ctl(t, *args, code=2)
    lib.expect("rpc.describe" in ctl(t, "rpc", "rpc.describe").out, "the methods describe themselves")
    ctl(t, "rpc", "no.such.method", code=1)
    ctl(t, "rpc", "status", "[1, 2", code=2)
    ctl(t, "login-info", "nobody", code=4)
    line = ctl(t, "login-info").out.strip()
    lib.expect(line == f"id_ext={lib.ID_EXT},ioc_guid={lib.IOC_GUID},dest=127.0.0.1:{t.port}", f"got {line!r}")
    lib.expect(t.ctl.stat().st_mode & 0o777 == 0o600, "the socket is the owner's alone")


def hostile_client(t):
    """A client that sends rubbish or reads nothing costs itself only."""
    for data in (b"\x00\xff rubbish\n", b"[" * 100 + b"\n", b"{" * 100000, b'{"jsonrpc":"2.0","method":"status"}\n' * 50):
        with lib.socket.socket(lib.socket.AF_UNIX) as s:
            s.connect(str(t.ctl))
            with lib.contextlib.suppress(ConnectionError):
                s.sendall(data)
    deaf = lib.socket.socket(lib.socket.AF_UNIX)
    deaf.connect(str(t.ctl))
    deaf.settimeout(1)
    with lib.contextlib.suppress(OSError):
        for i in range(20000):
            deaf.sendall(b'{"jsonrpc":"2.0","id":%d,"method":"status"}\n' % i)
    lib.expect(t.status()["channels_total"] >= 0, "the next client is served")
    deaf.close()


with lib.Target(lib.ram(mib=16), "\t\tLUN 0 ram0\n", lib.ANY, "workers 2\n") as t:
    codes(t)
    p = lib.Peer(t.port, b"watched1")
    p.ready()
    for i in range(3):
        p.read_blocks(8 * i, 8)
    for i in range(2):
        p.write_blocks(8 * i, bytes(4096), imm=i == 1)
    sessions(t, p)
    status(t)
    hostile_client(t)
    lib.expect(p.ready()["status"] == 0, "the session did not notice")
    p.close()
    t.wait_channels(0)
    lib.expect(t.sessions() == [], "no channel, no row")
