# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""An initiator that never serves the RDMA READ of its own WRITE does not block the task management of others: the
reset aborts that WRITE, its channel gets a few seconds, then it is closed and the reset is answered."""
import struct
import time

import lib


def main():
    with lib.Target(devices=lib.ram(), luns="\t\tLUN 0 ram0\n" + lib.ANY) as t:
        silent = lib.Raw(t.port, lib.login_req(initiator=bytes(8) + b"silent01"))
        silent.send(lib.cmd_iu(1, bytes(6)))
        silent.recv_send()
        desc = struct.pack(">QII", 0x1000, 0x77, 8192)
        silent.send(lib.cmd_iu(2, bytes([0x2A, 0, 0, 0, 0, 0, 0, 0, 16, 0]), out_fmt=1, descs=desc))
        lib.expect(silent.recv_fpdu()[1] & 0x0F == 1, "a Read Request for the data")
        start = time.monotonic()
        lib.tool("srp", "reset", t.url(0), timeout=30)
        took = time.monotonic() - start
        lib.expect(took < 15, f"the reset is answered soon after the silent channel's deadline, took {took:.1f} s")
        lib.expect(silent.closed(), "the silent initiator's connection is ended")
        t.wait_log("does not answer our RDMA READs")
        silent.close()
        t.wait_channels(0)


main()
