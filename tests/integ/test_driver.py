# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What TARGET_DRIVER means on a machine without RDMA devices: srpt is reached by iWARP at once, verbs waits for a device."""
import pathlib
import socket
import sys

import lib


def target(driver):
    t = lib.Target(start=False)
    t.write_conf(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY)
    t.conf.write_text(t.conf.read_text().replace("TARGET_DRIVER iwarp", f"TARGET_DRIVER {driver}"))
    t.start()
    return t


def reached(t):
    p = lib.Peer(t.port, b"driver01")
    p.ready()
    lib.expect(p.read_blocks(0, 8)["status"] == 0, "a read")
    p.close()


if any(pathlib.Path("/sys/class/infiniband").glob("*")):
    lib.skip("this machine has RDMA devices")
verbs = "verbs" in lib.tool("srptd", "--version").out
with target("srpt") as t:
    t.wait_log("over verbs and iwarp" if verbs else "over iwarp")
    reached(t)
if not verbs:
    sys.exit(0)
with target("verbs") as t:
    t.wait_log("no RDMA device has 127.0.0.1:[0-9]+, waiting for one")
    with socket.socket() as s:
        lib.expect(s.connect_ex(("127.0.0.1", t.port)) != 0, "nobody listens on TCP")
