# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A peer that serves no RDMA READ (IRD 0): its writes fail with sense data, the channel and the daemon live on."""
import struct

import lib


def main():
    with lib.Target(devices=lib.ram(), luns="\t\tLUN 0 ram0\n" + lib.ANY) as t:
        peer = lib.Raw(t.port, lib.login_req(), ird=0)
        peer.send(lib.cmd_iu(1, bytes(6)))
        lib.expect(lib.rsp(peer.recv_send())["status"] == 2, "the unit attention of a new nexus")
        desc = struct.pack(">QII", 0x1000, 0x77, 8192)
        peer.send(lib.cmd_iu(2, bytes([0x2A, 0, 0, 0, 0, 0, 0, 0, 16, 0]), out_fmt=1, descs=desc))
        got = lib.rsp(peer.recv_send())
        lib.expect(got["status"] == 2 and got["sense"][2] & 15 == 0xB, f"ABORTED COMMAND, got {got}")
        peer.send(lib.cmd_iu(3, bytes(6)))
        lib.expect(lib.rsp(peer.recv_send())["status"] == 0, "the channel goes on")
        peer.close()
        t.wait_channels(0)


main()
