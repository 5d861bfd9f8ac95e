# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Log pages say what really happened, added up over the workers; extents and echo buffers over real connections."""
import os
import pathlib
import struct
import tempfile

import lib
from queue_peer import CHECK, GOOD, gone, peers


def page(p, code):
    """The parameters of a log page."""
    data = p.answer(p.issue(struct.pack(">BBBBBHHB", 0x4D, 0, 0x40 | code, 0, 0, 0, 1024, 0), n_in=1024))["data"]
    at, end, got = 4, 4 + struct.unpack(">H", data[2:4])[0], {}
    while at < end:
        n = data[at + 3]
        got[struct.unpack(">H", data[at:at + 2])[0]] = data[at + 4:at + 4 + n]
        at += 4 + n
    return got


def number(raw):
    return int.from_bytes(raw, "big")


def counted(t):
    ps = peers(t, b"logs-001", b"logs-002", b"logs-003")
    before = struct.unpack(">4Q", page(ps[0], 0x19)[1][:32])
    for i in range(30):
        for p in ps:
            lib.expect(p.status(p.write(100, os.urandom(1024))) == GOOD, "a WRITE")
            lib.expect(p.status(p.read(100, 3)) == GOOD, "a READ")
    now = struct.unpack(">4Q", page(ps[0], 0x19)[1][:32])
    lib.expect(now[0] - before[0] == 90 and now[1] - before[1] == 90, f"90 READs and 90 WRITEs, got {before} and {now}")
    lib.expect(now[2] - before[2] == 180 and now[3] - before[3] == 270, f"their blocks, got {before} and {now}")
    lib.expect(number(page(ps[0], 0x03)[5]) == now[3] * 512 and number(page(ps[0], 0x03)[6]) == 0, "bytes, no errors")
    gone(t, *ps)


def extents(t):
    a, = peers(t, b"extents1")
    lib.expect(a.status(a.write(64, b"x" * 4096)) == GOOD, "a WRITE into a hole")
    data = a.answer(a.issue(struct.pack(">BBQIBB", 0x9E, 0x12, 0, 256, 0, 0), n_in=256))["data"]
    n = (struct.unpack(">I", data[:4])[0] - 4) // 16
    got = [struct.unpack(">QIB", data[8 + 16 * i:21 + 16 * i]) for i in range(n)]
    lib.expect(got[0][:2] == (0, 64) and got[0][2] == 1 and got[1] == (64, 8, 0), f"a hole, then what was written, got {got}")
    lib.expect(sum(g[1] for g in got) == 8192, "up to the end")
    lib.expect(a.status(a.issue(b"\x34" + bytes(7) + b"\x40\0")) == 4, "PRE-FETCH: CONDITION MET")
    gone(t, a)


def echo(t):
    a, b = peers(t, b"echo-001", b"echo-002")
    text = os.urandom(4096)
    lib.expect(a.status(a.issue(struct.pack(">BBBBHBHB", 0x3B, 0x0A, 0, 0, 0, 0, 4096, 0), text)) == GOOD, "WRITE BUFFER")
    ask = struct.pack(">BBBBHBHB", 0x3C, 0x0A, 0, 0, 0, 0, 4096, 0)
    lib.expect(a.answer(a.issue(ask, n_in=4096))["data"] == text, "comes back")
    r = b.answer(b.issue(ask, n_in=4096))
    lib.expect(r["status"] == CHECK and lib.sense(r) == (5, 0x2C, 0), f"to who wrote it only, got {r}")
    gone(t, a, b)


with tempfile.TemporaryDirectory() as tmp:
    image = pathlib.Path(tmp) / "disk"
    with open(image, "wb") as f:
        f.truncate(4 << 20)
    with lib.Target(lib.file_dev("d0", image), "\t\tLUN 0 d0\n", lib.ANY, "workers 3\n") as t:
        extents(t)
        counted(t)
        echo(t)
print("ok: log pages, extents, echo buffer")
