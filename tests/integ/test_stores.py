# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Stores that others change: hosts are told at once, as the kernel says it. Nobody looks at them here for a day, so
whatever is noticed was told. Block devices are loop devices, where this test may make some."""
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

import lib

AESOLNT = 0x40
MIB = 1 << 20
CAPACITY = (6, 0x2A, 0x09)
NEVER = "store_poll_s 86400\nworkers 2\n"


def truncate(path, size):
    """As people do it: opens it, sets the size, closes it."""
    with open(path, "r+b") as f:
        f.truncate(size)


def told(peer, secs=20):
    """The next unit attention."""
    end = time.monotonic() + secs
    while time.monotonic() < end:
        r = peer.command(bytes(6), retry=False)
        if r["status"] == 2 and lib.sense(r)[0] == 6:
            return lib.sense(r)
        time.sleep(0.02)
    return None


def capacity(peer):
    """Of READ CAPACITY(16): blocks, the bytes of one, of a physical one, and the first that begins one."""
    r = peer.command(struct.pack(">BBQIBB", 0x9E, 0x10, 0, 32, 0, 0), n_in=32)
    lib.expect(r["status"] == 0, f"READ CAPACITY(16), got {r}")
    last, block = struct.unpack(">QI", r["data"][:12])
    return last + 1, block, block << (r["data"][13] & 15), struct.unpack(">H", r["data"][14:16])[0] & 0x3FFF


def looks(t):
    return t.status()["devices"][0]["store_looks"]


def files(tmp):
    image = tmp / "disk"
    image.write_bytes(bytes(8 * MIB))
    with lib.Target(lib.file_dev("d0", image), "\t\tLUN 0 d0\n" + lib.ANY, options=NEVER) as t:
        if "changes of files are not told" in t.text():
            print("(no inotify here: files are looked at only)")
            return
        p = lib.Peer(t.port, b"store-01")
        eager = lib.Peer(t.port, b"store-02", flags=0x81 | AESOLNT)
        for peer in (p, eager):
            lib.expect(peer.ready()["status"] == 0 and capacity(peer)[0] == 8 * MIB // 512, "8 MiB")
        # our own I/O is not told
        data = os.urandom(4096)
        for i in range(300):
            lib.expect(p.write_blocks(8 * i, data)["status"] == 0, "a WRITE")
        lib.expect(p.command(bytes([0x35]) + bytes(9))["status"] == 0, "SYNCHRONIZE CACHE")
        lib.expect(looks(t) == {"told": 0, "polled": 1}, f"nobody has told anything, got {looks(t)}")
        for size in (12 * MIB, 4 * MIB):
            truncate(image, size)
            lib.expect(told(p) == CAPACITY and capacity(p)[0] == size // 512, f"{size} bytes")
            lib.event_report(eager, CAPACITY[1:])  # with no command of its own
            lib.expect(told(eager) == CAPACITY, "it is owed besides")
        truncate(image, 0)
        t.wait_log("its store is gone")
        truncate(image, 8 * MIB)
        t.wait_log("its store is back")
        lib.expect(told(p) == CAPACITY, "it is back, with another size")
        names(t, p, tmp, image)
        seen = looks(t)
        lib.expect(seen["told"] >= 8 and seen["polled"] == 1, f"all of it was told, got {seen}")
        for peer in (p, eager):
            peer.close()


def names(t, p, tmp, image):
    """What is open is served, whatever becomes of its name."""
    data = os.urandom(4096)
    at = len(t.text())
    os.rename(image, tmp / "away")
    t.wait_log("does not lead to its store", since=at)
    lib.expect(p.write_blocks(0, data)["status"] == 0, "a WRITE to a file that was renamed")
    at = len(t.text())
    os.rename(tmp / "away", image)
    t.wait_log("leads to its store again", since=at)
    at = len(t.text())
    os.link(image, tmp / "kept")
    (tmp / "new").write_bytes(bytes(16 * MIB))
    os.rename(tmp / "new", image)
    t.wait_log("does not lead to its store", since=at)
    lib.expect(capacity(p)[0] == 8 * MIB // 512 and p.read_blocks(0, 8)["data"] == data, "not what has its name now")
    at = len(t.text())
    os.unlink(image)
    os.rename(tmp / "kept", image)
    t.wait_log("leads to its store again", since=at)
    lib.expect(p.read_blocks(0, 8)["data"] == data, "what was there all the time")
    lib.expect(p.ready()["status"] == 0, "no unit attention of all this")


def losetup(*args):
    return subprocess.run(["losetup", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def on_loop(tmp, sector, use):
    """Call use() with a loop device of such sectors and the file behind it. False: there is none."""
    image = tmp / f"loop{sector}"
    image.write_bytes(bytes(8 * MIB))
    made = losetup("--find", "--show", "--sector-size", sector, image)
    if made.returncode:
        print(f"(no loop devices here: {made.stderr.strip()})")
        return False
    try:
        use(made.stdout.strip(), image)
    finally:
        losetup("--detach", made.stdout.strip())
    return True


def device_resized(dev, image):
    with lib.Target(lib.file_dev("d0", dev), "\t\tLUN 0 d0\n" + lib.ANY, options=NEVER) as t:
        p = lib.Peer(t.port, b"store-03")
        lib.expect(p.ready()["status"] == 0 and capacity(p) == (8 * MIB // 512, 512, 512, 0), f"8 MiB, got {capacity(p)}")
        data = os.urandom(4096)
        lib.expect(p.write_blocks(0, data)["status"] == 0 and p.read_blocks(0, 8)["data"] == data, "WRITE and READ")
        if "changes of block devices are not told" in t.text():
            print("(no uevents here: block devices are looked at only)")
        else:
            for size in (12 * MIB, 4 * MIB):
                truncate(image, size)
                lib.expect(losetup("--set-capacity", dev).returncode == 0, "losetup --set-capacity")
                lib.expect(told(p) == CAPACITY and capacity(p)[0] == size // 512, f"{size} bytes")
                lib.expect(p.write_blocks(size // 512 - 8, data)["status"] == 0, "a WRITE up to the end")
                lib.expect(lib.sense(p.read_blocks(size // 512, 8)) == (5, 0x21, 0), "nothing is behind it")
        p.close()


def device_blocks(dev, _image):
    """Hosts are told of its sectors of 4 KiB, also when they are given blocks of 512 bytes."""
    for attrs, want in (("", (8 * MIB // 512, 512, 4096, 0)), ("\t\tblocksize 4096", (8 * MIB // 4096, 4096, 4096, 0)),
                        ("\t\tphysical_blocksize 512", (8 * MIB // 512, 512, 512, 0)),
                        ("\t\tblocksize 4096\n\t\to_direct 1", (8 * MIB // 4096, 4096, 4096, 0))):
        with lib.Target(lib.file_dev("d0", dev, attrs), "\t\tLUN 0 d0\n" + lib.ANY) as t:
            p = lib.Peer(t.port, b"store-04")
            lib.expect(p.ready()["status"] == 0 and capacity(p) == want, f"{want}, got {capacity(p)}")
            granularity = struct.unpack(">H", p.command(bytes([0x12, 1, 0xB0, 0, 64, 0]), n_in=64)["data"][6:8])[0]
            lib.expect(granularity == want[2] // want[1], f"the optimal transfer length granularity, got {granularity}")
            p.close()


with tempfile.TemporaryDirectory() as where:
    files(pathlib.Path(where))
    if os.geteuid() or not shutil.which("losetup"):
        print("(loop devices need root and losetup: block devices are not tried)")
    elif on_loop(pathlib.Path(where), 512, device_resized):
        on_loop(pathlib.Path(where), 4096, device_blocks)
print("ok: files and block devices that others change")
