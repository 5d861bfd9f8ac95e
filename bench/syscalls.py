#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Count the system calls of srptd per I/O, by strace, which slows it down: read how many, not how fast.

  bench/syscalls.py BUILD_DIR [PART...]

One worker on processor 0, the client on processor 1, a run of two seconds of each case, or of those whose names
contain a PART."""
import pathlib
import shutil
import signal
import subprocess
import sys

from served import arguments, ios, print_table, served, wait_for

CALLS = ["io_uring_enter", "recvmsg", "sendmsg"]


def traced(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all("TracerPid:\t0\n" not in (t / "status").read_text() for t in tasks)


def count(s, case):
    out = s.dir / "strace"
    trace = subprocess.Popen(["strace", "-qq", "-f", "-c", "-o", out, "-p", str(s.proc.pid)])
    wait_for("strace", lambda: traced(s.proc.pid))
    n_ios = ios(s.load(case, 2))
    trace.send_signal(signal.SIGINT)
    trace.wait()
    got = dict.fromkeys(CALLS + ["others"], 0)
    for line in out.read_text().splitlines():
        f = line.split()
        if len(f) >= 5 and f[3].isdigit() and f[-1] != "total":
            got[f[-1] if f[-1] in CALLS else "others"] += int(f[3])
    return [n / n_ios for n in got.values()]


def rows(s, cases):
    for case in cases:
        got = count(s, case)
        yield case[0], got + [sum(got)]


def main():
    build, cases = arguments(__doc__)
    if not shutil.which("strace"):
        sys.exit("bench/syscalls.py: no strace here (scripts/deps bench installs it)")
    with served(build) as s:
        print_table(["system calls per I/O", *CALLS, "others", "all"], rows(s, cases), 3)


main()
