# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What storms.py and faults.py share: a target to torture, a tally, samples of its memory and descriptors."""
import ctypes
import os
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integ"))
import lib  # noqa: E402

DENIED_EXT = "0002c90300a0dd02"
SLACK_KIB = 256  # what the RSS may be above what it was earlier


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def note(self, what, ok, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        print(f"  {'ok  ' if ok else 'FAIL'} {what}{': ' + detail if detail else ''}", flush=True)
        return ok


class Target(lib.Target):
    """A RAM disk for everybody, and beside it a target that lets nobody in."""

    def __init__(self, options="", env=None, **kw):
        self.env = env or {}
        super().__init__(lib.ram(mib=64), "\t\tLUN 0 ram0\n", lib.ANY, options, **kw)

    def write_conf(self, devices, luns, target="", options=""):
        second = f"""	}}
	TARGET nobody {{
		listen 127.0.0.1:{self.port}
		id_ext {DENIED_EXT}
		ioc_guid {lib.IOC_GUID}
		enabled 1
"""
        super().write_conf(devices, luns, target + second, options)

    def start(self):
        was = dict(os.environ)
        os.environ.update(self.env)
        try:
            super().start()
        finally:
            os.environ.clear()
            os.environ.update(was)

    def settle(self, fds, secs=8):
        """Wait until no more than @fds descriptors are open; return how many are."""
        end = time.monotonic() + secs
        while (n := self.n_fds()) > fds and time.monotonic() < end:
            time.sleep(0.005)
        return n  # counted again, it might be of a connection that has only now been accepted


def sanitizer_env():
    """A sanitizer keeps freed memory for a while; little of it, so that its end is reached."""
    return {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4:detect_leaks=1",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


def flat(samples):
    """Median of the second and of the last fifth, and whether the last is not above."""
    n = len(samples)
    early = statistics.median(samples[n // 5:2 * n // 5])
    late = statistics.median(samples[-(n // 5):])
    return early, late, late <= early + SLACK_KIB


# --- the shim's file; see struct control in faultshim.c ---

class Site(ctypes.Structure):
    _fields_ = [("key", ctypes.c_uint64), ("hits", ctypes.c_uint32), ("pad", ctypes.c_uint32)]


class Module(ctypes.Structure):
    _fields_ = [("base", ctypes.c_uint64), ("name", ctypes.c_char * 120)]


class Control(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_uint32), ("epoch", ctypes.c_uint32), ("mode", ctypes.c_uint32), ("nth", ctypes.c_uint32),
                ("key", ctypes.c_uint64), ("fault", ctypes.c_int32), ("fired", ctypes.c_uint32), ("n_sites", ctypes.c_uint32),
                ("n_modules", ctypes.c_uint32), ("seen", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("site", Site * 1024),
                ("module", Module * 16)]
