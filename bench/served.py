# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""srptd with a RAM disk and a cached file for those who look at one load after the other: one worker on processor 0, the
client on processor 1."""
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from peers import CLIENT_CPU, HOST, SERVER_CPU, free_port, pinned

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
		listen {host}:{port}
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


def wait_for(what, fn):
    end = time.monotonic() + 10
    while not fn():
        if time.monotonic() > end:
            sys.exit(f"{sys.argv[0]}: no {what} after 10 s")
        time.sleep(0.05)


def answers(port):
    with socket.socket() as s:
        return s.connect_ex((HOST, port)) == 0


class Served:
    """A running srptd: its process, a folder, and loads."""

    def __init__(self, build, folder):
        self.build = build
        self.dir = folder
        self.port = free_port()
        (folder / "conf").write_text(CONFIG.format(dir=folder, host=HOST, port=self.port))
        self.proc = subprocess.Popen(pinned(SERVER_CPU, [build / "srptd", "-c", folder / "conf"]), stderr=subprocess.DEVNULL)

    def fill(self):
        """Write to both disks: what was never written has no memory."""
        wait_for("answer of srptd", lambda: answers(self.port))
        for lun in (0, 1):
            subprocess.run([self.build / "srp", "write", f"srp://{HOST}:{self.port}/{lun}", "--pattern", "1"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def load(self, case, secs):
        """The load of @case, started. Its output is for ios()."""
        _, lun, rw, bs, qd, conns = case
        return subprocess.Popen(pinned(CLIENT_CPU, [self.build / "srp", "bench", f"srp://{HOST}:{self.port}/{lun}", "--rw", rw, "--bs", bs,
                                           "--qd", qd, "--conns", conns, "--secs", secs, "--size", "64M", "--json"]),
                                stdout=subprocess.PIPE, text=True)


def ios(load):
    """Wait for @load and return how many commands it was."""
    out, _ = load.communicate()
    if load.returncode:
        sys.exit(f"{sys.argv[0]}: srp bench ended with {load.returncode}")
    return json.loads(out)["all_ios"]


def arguments(doc):
    """The build folder, and the cases whose names contain one of the words behind it: all without any."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(doc)
    return sys.argv[1], [case for case in CASES if any(part in case[0] for part in sys.argv[2:] or [""])]


@contextlib.contextmanager
def served(build):
    with tempfile.TemporaryDirectory(prefix="srptd-served-") as tmp:
        s = Served(pathlib.Path(build).resolve(), pathlib.Path(tmp))
        try:
            s.fill()
            yield s
        finally:
            s.proc.terminate()
            s.proc.wait()


def print_table(heads, rows, digits):
    print("| " + " | ".join(heads) + " |")
    print("| --- " * len(heads) + "|")
    for name, values in rows:
        print(f"| {name} | " + " | ".join(f"{v:.{digits}f}" for v in values) + " |", flush=True)
