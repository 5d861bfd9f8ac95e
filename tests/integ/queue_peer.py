# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A raw initiator with several commands outstanding, and the codes of SAM-5 that its tests speak of."""
import struct

import lib

SIMPLE, HEAD, ORDERED, ACA = 0, 1, 2, 4
NACA = 4
GOOD, CHECK, BUSY, CONFLICT, ACA_ACTIVE, TASK_ABORTED = 0, 2, 8, 0x18, 0x30, 0x40


class Queue(lib.Peer):
    """A peer with several commands outstanding; each has an STag of its own: 0x100 * its tag."""

    def __init__(self, port, name, **kw):
        super().__init__(port, name, **kw)
        self.answers = {}
        self.order = []  # tags as they were answered
        self.ready()

    def issue(self, cdb, out=b"", n_in=0, attr=SIMPLE, imm=True, lun=0):
        self.tag += 1
        stag = self.tag << 8
        self.mem[stag] = bytearray(out or n_in)
        desc = lib.descriptors((stag, 0, len(out) or n_in))
        if out and imm:
            iu = lib.cmd_iu(self.tag, cdb, lun, out_fmt=3, descs=struct.pack(">I", len(out)), attr=attr)
            iu = iu.ljust(68, b"\0") + out
        elif out:
            iu = lib.cmd_iu(self.tag, cdb, lun, out_fmt=1, descs=desc, attr=attr)
        else:
            iu = lib.cmd_iu(self.tag, cdb, lun, in_fmt=1 if n_in else 0, descs=desc if n_in else b"", attr=attr)
        self.send(iu)
        return self.tag

    def write(self, lba, data, attr=SIMPLE, imm=True, control=0):
        return self.issue(struct.pack(">BBIBHB", 0x2A, 0, lba, 0, len(data) // 512, control), data, attr=attr, imm=imm)

    def read(self, lba, n=1, attr=SIMPLE, control=0):
        return self.issue(struct.pack(">BBIBHB", 0x28, 0, lba, 0, n, control), n_in=n * 512, attr=attr)

    def tur(self, attr=SIMPLE, control=0):
        return self.issue(bytes(5) + bytes([control]), attr=attr)

    def stuck(self, lba):
        """A WRITE whose data are not given when the target asks; returns its tag and what to answer."""
        tag = self.write(lba, bytes(4096), imm=False)
        u = self.recv_fpdu()
        lib.expect(u[1] & 15 == 1, "a Read Request")
        sink, at, n = struct.unpack(">IQI", u[18:34])
        return tag, (sink, at, n)

    def give(self, where, byte):
        sink, at, n = where
        self.read_response(sink, at, bytes([byte]) * n)

    def answer(self, tag):
        """The answer to @tag; those that come before it are kept."""
        while tag not in self.answers:
            u = self.reply()
            if u[0] == 0x81:
                self.send(lib.answer_iu(0x41, u[8:16]))
                continue
            r = lib.rsp(u)
            r["data"] = bytes(self.mem.get(r["tag"] << 8, b""))
            self.answers[r["tag"]] = r
            self.order.append(r["tag"])
        return self.answers.pop(tag)

    def status(self, tag):
        return self.answer(tag)["status"]

    def tmf(self, function, task_tag=0, lun=0):
        self.tag += 1
        self.send(lib.tsk_mgmt(self.tag, function, lun, task_tag))
        return self.answer(self.tag)["code"]

    def mode(self, b2=0x02, b3=0x10, b4=0, b5=0):
        """MODE SELECT of the control page."""
        page = bytes(4) + bytes([0x0A, 0x0A, b2, b3, b4, b5, 0, 0, 0xFF, 0xFF, 0, 0])
        r = self.command(bytes([0x15, 0x10, 0, 0, len(page), 0]), out=page)
        lib.expect(r["status"] == GOOD, f"MODE SELECT, got {r}")


def peers(t, *names, **kw):
    return [Queue(t.port, n, **kw) for n in names]


def gone(t, *ps):
    for p in ps:
        p.close()
    t.wait_channels(0)
