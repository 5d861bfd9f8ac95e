# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Descriptor tables that lie outside the command: fetched from the initiator's memory, checked, and used."""
import os
import struct

import lib

DATA, TABLE = 0x1000, 0x2000  # STags


def rw(write, lba, blocks):
    return struct.pack(">BBIBHB", 0x2A if write else 0x28, 0, lba, 0, blocks, 0)


def run(p, cdb, out=0, in_=0, descs=b"", **kw):
    p.tag += 1
    p.send(lib.cmd_iu(p.tag, cdb, out_fmt=out, in_fmt=in_, descs=descs, **kw))
    r = lib.rsp(p.reply())
    lib.expect(r["tag"] == p.tag, f"the answer to {p.tag}, got {r}")
    return r


def table(p, pieces, stag=TABLE, at=0):
    """Put the descriptors of @pieces into the initiator's memory; what an indirect descriptor says of them."""
    raw = lib.descriptors(*pieces)
    p.mem[stag] = bytearray(at) + bytearray(raw)
    return struct.pack(">QII", at, stag, len(raw)), sum(n for _, _, n in pieces), raw


def scattered(total, n):
    """@n pieces of STag DATA of uneven lengths, in an order that is not the memory's."""
    cuts = sorted({0, total} | {(i * total // n) ^ (i % 7) for i in range(1, n)})
    pieces = [(DATA, a, b - a) for a, b in zip(cuts, cuts[1:])]
    return pieces[1::2] + pieces[0::2]


def gather(mem, pieces):
    return b"".join(bytes(mem[at:at + n]) for _, at, n in pieces)


def both_ways(p, n, inline, blocks, lba):
    """WRITE and READ through tables of @n entries of which @inline stand in the command as well."""
    size = blocks * 512
    pieces = scattered(size, n)
    p.mem[DATA] = bytearray(os.urandom(size))
    want = gather(p.mem[DATA], pieces)
    desc, total, raw = table(p, pieces, at=inline * 3)
    iu = desc + struct.pack(">I", total) + raw[:16 * inline]
    r = run(p, rw(True, lba, blocks), out=2, descs=iu, out_cnt=inline)
    lib.expect(r["status"] == 0, f"a WRITE with a table of {len(pieces)}, got {r}")
    p.mem[DATA] = bytearray(size)
    r = run(p, rw(False, lba, blocks), in_=2, descs=iu, in_cnt=inline)
    lib.expect(r["status"] == 0, f"a READ with a table of {len(pieces)}, got {r}")
    lib.expect(gather(p.mem[DATA], pieces) == want, f"the same {size} bytes through {len(pieces)} pieces")


def parameters(p):
    """INQUIRY and UNMAP: parameter data go through tables too."""
    p.mem[DATA] = bytearray(96)
    desc, total, _ = table(p, [(DATA, 48, 48), (DATA, 0, 48)])
    iu = desc + struct.pack(">I", total)
    r = run(p, bytes([0x12, 0, 0, 0, 96, 0]), in_=2, descs=iu)
    lib.expect(r["status"] == 0 and p.mem[DATA][48 + 8:48 + 13] == b"SRPTD", f"INQUIRY by a table, got {r} {p.mem[DATA]}")
    p.mem[DATA] = bytearray(24)
    p.mem[DATA][:] = struct.pack(">HH4x QI4x", 22, 16, 4096, 8)
    desc, total, _ = table(p, [(DATA, 0, 5), (DATA, 5, 19)])
    r = run(p, bytes([0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0]), out=2, descs=desc + struct.pack(">I", total))
    lib.expect(r["status"] == 0, f"UNMAP by a table, got {r}")


def refused(p, what, key=(5, 0x24, 0), **kw):
    r = run(p, **kw)
    lib.expect(r["status"] == 2 and lib.sense(r) == key, f"{what} is refused, got {r}")
    lib.expect(p.ready()["status"] == 0, "the channel lives")


def bad(p):
    p.mem[DATA] = bytearray(4096)
    desc, total, raw = table(p, [(DATA, 0, 2048), (DATA, 2048, 2048)])
    for wrong in (total - 1, total + 1, 0xFFFFFFFF):
        refused(p, f"a table whose lengths add up to another sum than {wrong}", cdb=rw(True, 0, 8), out=2,
                descs=desc + struct.pack(">I", wrong))
        refused(p, f"the same for data-in, {wrong}", cdb=rw(False, 0, 8), in_=2, descs=desc + struct.pack(">I", wrong))
    refused(p, "a sum that wraps", cdb=rw(True, 0, 8), out=2,
            descs=table(p, [(DATA, 0, 0xFFFFFFFF), (DATA, 0, 4097)])[0] + struct.pack(">I", 4096))
    refused(p, "a table of one entry too many", cdb=rw(True, 0, 8), out=2,
            descs=struct.pack(">QIII", 0, TABLE, 65536 + 16, 4096))
    refused(p, "a table of 4 GiB", cdb=rw(True, 0, 8), out=2, descs=struct.pack(">QIII", 0, TABLE, 0xFFFFFFF0, 4096))
    refused(p, "a table that ends inside an entry", cdb=rw(True, 0, 8), out=2, descs=struct.pack(">QIII", 0, TABLE, 33, 4096))
    refused(p, "INQUIRY with a table of another sum", cdb=bytes([0x12, 0, 0, 0, 96, 0]), in_=2,
            descs=table(p, [(DATA, 0, 96)])[0] + struct.pack(">I", 95))


def longest(p):
    """4096 entries, the most we take; some of length 0."""
    pieces = [(DATA, i * 16, 16 if i % 2 else 0) for i in range(4096)]
    p.mem[DATA] = bytearray(os.urandom(65536))
    want = gather(p.mem[DATA], pieces)
    desc, total, _ = table(p, pieces)
    lib.expect(total == 32768, "the sum of the test's own table")
    r = run(p, rw(True, 800, 64), out=2, descs=desc + struct.pack(">I", total))
    lib.expect(r["status"] == 0, f"a WRITE with 4096 entries, got {r}")
    lib.expect(p.read_blocks(800, 64)["data"] == want, "what the entries named")


def bidirectional(p):
    """Both directions with tables of their own. No command here uses both: the one that is not used is left over."""
    p.mem[DATA] = bytearray(os.urandom(8192))
    out = table(p, [(DATA, 0, 100), (DATA, 100, 3996)], stag=0x2001)
    in_ = table(p, [(DATA, 4096, 4000), (DATA, 8096, 96)], stag=0x2002)
    want = bytes(p.mem[DATA][:4096])
    descs = out[0] + struct.pack(">I", out[1]) + in_[0] + struct.pack(">I", in_[1])
    r = run(p, rw(True, 900, 8), out=2, in_=2, descs=descs)
    lib.expect(r["status"] == 0 and r["flags"] == 0x20 and r["in_res"] == 4096, f"a WRITE, data-in left over, got {r}")
    r = run(p, rw(False, 900, 8), out=2, in_=2, descs=descs)
    lib.expect(r["status"] == 0 and r["flags"] == 0x08 and r["out_res"] == 4096, f"a READ, data-out left over, got {r}")
    lib.expect(bytes(p.mem[DATA][4096:]) == want, "the data by the second table")


def aborted(t):
    """The table's RDMA READ is never answered: an abort waits for it, and a disconnect ends it."""
    p = lib.Peer(t.port, b"tabler02")
    p.ready()
    p.send(lib.cmd_iu(7001, rw(True, 0, 8), out_fmt=2, descs=struct.pack(">QIII", 0, TABLE, 32, 4096)))
    u = p.recv_fpdu()
    lib.expect(u[1] & 0x0F == 1, "a Read Request for the table")
    p.send(lib.tsk_mgmt(7002, 0x01, task_tag=7001))
    lib.expect(lib.quiet(p, 0.3), "no answer while the target's memory is still open to the table")
    sink, sink_to, n, _, _ = struct.unpack(">IQIIQ", u[18:46])
    p.read_response(sink, sink_to, lib.descriptors((DATA, 0, 2048), (DATA, 2048, 2048)))
    r = lib.rsp(p.recv_send())
    lib.expect(r["tag"] == 7002 and r["code"] == 0, f"the abort's answer and no Read Request for data, got {r}")
    p.send(lib.cmd_iu(7003, rw(True, 0, 8), out_fmt=2, descs=struct.pack(">QIII", 0, TABLE, 32, 4096)))
    lib.expect(p.recv_fpdu()[1] & 0x0F == 1, "a Read Request for the table")
    p.close()
    t.wait_channels(1)


with lib.Target(lib.ram(), "\t\tLUN 0 ram0\n", lib.ANY) as t:
    p = lib.Peer(t.port, b"tabler01")
    p.ready()
    for n, inline, blocks in ((2, 0, 8), (2, 1, 8), (300, 255, 256), (300, 0, 256), (2048, 12, 2048), (4000, 0, 4096)):
        both_ways(p, n, inline, blocks, 1024)
    parameters(p)
    bad(p)
    longest(p)
    bidirectional(p)
    aborted(t)
    lib.expect(p.ready()["status"] == 0, "still well")
    p.close()
    t.wait_channels(0)
print("ok: tables outside the command")
