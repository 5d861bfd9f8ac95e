# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Third-party copies between units: by the stores and through a buffer, what a nexus may not copy, beside exclusive
commands, aborted, and with units that are taken away."""
import os
import pathlib
import struct
import tempfile
import time

import lib
from copy_peer import COPY_ABORTED, GROUPS, MIB, expect_sense, fill, get, naa, pattern, peer
from queue_peer import CHECK, GOOD, gone


def target(name, block=512):
    return (bytes([0xE4, 0, 0, 0, 1, 3, 0, len(name)]) + name).ljust(29, b"\0") + struct.pack(">I", block)[1:]


def segment(source, dest, n, lba, to, dc=0):
    return struct.pack(">BBHHHHHQQ", 2, dc * 2, 24, source, dest, 0, n, lba, to)


def copy_list(names, segments, list_id=1, usage=0, block=512):
    t, s = b"".join(target(n, block) for n in names), b"".join(segments)
    return struct.pack(">BBHIII", list_id, usage << 3, len(t), 0, len(s), 0) + t + s


def copy(p, names, segments, lun=0, imm=True, **kw):
    out = copy_list(names, segments, **kw)
    return p.issue(struct.pack(">BB8xIBB", 0x83, 0, len(out), 0, 0), out, lun=lun, imm=imm)


def data(t):
    p = peer(t, b"copydata")
    names = [naa(p, 0), naa(p, 1)]
    lib.expect(names[0] != names[1], "two units")
    src = pattern(3 * MIB + 512, 1)
    fill(p, 0, 100, src)
    fill(p, 1, 0, pattern(8 * MIB, 2))
    # several pieces, in two segments, sent to either unit
    for lun in (0, 1):
        n = len(src) // 512
        lib.expect(p.status(copy(p, names, [segment(0, 1, 4000, 100, 3), segment(0, 1, n - 4000, 4100, 4003)], lun)) == GOOD,
                   "EXTENDED COPY")
        lib.expect(get(p, 1, 3, len(src)) == src, "what was copied")
        lib.expect(get(p, 1, 0, 1536) == pattern(1536, 2), "and nothing in front of it")
        lib.expect(get(p, 1, 3 + n, 512) == pattern(8 * MIB, 2)[(3 + n) * 512:][:512], "or behind")
        r = p.answer(p.issue(struct.pack(">BBB7xIBB", 0x84, 0, 1, 64, 0, 0), n_in=64, lun=lun))
        lib.expect(r["data"][4:12] == struct.pack(">BHBI", 1, 2, 0, len(src)), f"its status, got {r}")
        fill(p, 1, 0, pattern(8 * MIB, 2))
    # within one unit, over itself in both directions; more than a piece, so that the order of pieces counts
    for lba, to in ((5000, 5100), (5100, 5000), (5000, 5001)):
        have = pattern(3 * MIB, 7 + to)
        fill(p, 0, lba, have)
        lib.expect(p.status(copy(p, names, [segment(0, 0, len(have) // 512, lba, to, dc=1)], usage=3)) == GOOD, "onto itself")
        lib.expect(get(p, 0, to, len(have)) == have, f"all of it, {lba} to {to}")
    expect_sense(p, copy(p, names, [segment(0, 1, 8, 0, 1 << 40)]), 0x0000)
    expect_sense(p, copy(p, [names[0], bytes(len(names[1]))], [segment(0, 1, 8, 0, 0)]), 0x0D02)
    gone(t, p)


def atomic(t):
    """COMPARE AND WRITE of a block that a copy writes over and over: it never sees half of it, and neither starves."""
    p, q = peer(t, b"copyatom"), peer(t, b"cawcount")
    names = [naa(p, 0), naa(p, 1)]
    fill(p, 0, 0, b"c" * MIB)
    fill(p, 1, 1000, b"x" * 512)  # the first copy may not have come there yet
    swapped = 0
    for _ in range(30):
        tag = copy(p, names, [segment(0, 1, 2048, 0, 0) for _ in range(10)], lun=_ % 2, usage=3)
        while tag not in p.answers:
            for new in (b"n", b"m"):
                caw = struct.pack(">BBQIBB", 0x89, 0, 1000, 1, 0, 0)
                r = q.answer(q.issue(caw, b"c" * 512 + new * 512, lun=1))
                swapped += r["status"] == GOOD
                got = get(q, 1, 1000, 512)
                lib.expect(set(got) <= set(b"xcnm"), "what somebody wrote")
            if not lib.quiet(p, 0.001):
                lib.expect(p.status(tag) == GOOD, "the copy ends")
                break
    lib.expect(swapped > 5, f"exclusive commands come between the pieces: {swapped}")
    gone(t, p, q)


def aborted(t):
    """Aborted in the middle it has written a beginning and nothing more, and what the answer says is so."""
    p, q = peer(t, b"copyabrt"), peer(t, b"copyrset")
    names = [naa(p, 0), naa(p, 1)]
    for how in ("task", "reset here", "reset there", "gone"):
        fill(p, 0, 0, pattern(8 * MIB, 5))
        many = [segment(0, 1, 16384, 0, 0) for _ in range(60)]
        tag = copy(p, names, many, usage=3)
        time.sleep(0.02)
        if how == "gone":
            p.close()
            t.wait_channels(1)
        else:
            code = p.tmf(0x01, tag) if how == "task" else q.tmf(0x08, lun=how == "reset there")
            lib.expect(code == 0, f"the function is complete, got {code}")
            lib.expect(tag not in p.answers, "it was in the middle")
        # the medium does not change any more
        for lba in (0, 16383):
            lib.expect(q.answer(q.issue(struct.pack(">BBIBHB", 0x28, 0, lba, 0, 1, 0), n_in=512, lun=1))["status"] in (GOOD, CHECK),
                       "a READ, or the attention of a reset")
        fill_until_good(q)
        time.sleep(0.1)
        lib.expect(get(q, 1, 0, 8 * MIB) == bytes([1]) * (8 * MIB), f"nothing is written after the answer: {how}")
        if how == "reset there":
            expect_sense(p, tag, 0x0D01)
        if how != "gone":
            for lun in (0, 1):
                while p.status(p.issue(bytes(6), lun=lun)) == CHECK:
                    pass
    gone(t, q)


def fill_until_good(q):
    for lun in (0, 1):
        while q.status(q.issue(bytes(6), lun=lun)) == CHECK:
            pass
    fill(q, 1, 0, bytes([1]) * (8 * MIB))


def views(t):
    """A unit that the nexus does not have, or has for reading only; a reservation that another nexus holds."""
    admin, backup = peer(t, b"admin001"), peer(t, b"backup01")
    names = [naa(admin, 0), naa(admin, 1), naa(admin, 2)]
    expect_sense(backup, copy(backup, names, [segment(0, 2, 8, 0, 0)]), 0x0D02)
    expect_sense(backup, copy(backup, names, [segment(2, 0, 8, 0, 0)]), 0x0D02)
    expect_sense(backup, copy(backup, names, [segment(0, 1, 8, 0, 0)]), 0x2700)
    lib.expect(backup.status(copy(backup, names, [segment(1, 0, 8, 0, 0)])) == GOOD, "from what may be read")
    out = struct.pack(">QQ8x", 0, 77)
    lib.expect(admin.status(admin.issue(struct.pack(">BB3xIx", 0x5F, 6, 24), out, lun=0)) == GOOD, "REGISTER")
    lib.expect(admin.status(admin.issue(struct.pack(">BBB2xIx", 0x5F, 1, 1, 24), struct.pack(">QQ8x", 77, 0), lun=0)) == GOOD, "RESERVE")
    expect_sense(backup, copy(backup, names, [segment(1, 0, 8, 0, 0)], lun=1), 0x0D01)
    lib.expect(admin.status(copy(admin, names, [segment(1, 0, 8, 0, 0)])) == GOOD, "the holder may")
    gone(t, admin, backup)


# Who reads what another worker's copy writes has a race, to the thread sanitizer, when that is memory; to a disk it is
# what hosts do.
WORKERS = "workers 1\n" if lib.sanitizer() == "thread" else "workers 3\n"


def taken_away(tmp):
    """Units leave the map of a nexus, and are closed, while copies run."""
    devices = lib.ram("d0", 16) + lib.ram("d1", 16)
    luns = "\t\tLUN 0 d0\n\t\tLUN 1 d1\n"
    with lib.Target(devices, luns, lib.ANY, WORKERS) as t:
        p = peer(t, b"copytake")
        names = [naa(p, 0), naa(p, 1)]
        tag = copy(p, names, [segment(0, 1, 32768, 0, 0) for _ in range(60)], usage=3)
        time.sleep(0.02)  # it has begun
        since = len(t.text())
        t.write_conf(lib.ram("d0", 16), "\t\tLUN 0 d0\n", lib.ANY, WORKERS)
        t.proc.send_signal(1)
        t.wait_log("device d1: closed", since=since)
        r = p.answer(tag)
        lib.expect(r["status"] == GOOD or lib.sense(r) == (COPY_ABORTED, 0x0D, 2), f"it ends, got {lib.sense(r)}")
        gone(t, p)


def stable_names(t):
    p = peer(t, b"copyvpd0")
    r = p.answer(p.issue(bytes([0x12, 1, 0x8F, 4, 0, 0]), n_in=1024))
    n = struct.unpack(">H", r["data"][2:4])[0]
    lib.expect(r["status"] == GOOD and r["data"][1] == 0x8F and n % 4 == 0 and n > 60, f"VPD page 8F, got {r}")
    r = p.answer(p.issue(struct.pack(">BBB7xIBB", 0x84, 3, 0, 64, 0, 0), n_in=64))
    lib.expect(struct.unpack(">HHI", r["data"][8:16])[1] == 64, "64 segments")
    gone(t, p)


with tempfile.TemporaryDirectory() as tmp:
    images = [pathlib.Path(tmp) / name for name in ("i0", "i1")]
    for image in images:
        with open(image, "wb") as f:
            os.truncate(f.fileno(), 16 * MIB)
    files = lib.file_dev("d0", images[0]) + lib.file_dev("d1", images[1])
    both = "\t\tLUN 0 d0\n\t\tLUN 1 d1\n"
    for devices in (lib.ram("d0", 16) + lib.ram("d1", 16), files, lib.ram("d0", 16) + lib.file_dev("d1", images[1])):
        with lib.Target(devices, both, lib.ANY, WORKERS) as t:
            data(t)
            if "vdisk_ram" not in devices:
                atomic(t)
            aborted(t)
            stable_names(t)
    with lib.Target(files + lib.ram("d2", 16), target=GROUPS) as t:
        views(t)
    taken_away(tmp)
print("ok: third-party copies")
