# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A real file system image of at least 200 MiB: out of a file LUN, into a RAM LUN and back, byte for byte."""
import hashlib
import pathlib
import shutil
import subprocess
import tempfile

import lib

TREES = ("/usr/lib/llvm-14/lib", "/usr/lib/gcc", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/share",
         "/usr/bin", "/usr/lib", "/usr")
LEAST, MOST = 200 << 20, 1 << 30


def tree():
    """The smallest real directory tree that is large enough."""
    found = []
    for path in TREES:
        if not pathlib.Path(path).is_dir():
            continue
        out = subprocess.run(["du", "-sx", "--apparent-size", "-B1", path], stdout=subprocess.PIPE, text=True, check=False,
                             stderr=subprocess.DEVNULL).stdout
        size = int(out.split()[0]) if out else 0
        if LEAST <= size <= MOST:
            found.append((size, path))
            if size < 2 * LEAST:
                break
    if not found:
        lib.skip("no directory tree of 200 MiB to 1 GiB here")
    return min(found)


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def make(d):
    if not shutil.which("mkfs.ext4") or not shutil.which("e2fsck"):
        lib.skip("e2fsprogs is not installed")
    size, source = tree()
    image = d / "image"
    mib = (size + size // 4 >> 20) + 64
    subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-O", "^has_journal", "-d", source, image, f"{mib}M"],
                   check=True, stdin=subprocess.DEVNULL)
    return image, mib, digest(image)


def same(path, want, what):
    lib.expect(digest(path) == want, f"{what}: the same sha256")
    path.unlink()


def cached(d, image, mib, want):
    luns = "\t\tLUN 0 image\n\t\tLUN 1 ram0\n"
    with lib.Target(lib.file_dev("image", image) + lib.ram(mib=mib), luns, lib.ANY) as t:
        lib.tool("srp", "copy", t.url(0), d / "out")
        subprocess.run(["e2fsck", "-fn", d / "out"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lib.tool("srp", "copy", d / "out", t.url(1))
        same(d / "out", want, "out of the file LUN")
        lib.tool("srp", "copy", "--sparse", t.url(1), d / "back")
        subprocess.run(["e2fsck", "-fn", d / "back"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        same(d / "back", want, "into the RAM LUN and back")
        t.wait_channels(0)
    lib.expect(digest(image) == want, "reading did not change the file")


def direct(d, image, want):
    """The same with O_DIRECT both ways, where the file system can."""
    with open(d / "copy", "wb") as f:
        f.truncate(image.stat().st_size)
    devices = (lib.file_dev("image", image, "\t\tblocksize 4096\n\t\to_direct 1\n\t\tread_only 1")
               + lib.file_dev("copy", d / "copy", "\t\tblocksize 4096\n\t\to_direct 1"))
    t = lib.Target(devices, "\t\tLUN 0 image\n\t\tLUN 1 copy\n", lib.ANY, start=False)
    try:
        t.start()
    except SystemExit as e:
        if "cannot do O_DIRECT" not in str(e):
            raise
        print("this file system cannot do O_DIRECT: not tested")
        return
    with t:
        lib.tool("srp", "copy", t.url(0), t.url(1))
    same(d / "copy", want, "from one file LUN to another with O_DIRECT")


def main():
    with tempfile.TemporaryDirectory(prefix="srptd-") as d:
        d = pathlib.Path(d)
        image, mib, want = make(d)
        cached(d, image, mib, want)
        direct(d, image, want)


main()
