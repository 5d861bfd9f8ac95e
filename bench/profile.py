#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Where each microsecond of srptd goes: its processor time per I/O, and by samples of perf what it was spent on.

  bench/profile.py BUILD_DIR [PART...]

One worker on processor 0, the client on processor 1, a run of three seconds of each case, or of those whose names contain a
PART. Needs perf (Debian package
linux-perf) and leave to sample the kernel (root, or kernel.perf_event_paranoid <= 1 and kptr_restrict 0)."""
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import time

from served import arguments, ios, print_table, served

# What a sample was spent on: the first that a frame of its stack matches.
PARTS = [
    ("copies", r"_copy_(from|to)_iter|copy_page_(from|to)_iter|rep_movs|clear_user"),
    ("sleep", r"^(__)?schedule|io_cqring_wait_schedule|hrtimer_"),
    ("waking the peer", r"sock_def_readable|try_to_wake_up"),
    ("TCP, send", r"sys_sendmsg"),
    ("TCP, receive", r"sys_recvmsg"),
    ("file", r"^io_(read|write)$|^ext4_|filemap_"),
    ("rest of the kernel", r"^\[|\.ko$"),
]
HEADS = [name for name, _ in PARTS] + ["srptd"]
FRAME = re.compile(r"^\s*[0-9a-f]+ (.*) \((.*)\)$")


def part_of(stack):
    for name, what in PARTS:
        if any(re.search(what, fn) or re.search(what, dso) for fn, dso in stack):
            return name
    return "srptd"


def shares(data):
    """Samples by part, of a file that perf has recorded."""
    out = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         check=True).stdout
    got = collections.Counter()
    for block in out.split("\n\n"):
        stack = [m.groups() for m in map(FRAME.match, block.splitlines()) if m]
        if stack:
            got[part_of(stack)] += 1
    return got


def cpu_us(pid):
    return sum(int((t / "schedstat").read_text().split()[0]) for t in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e3


def measure(s, case):
    data = s.dir / "perf.data"
    before = cpu_us(s.proc.pid)
    load = s.load(case, 3)
    time.sleep(0.5)
    done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-g", "-p", str(s.proc.pid), "-o", data, "--", "sleep",
                           "2"], stderr=subprocess.PIPE, text=True, check=False)
    n = ios(load)
    if done.returncode:
        sys.exit(f"bench/profile.py: perf record: {done.stderr.strip()}")
    us = (cpu_us(s.proc.pid) - before) / n
    got = shares(data)
    return [us] + [us * got[name] / sum(got.values()) for name in HEADS]


def main():
    build, cases = arguments(__doc__)
    if not shutil.which("perf"):
        sys.exit("bench/profile.py: no perf here (scripts/deps bench installs it)")
    with served(build) as s:
        print_table(["us of CPU per I/O", "all", *HEADS], ((case[0], measure(s, case)) for case in cases), 2)


main()
