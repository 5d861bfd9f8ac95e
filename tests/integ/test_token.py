# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Copies by token, in the order in which Windows does it: POPULATE TOKEN, RECEIVE ROD TOKEN INFORMATION, WRITE USING
TOKEN, RECEIVE ROD TOKEN INFORMATION; between units of all kinds, beside writes, across nexuses, a reload and a restart."""
import os
import pathlib
import struct
import tempfile
import time

import lib
from copy_peer import GROUPS, ILLEGAL_REQUEST, MIB, expect_sense, fill, get, pattern, peer
from queue_peer import CHECK, GOOD, gone

DONE, FAILED, PARTIAL = 1, 2, 3
UNKNOWN, EXPIRED, CANCELLED, DELETED = 0x2304, 0x2307, 0x2308, 0x2309
ZEROES = struct.pack(">IHH", 0xFFFF0001, 0, 0x1F8) + bytes(504)


def ranges(rs):
    return struct.pack(">H", 16 * len(rs)) + b"".join(struct.pack(">QI4x", *r) for r in rs)


def send(p, action, out, lun, list_id, imm=True):
    return p.issue(struct.pack(">BB4xII2x", 0x83, action, list_id, len(out)), out, lun=lun, imm=imm)


def populate(p, rs, lun=0, list_id=1, timeout=0):
    out = struct.pack(">BxIIxx", 0, timeout, 0) + ranges(rs)
    return send(p, 0x10, struct.pack(">H", len(out)) + out, lun, list_id)


def use(p, token, rs, lun=1, list_id=2, offset=0, flags=0):
    out = struct.pack(">B5xQ", flags, offset) + token + bytes(6) + ranges(rs)
    return send(p, 0x11, struct.pack(">H", len(out)) + out, lun, list_id)


def info(p, lun, list_id, action):
    """What RECEIVE ROD TOKEN INFORMATION says: the status, the blocks, the token."""
    r = p.answer(p.issue(struct.pack(">BBI4xI2x", 0x84, 7, list_id, 1024), n_in=1024, lun=lun))
    lib.expect(r["status"] == GOOD, f"RECEIVE ROD TOKEN INFORMATION, got {r}")
    d = r["data"]
    lib.expect(struct.unpack(">I", d[:4])[0] + 4 <= len(d) and d[4] == action and d[15] == 0xF1, f"its data: {d[:32].hex()}")
    at = 32 + d[13]
    n = struct.unpack(">I", d[at:at + 4])[0]
    return d[5], struct.unpack(">Q", d[16:24])[0], d[at + 6:at + 4 + n]


def make(p, rs, lun=0, timeout=0):
    r = p.answer(populate(p, rs, lun, timeout=timeout))
    lib.expect(r["status"] == GOOD, f"POPULATE TOKEN, got {r}")
    status, blocks, token = info(p, lun, 1, 0x10)
    lib.expect((status, blocks, len(token)) == (DONE, sum(n for _, n in rs), 512), f"the token: {status}, {blocks} blocks")
    return token


def windows(t):
    """More than a piece, in ranges that do not begin and end at the same places."""
    p = peer(t, b"odxhost1")
    src = pattern(5 * MIB, 1)
    n = len(src) // 512
    fill(p, 0, 100, src)
    fill(p, 1, 0, pattern(8 * MIB, 2))
    token = make(p, [(100, 3000), (3100, n - 3000)])
    lib.expect(p.status(use(p, token, [(3, 5000), (6000, n - 5000)])) == GOOD, "WRITE USING TOKEN")
    lib.expect(info(p, 1, 2, 0x11) == (DONE, n, b""), "what it has done")
    lib.expect(get(p, 1, 3, 5000 * 512) == src[:5000 * 512], "the first range")
    lib.expect(get(p, 1, 6000, (n - 5000) * 512) == src[5000 * 512:], "the second")
    lib.expect(get(p, 1, 0, 1536) == pattern(1536, 2) and get(p, 1, 5003, 512) == pattern(8 * MIB, 2)[5003 * 512:][:512],
               "and nothing else")
    # as Windows copies a long file: piece after piece out of one token, within the unit it came from
    for at in (0, 4000, 8000):
        now = min(4000, n - at)
        lib.expect(p.status(use(p, token, [(20000 + at, now)], lun=0, offset=at)) == GOOD, "a part of it")
    lib.expect(get(p, 0, 20000, len(src)) == src, "put together")
    # more than there is
    lib.expect(p.status(use(p, token, [(0, 100)], offset=n - 60)) == GOOD, "behind its end")
    lib.expect(info(p, 1, 2, 0x11)[:2] == (PARTIAL, 60), "as much as there was")
    lib.expect(p.status(use(p, ZEROES, [(3, 2000), (6000, 8)])) == GOOD, "zeroes")
    lib.expect(get(p, 1, 3, 2000 * 512) == bytes(2000 * 512) and get(p, 1, 6008, 512) == src[5008 * 512:][:512], "are there")
    lib.expect(p.status(use(p, token, [(0, 8)], flags=2)) == GOOD, "for the last time")
    expect_sense(p, use(p, token, [(0, 8)]), DELETED, ILLEGAL_REQUEST)
    gone(t, p)


def write_one(p, lba, byte, lun=0):
    cdb = struct.pack(">BBIBHB", 0x2A, 0, lba, 0, 1, 0)
    lib.expect(p.status(p.issue(cdb, bytes([byte]) * 512, lun=lun)) == GOOD, "a WRITE")


def ends(t):
    """Written, timed out, made of another initiator's blocks."""
    p, q = peer(t, b"odxhost1"), peer(t, b"odxhost2")
    token = make(p, [(0, 64)])
    write_one(q, 64, 1)
    lib.expect(p.status(use(p, token, [(0, 64)])) == GOOD, "a write beside it")
    lib.expect(q.status(use(q, token, [(0, 64)])) == GOOD, "another initiator may use it")
    write_one(q, 63, 1)
    expect_sense(p, use(p, token, [(0, 64)]), CANCELLED, ILLEGAL_REQUEST)
    token = make(p, [(0, 64)], timeout=1)
    deadline = time.monotonic() + 60
    while True:
        time.sleep(3.5)  # a use may be good for a second and two ticks of the clock
        r = p.answer(use(p, token, [(0, 64)]))
        if r["status"] == CHECK:
            break
        lib.expect(time.monotonic() < deadline, "a token of a second is gone within a minute")
    lib.expect(lib.sense(r) == (ILLEGAL_REQUEST, EXPIRED >> 8, EXPIRED & 255), f"it has expired, got {lib.sense(r)}")
    gone(t, p, q)


