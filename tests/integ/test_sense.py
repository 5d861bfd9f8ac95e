# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A store that fails: the right sense data, and the session goes on."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

import lib

SIZE = 8 << 20


@contextlib.contextmanager
def small_fs(mib):
    """A file system of @mib MiB, or None where we may not mount one."""
    with tempfile.TemporaryDirectory(prefix="srptd-") as d:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", d], check=False,
                              capture_output=True)
        if done.returncode:
            yield None
            return
        try:
            yield pathlib.Path(d)
        finally:
            subprocess.run(["umount", d], check=True)


def want(r, key, asc, ascq, what):
    lib.expect(r["status"] == 2, f"{what}: CHECK CONDITION, got {r}")
    lib.expect(lib.sense(r) == (key, asc, ascq), f"{what}: {key:x}/{asc:02x}/{ascq:02x}, got {lib.sense(r)}")


def shrunk(path):
    """Somebody truncates the file behind the daemon's back."""
    with lib.Target(lib.file_dev("d0", path), "\t\tLUN 0 d0\n", lib.ANY) as t:
        p = lib.Peer(t.port)
        p.ready()
        lib.expect(p.read_blocks(8192, 8)["status"] == 0, "a good READ before")
        os.truncate(path, SIZE // 4)
        want(p.read_blocks(8192, 8), 3, 0x11, 0, "READ behind the new end")
        want(p.read_blocks(SIZE // 4 // 512 - 4, 8), 3, 0x11, 0, "READ across the new end")
        lib.expect(p.read_blocks(0, 8)["status"] == 0, "a good READ of what is left")
        want(p.read_blocks(SIZE // 512 - 4, 8), 5, 0x21, 0, "READ behind the LUN's end")
        want(p.command(bytes([0x28]) + bytes(9), lun=7), 5, 0x25, 0, "a LUN that is not there")
        want(p.command(b"\xee" + bytes(15)), 5, 0x20, 0, "a command that is not there")
        errors = t.sessions()[0]["errors"]
        lib.expect(errors >= 5, f"the errors are counted, got {errors}")
        p.close()


def read_only(path):
    with lib.Target(lib.file_dev("d0", path, "\t\tread_only 1"), "\t\tLUN 0 d0\n", lib.ANY) as t:
        p = lib.Peer(t.port)
        p.ready()
        want(p.write_blocks(0, bytes(512)), 7, 0x27, 0, "WRITE to a read-only device")
        lib.expect(p.read_blocks(0, 8)["status"] == 0, "a good READ of it")
        p.close()


def configured(path):
    """Fields of the control mode page by configuration, in force for the first command; a host may change them."""
    words = "\t\tswp 1\n\t\td_sense 1\n\t\ttas 1\n\t\ttst 1\n\t\tqerr 3\n\t\tua_intlck 2"
    with lib.Target(lib.file_dev("d0", path, words), "\t\tLUN 0 d0\n", lib.ANY) as t:
        p = lib.Peer(t.port)
        # with ua_intlck 2 only REQUEST SENSE takes POWER ON away
        told = p.command(bytes(6), retry=False)["sense"]
        lib.expect(told[0] == 0x72 and told[1] & 15 == 6 and told[2] == 0x29, f"descriptors, POWER ON: {told.hex()}")
        lib.expect(p.command(bytes(6), retry=False)["sense"] == told, "it stays")
        p.command(bytes([3, 1, 0, 0, 252, 0]), n_in=252)
        p.ready()
        page = p.command(bytes([0x1A, 8, 0x0A, 0, 255, 0]), n_in=255)["data"]
        lib.expect(page[4:10] == bytes([0x0A, 0x0A, 0x26, 0x16, 0x28, 0x40]), f"control mode page: {page.hex()}")
        sense = p.write_blocks(0, bytes(512))["sense"]
        lib.expect(sense[1] & 15 == 7 and sense[2] == 0x27, f"WRITE PROTECTED: {sense.hex()}")
        plain = bytes(4) + bytes([0x0A, 0x0A, 0x02, 0x10, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0])
        lib.expect(p.command(bytes([0x15, 0x10, 0, 0, len(plain), 0]), out=plain)["status"] == 0, "MODE SELECT")
        lib.expect(p.write_blocks(0, bytes(512))["status"] == 0, "WRITE")
        p.close()


def full():
    """A sparse file on a file system that runs full."""
    with small_fs(4) as d:
        if not d:
            print("no right to mount a tmpfs: ENOSPC not tested")
            return
        with open(d / "disk", "wb") as f:
            f.truncate(SIZE)
        with lib.Target(lib.file_dev("d0", d / "disk"), "\t\tLUN 0 d0\n", lib.ANY) as t:
            p = lib.Peer(t.port)
            p.ready()
            data = os.urandom(128 << 10)
            bad = None
            for at in range(0, SIZE, len(data)):
                r = p.write_blocks(at // 512, data)
                if r["status"]:
                    bad = r
                    break
            lib.expect(bad is not None, "the file system runs full")
            want(bad, 7, 0x27, 7, "WRITE without space")
            r = p.read_blocks(0, 256)
            lib.expect(r["status"] == 0 and r["data"] == data, "what was written before is there")
            p.close()


def main():
    with tempfile.TemporaryDirectory(prefix="srptd-") as d:
        path = pathlib.Path(d) / "disk"
        path.write_bytes(bytes(SIZE))
        shrunk(path)
        read_only(path)
        configured(path)
    full()


main()
