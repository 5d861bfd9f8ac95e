# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A file that changes its size under logged-in hosts, and a file system that runs full: all of them are told, and
everything follows. Commands that are under way where the file has ended end, and nothing else suffers."""
import os
import pathlib
import struct
import tempfile
import time

import lib

MIB = 1 << 20
CAPACITY = (6, 0x2A, 0x09)
THRESHOLD = (6, 0x38, 0x07)


def told(peer, secs=10):
    """The next unit attention."""
    end = time.monotonic() + secs
    while time.monotonic() < end:
        r = peer.command(bytes(6), retry=False)
        if r["status"] == 2 and lib.sense(r)[0] == 6:
            return lib.sense(r)
        time.sleep(0.05)
    return None


def blocks(peer):
    r = peer.command(struct.pack(">BBQIBB", 0x9E, 0x10, 0, 32, 0, 0), n_in=32)
    lib.expect(r["status"] == 0, f"READ CAPACITY(16), got {r}")
    return struct.unpack(">Q", r["data"][:8])[0] + 1


def space(peer):
    """Available and used resources, in sets of so many bytes."""
    r = peer.command(bytes([0x12, 1, 0xB2, 0, 8, 0]), n_in=8)
    unit = 512 << r["data"][4]
    r = peer.command(bytes([0x4D, 0, 0x4C, 0, 0, 0, 0, 0, 28, 0]), n_in=28)
    lib.expect(r["status"] == 0 and r["data"][:4] == b"\x0c\0\0\x18", f"log page 0C, got {r}")
    return struct.unpack(">I", r["data"][8:12])[0] * unit, struct.unpack(">I", r["data"][20:24])[0] * unit


def resizes(t, image):
    peers = [lib.Peer(t.port, name) for name in (b"resize-1", b"resize-2")]
    for p in peers:
        lib.expect(p.ready()["status"] == 0 and blocks(p) == 8 * MIB // 512, "8 MiB")
    end = 8 * MIB // 512
    r = peers[0].read_blocks(end, 8)
    lib.expect(lib.sense(r) == (5, 0x21, 0), f"nothing is behind the end, got {r}")
    os.truncate(image, 12 * MIB)
    for p in peers:
        lib.expect(told(p) == CAPACITY, "each nexus hears that it has grown")
        lib.expect(p.ready()["status"] == 0 and blocks(p) == 12 * MIB // 512, "12 MiB")
    data = os.urandom(4096)
    lib.expect(peers[0].write_blocks(end, data)["status"] == 0, "a WRITE to what is new")
    lib.expect(peers[1].read_blocks(end, 8)["data"] == data, "and a READ of it")
    lib.expect(image.read_bytes()[8 * MIB:8 * MIB + 4096] == data, "it is in the file")
    # shrink it under READs: each ends, by what it finds
    os.truncate(image, 4 * MIB)
    seen = set()
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        r = peers[0].command(struct.pack(">BBIBHB", 0x28, 0, end, 0, 8, 0), n_in=4096, retry=False)
        seen.add("good" if r["status"] == 0 else lib.sense(r))
        if (5, 0x21, 0) in seen:
            break
    lib.expect(CAPACITY in seen and (5, 0x21, 0) in seen and seen <= {"good", CAPACITY, (5, 0x21, 0), (3, 0x11, 0)},
               f"READs behind the end, got {seen}")
    lib.expect(told(peers[1]) == CAPACITY and blocks(peers[1]) == 4 * MIB // 512, "4 MiB")
    # nothing is left of it
    os.truncate(image, 0)
    t.wait_log("its store is gone")
    r = peers[0].command(bytes(6), retry=False)
    lib.expect(lib.sense(r) == (2, 4, 0), f"NOT READY, got {r}")
    os.truncate(image, 8 * MIB)
    t.wait_log("its store is back")
    lib.expect(told(peers[0]) == CAPACITY, "it is back, with another size")
    lib.expect(peers[0].read_blocks(0, 8)["data"] == bytes(4096), "a READ")
    for p in peers:
        p.close()


def thresholds(t, image):
    p = lib.Peer(t.port, b"thin-001")
    lib.expect(p.ready()["status"] == 0, "ready")
    time.sleep(1.5)
    free, used = space(p)
    fs = os.statvfs(image)
    lib.expect(abs(free - fs.f_bavail * fs.f_frsize) < 1 << 30, f"{free} bytes are free")
    lib.expect(used <= 9 * MIB, f"{used} bytes are used")
    lib.expect(p.write_blocks(0, os.urandom(8 << 16))["status"] == 0, "a WRITE")
    # with a threshold of 99 %, what is larger than the file system has space for is too large
    big = (fs.f_bavail * fs.f_frsize * 2) & -MIB
    try:
        os.truncate(image, big)
    except OSError:
        print("(the file system has no files as large as that: no threshold is passed)")
    else:
        got = {told(p), told(p)}
        lib.expect(got == {CAPACITY, THRESHOLD}, f"both are told, got {got}")
        time.sleep(2.5)
        lib.expect(p.command(bytes(6), retry=False)["status"] == 0, "but not again")
        os.truncate(image, 8 * MIB)
        lib.expect(told(p) == CAPACITY, "it is small again")
    # a host sets one itself: more than there is anywhere
    page = p.command(bytes([0x5A, 8, 0x1C, 2, 0, 0, 0, 0, 64, 0]), n_in=64)["data"]
    lib.expect(page[8:12] == b"\x5c\x02\0\x14" and page[24:26] == b"\x82\x01", f"mode page 1C/02, got {page.hex()}")
    lib.expect(struct.unpack(">I", page[28:32])[0] == 8, "99 % of 8 MiB, in MiB")
    new = bytes(8) + page[8:28] + b"\xff" * 4
    lib.expect(p.command(bytes([0x55, 0x10, 0, 0, 0, 0, 0, 0, len(new), 0]), out=new)["status"] == 0, "MODE SELECT")
    lib.expect(told(p) == THRESHOLD, "so it is passed at once")
    p.close()


with tempfile.TemporaryDirectory() as tmp:
    disk = pathlib.Path(tmp) / "disk"
    disk.write_bytes(bytes(8 * MIB))
    for attrs in ("\t\to_direct 0", "\t\tthin_provisioned 1\n\t\tsoft_threshold 99"):
        os.truncate(disk, 8 * MIB)
        with lib.Target(lib.file_dev("d0", disk, attrs), "\t\tLUN 0 d0\n" + lib.ANY, options="workers 2\n") as target:
            resizes(target, disk)
            if "thin" in attrs:
                thresholds(target, disk)
print("ok: a file that grows and shrinks, a file system that runs full")