def one_time(t):
    """
    A copy races with writes to blocks of its token: before them or behind them in time, what ends with GOOD has written
    the blocks as they were when the token was made, and the rest is told that it was cancelled.
    """
    p, q = peer(t, b"odxhost1"), peer(t, b"odxwrite")
    have = bytearray(pattern(2 * MIB + 4096, 3))
    fill(p, 0, 0, bytes(have))
    good = lost = 0
    for turn in range(40):
        token = make(p, [(0, len(have) // 512)])
        was = bytes(have)
        copying = use(p, token, [(0, len(have) // 512)]) if turn % 2 else None
        busy = []
        for i in range(turn % 4):
            lba = (turn * 977 + i * 1511) % (len(have) // 512 - 4)
            new = bytes([turn + 1]) * 2048
            busy.append(q.issue(struct.pack(">BBIBHB", 0x2A, 0, lba, 0, 4, 0), new))
            have[lba * 512:lba * 512 + 2048] = new
        r = p.answer(copying if turn % 2 else use(p, token, [(0, len(have) // 512)]))
        for tag in busy:
            lib.expect(q.status(tag) == GOOD, "a WRITE")
        if r["status"] == GOOD:
            good += 1
            lib.expect(get(p, 1, 0, len(was)) == was, f"it is as it was, turn {turn}")
        else:
            lost += 1
            lib.expect(busy and lib.sense(r) == (ILLEGAL_REQUEST, 0x23, 0x08), f"cancelled, got {lib.sense(r)}")
    lib.expect(good >= 10 and lost > 0, f"both happen: {good} are good, {lost} were cancelled")
    gone(t, p, q)


def views(t):
    """A unit that the nexus does not have, or has for reading only."""
    admin, backup = peer(t, b"admin001", luns=3), peer(t, b"backup01")
    token = make(admin, [(0, 8)], lun=2)
    lib.expect(admin.status(use(admin, token, [(0, 8)], lun=1)) == GOOD, "who has it may use it")
    expect_sense(backup, use(backup, token, [(0, 8)], lun=0), UNKNOWN, ILLEGAL_REQUEST)
    token = make(backup, [(0, 8)], lun=1)
    lib.expect(backup.status(use(backup, token, [(0, 8)], lun=0)) == GOOD, "from what may be read")
    expect_sense(backup, use(backup, token, [(8, 8)], lun=1), 0x2700, 7)
    gone(t, admin, backup)


def restart(devices, luns):
    with lib.Target(devices, luns, lib.ANY, WORKERS) as t:
        p = peer(t, b"odxhost1")
        token = make(p, [(0, 8)])
        lib.expect(p.status(use(p, token, [(0, 8)])) == GOOD, "it is good")
        gone(t, p)
    with lib.Target(devices, luns, lib.ANY, WORKERS) as t:
        p = peer(t, b"odxhost1")
        other = make(p, [(0, 8)])
        lib.expect(other != token, "another token")
        expect_sense(p, use(p, token, [(0, 8)]), UNKNOWN, ILLEGAL_REQUEST)
        gone(t, p)


# Who reads what another worker's copy writes has a race, to the thread sanitizer, when that is memory.
WORKERS = "workers 1\n" if lib.sanitizer() == "thread" else "workers 3\n"

with tempfile.TemporaryDirectory() as tmp:
    images = [pathlib.Path(tmp) / name for name in ("i0", "i1")]
    for image in images:
        with open(image, "wb") as f:
            os.truncate(f.fileno(), 32 * MIB)
    files = lib.file_dev("d0", images[0]) + lib.file_dev("d1", images[1])
    both = "\t\tLUN 0 d0\n\t\tLUN 1 d1\n"
    mixed = lib.ram("d0", 32) + lib.file_dev("d1", images[1])
    for devices in (lib.ram("d0", 32) + lib.ram("d1", 32), files, mixed):
        with lib.Target(devices, both, lib.ANY, WORKERS) as t:
            windows(t)
            if devices == mixed:
                ends(t)
            if "vdisk_ram" not in devices:
                one_time(t)
    with lib.Target(files + lib.ram("d2", 16), target=GROUPS) as t:
        views(t)
    restart(files, both)
print("ok: copies by token")
