# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What is written to a disk with write_through, and with FUA, is on the disk when the command ends; to others it need not be.
The kernel tells: cachestat() counts the pages of the file that were not written back."""
import ctypes
import os
import pathlib
import struct
import sys
import tempfile

import lib
from queue_peer import GOOD, Queue

SYS_CACHESTAT = 451
SIZE = 4 << 20


class Range(ctypes.Structure):
    _fields_ = [("off", ctypes.c_uint64), ("len", ctypes.c_uint64)]


class Cachestat(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("cache", "dirty", "writeback", "evicted", "recently_evicted")]


def dirty(path):
    """Pages of the file that are not on the disk yet; None: this kernel or file system does not say."""
    libc = ctypes.CDLL(None, use_errno=True)
    got = Cachestat()
    with open(path, "rb") as f:
        if libc.syscall(SYS_CACHESTAT, f.fileno(), ctypes.byref(Range(0, 0)), ctypes.byref(got), 0):
            return None
    return got.dirty + got.writeback


def told(folder):
    path = pathlib.Path(folder) / "probe"
    path.write_bytes(b"x" * 65536)
    return dirty(path)


def conf(t, folder):
    devices = "".join(f"\tDEVICE {n} {{\n\t\tfilename {folder}/{n}\n\t\t{attr}\n\t}}\n" for n, attr in
                      (("cached", "thin_provisioned 1"), ("through", "write_through 1\n\t\tthin_provisioned 1")))
    t.conf.write_text(f"""control_socket {t.ctl}
HANDLER vdisk_fileio {{
{devices}}}
TARGET_DRIVER iwarp {{
	TARGET t0 {{
		listen 127.0.0.1:{t.port}
		id_ext {lib.ID_EXT}
		ioc_guid {lib.IOC_GUID}
		allow_any 1
		LUN 0 cached
		LUN 1 through
		enabled 1
	}}
}}
""")


def ready(p, lun):
    lib.until(lambda: p.command(bytes(6), lun, retry=False)["status"] == GOOD, f"LUN {lun} is ready")


def run(p, lun, cdb, out=b"", n_in=0):
    r = p.answer(p.issue(cdb, out, n_in=n_in, lun=lun, imm=len(out) <= 4096))
    lib.expect(r["status"] == GOOD, f"{cdb.hex()} to LUN {lun}: {r}")
    return r["data"]


def writes(p, lun, path):
    """Each command that writes, and what of the file is not on the disk when it has ended."""
    got = {}
    for name, cdb, out in (
            ("WRITE(10)", struct.pack(">BBIBHB", 0x2A, 0, 8, 0, 8, 0), b"w" * 4096),
            ("WRITE(6)", bytes((0x0A, 0, 0, 64, 8, 0)), b"6" * 4096),
            ("WRITE SAME(16)", struct.pack(">BBQIBB", 0x93, 0, 128, 2048, 0, 0), b"s" * 512),
            ("COMPARE AND WRITE", struct.pack(">BBQ3xBBB", 0x89, 0, 4096, 1, 0, 0), bytes(512) + b"c" * 512)):
        run(p, lun, cdb, out)
        got[name] = dirty(path)
    return got


def main(folder):
    for name in ("cached", "through"):
        (pathlib.Path(folder) / name).write_bytes(bytes(SIZE))
        with open(pathlib.Path(folder) / name, "rb+") as f:
            os.fsync(f.fileno())
    with lib.Target(start=False) as t:
        conf(t, folder)
        t.start()
        p = Queue(t.port, b"stable-1")
        paths = [pathlib.Path(folder) / n for n in ("cached", "through")]
        for lun in (0, 1):
            ready(p, lun)
        data = run(p, 0, struct.pack(">BBBBBB", 0x1A, 0x08, 0x08, 0, 64, 0), n_in=64)
        lib.expect(data[4 + 2] & 4, "the one says that it has a write cache")
        data = run(p, 1, struct.pack(">BBBBBB", 0x1A, 0x08, 0x08, 0, 64, 0), n_in=64)
        lib.expect(not data[4 + 2] & 4, "the other that it has none")
        got = writes(p, 1, paths[1])
        lib.expect(not any(got.values()), f"with write_through nothing is left to do: {got}")
        got = writes(p, 0, paths[0])
        lib.expect(all(got.values()), f"without it the system may take its time: {got}")
        run(p, 0, struct.pack(">BBIBHB", 0x35, 0, 0, 0, 0, 0))
        lib.expect(dirty(paths[0]) == 0, "SYNCHRONIZE CACHE")
        run(p, 0, struct.pack(">BBIBHB", 0x2A, 8, 0, 0, 8, 0), b"f" * 4096)
        lib.expect(dirty(paths[0]) == 0, "FUA")
        p.close()


with tempfile.TemporaryDirectory() as tmp:
    if not told(tmp):
        print("skip: this kernel or file system does not tell what of a file is on its disk (cachestat, Linux 6.5)")
        sys.exit(77)
    main(tmp)
print("ok: what is to be on the disk is there")
