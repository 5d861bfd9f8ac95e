#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Count the system calls of srptd per I/O, by strace, which slows it down: read how many, not how fast.

  bench/syscalls.py BUILD_DIR

One worker on processor 0, the client on processor 1, a run of two seconds of each case."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

CALLS = ["io_uring_enter", "recvmsg", "sendmsg"]
# name, LUN, operation, block size, in flight on each connection, connections
CASES = [
    ("RAM, 4 KiB read, QD 1", 0, "randread", 4096, 1, 1),
    ("RAM, 4 KiB read, QD 32", 0, "randread", 4096, 32, 1),
    ("RAM, 4 KiB read, QD 128", 0, "randread", 4096, 128, 1),
    ("RAM, 4 KiB read, 256 x 1", 0, "randread", 4096, 1, 256),
    ("RAM, 4 KiB write, QD 1", 0, "randwrite", 4096, 1, 1),
    ("RAM, 4 KiB write, QD 32", 0, "randwrite", 4096, 32, 1),
    ("cached file, 4 KiB read, QD 1", 1, "randread", 4096, 1, 1),
    ("cached file, 4 KiB read, QD 32", 1, "randread", 4096, 32, 1),
    ("RAM, 64 KiB read, QD 16", 0, "read", 65536, 16, 1),
    ("RAM, 64 KiB write, QD 16", 0, "write", 65536, 16, 1),
]
CONFIG = """control_socket {dir}/ctl
log_level warn
workers 1
max_handshakes_per_peer 1024
HANDLER vdisk_ram {{
	DEVICE ram0 {{
		size 64M
	}}
}}
HANDLER vdisk_fileio {{
	DEVICE file0 {{
		filename {dir}/file
		size 64M
	}}
}}
TARGET_DRIVER iwarp {{
	TARGET count {{
		listen 127.0.0.1:{port}
		id_ext 1
		ioc_guid 1
		default_target 1
		allow_any 1
		max_channels_per_initiator 1024
		LUN 0 ram0
		LUN 1 file0
		enabled 1
	}}
}}
"""


def pinned(cpu, cmd):
    return (["taskset", "-c", str(cpu)] if (os.cpu_count() or 1) > 1 else []) + [str(c) for c in cmd]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, fn):
    end = time.monotonic() + 10
    while not fn():
        if time.monotonic() > end:
            sys.exit(f"bench/syscalls.py: no {what} after 10 s")
        time.sleep(0.05)


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def traced(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all("TracerPid:\t0\n" not in (t / "status").read_text() for t in tasks)


def count(build, server, port, d, case):
    _, lun, rw, bs, qd, conns = case
    out = d / "strace"
    trace = subprocess.Popen(["strace", "-qq", "-f", "-c", "-o", out, "-p", str(server.pid)])
    wait_for("strace", lambda: traced(server.pid))
    done = subprocess.run(pinned(1, [build / "srp", "bench", f"srp://127.0.0.1:{port}/{lun}", "--rw", rw, "--bs", bs, "--qd", qd,
                                     "--conns", conns, "--secs", 2, "--size", "64M", "--json"]),
                          stdout=subprocess.PIPE, text=True, check=True)
    trace.send_signal(signal.SIGINT)
    trace.wait()
    got = dict.fromkeys(CALLS + ["others"], 0)
    for line in out.read_text().splitlines():
        f = line.split()
        if len(f) >= 5 and f[3].isdigit() and f[-1] != "total":
            got[f[-1] if f[-1] in CALLS else "others"] += int(f[3])
    return {k: n / json.loads(done.stdout)["all_ios"] for k, n in got.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="srptd-calls-") as tmp:
        d = pathlib.Path(tmp)
        (d / "conf").write_text(CONFIG.format(dir=d, port=port))
        server = subprocess.Popen(pinned(0, [build / "srptd", "-c", d / "conf"]), stderr=subprocess.DEVNULL)
        try:
            wait_for("answer of srptd", lambda: answers(port))
            for lun in (0, 1):
                subprocess.run([build / "srp", "write", f"srp://127.0.0.1:{port}/{lun}", "--pattern", "1"], check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print("| system calls per I/O | " + " | ".join(CALLS) + " | others | all |")
            print("| --- " * (len(CALLS) + 3) + "|")
            for case in CASES:
                got = count(build, server, port, d, case)
                print(f"| {case[0]} | " + " | ".join(f"{got[k]:.3f}" for k in CALLS + ["others"]) + f" | {sum(got.values()):.3f} |",
                      flush=True)
        finally:
            server.terminate()
            server.wait()


main()
