# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Channels that end while much of them is under way: more received than was looked at, more commands waiting for the
send queue than it holds, in memory and through buffers."""
import socket
import struct
import time

import lib

DESCS = 32  # of one READ: a few of those fill the send queue


def indirect(p, total, n):
    each = total // n
    return (struct.pack(">QII", 0, p.STAG, 16 * n) + struct.pack(">I", total) +
            b"".join(struct.pack(">QII", i * each, p.STAG, each) for i in range(n)))


class Gathered(lib.Peer):
    """Sends nothing until told, so that it comes in one segment."""
    gather = None

    def fpdu(self, ulpdu):
        if self.gather is None:
            super().fpdu(ulpdu)
        else:
            self.gather += struct.pack(">H", len(ulpdu)) + ulpdu + bytes(-(2 + len(ulpdu)) % 4) + bytes(4)


def burst(t, n_before):
    """Commands up to the last credit and a broken message behind them, all at once: the queue pair is in error before
    the first command was looked at, and one that is handled elsewhere is still under way when it has drained."""
    p = Gathered(t.port, b"burst%03d" % n_before)
    p.ready()
    p.gather = b""
    for i in range(n_before):
        p.send(lib.cmd_iu(1000 + i, struct.pack(">BBBHB", 0x12, 0, 0, 255, 0), in_fmt=1,
                          descs=struct.pack(">QII", 0, p.STAG, 255)))
    for i in range(p.credits - 2 - n_before):
        p.send(lib.cmd_iu(2000 + i, bytes(6)))
    p.fpdu(bytes(20))
    p.s.sendall(p.gather)
    lib.expect(p.closed(), "a broken message ends the connection")
    p.close()


def deaf(t, how, lun):
    """Many READs of a peer that reads nothing, so most wait for room in the send queue; then the end."""
    p = lib.Peer(t.port, b"deaf%04d" % lun)
    p.command(bytes(6), lun)
    for i in range(100):
        p.send(lib.cmd_iu(100 + i, struct.pack(">BBIBHB", 0x28, 0, 0, 0, 2048, 0), lun, in_fmt=2, in_cnt=DESCS,
                          descs=indirect(p, 1 << 20, DESCS)))
    end = time.monotonic() + 10
    while t.sessions()[-1]["in_flight"] < 60:  # some fit into the sockets' buffers
        lib.expect(time.monotonic() < end, f"the READs arrive, got {t.sessions()}")
        time.sleep(0.05)
    time.sleep(0.2)
    if how == "reset":
        p.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "logout":
        p.send(b"\x03" + bytes(15))
        t.wait_log("the initiator logged out")
    elif how == "violation":
        p.send(b"\x7f" + bytes(47))
        t.wait_log("no initiator may send")
    elif how == "replaced":
        lib.Raw(t.port, lib.login_req(initiator=bytes(8) + b"deaf%04d" % lun, flags=0x80)).close()
        t.wait_log("replaced by a new login")
    p.close()


with lib.tempfile.NamedTemporaryFile(prefix="srptd-img-") as img:
    img.truncate(16 << 20)
    with lib.Target(lib.ram("ram0", 32) + lib.file_dev("file0", img.name), "\t\tLUN 0 ram0\n\t\tLUN 1 file0\n", lib.ANY,
                    "workers 1\n") as t:
        steady = lib.Steady(t.port, lba=40000)
        for n in (1, 3, 60):
            burst(t, n)
            t.wait_channels(1)
        for lun in (0, 1):
            for how in ("reset", "logout", "violation", "replaced"):
                deaf(t, how, lun)
                t.wait_channels(1)
                steady.check()
        steady.stop()
        t.wait_channels(0)
