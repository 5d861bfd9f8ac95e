#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two builds of srptd, turn by turn: what READs of a disk lose while another session does COMPARE AND WRITE on one of its blocks.

  bench/atomic.py OLD_BUILD_DIR NEW_BUILD_DIR [--rounds N] [--secs S] [--rate N]

4 KiB reads at depth 32 over a RAM disk; server on processor 0, clients on processor 1, one worker. The other session does --rate
COMPARE AND WRITEs a second (0: one after the other, as fast as it can). Prints medians of all rounds."""
import argparse
import multiprocessing
import os
import pathlib
import statistics
import struct
import sys
import tempfile
import time

import cases
import compare
import measure
import peers

CASE = cases.random("read, 32", "atomic", "read", 32)
LBA = 1000


def block(n):
    return struct.pack(">I", n) * 128


def swap(port, rate, stop, n_done):
    """Count on one block until @stop is set."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "integ"))
    import queue_peer  # pylint: disable=import-outside-toplevel; it asks the environment for a build

    os.sched_setaffinity(0, {peers.CLIENT_CPU})
    peer = queue_peer.Queue(port, b"atomic-1", target=bytes.fromhex(f"{1:016x}{1:016x}"))
    n = 0
    assert peer.status(peer.write(LBA, block(0))) == queue_peer.GOOD
    begin = time.monotonic()
    while not stop.is_set():
        cdb = struct.pack(">BBQIBB", 0x89, 0, LBA, 1, 0, 0)
        assert peer.status(peer.issue(cdb, block(n) + block(n + 1))) == queue_peer.GOOD, f"the block was not {n}"
        n += 1
        if rate:
            time.sleep(max(0, begin + n / rate - time.monotonic()))
    n_done.value = n / (time.monotonic() - begin)


def with_swaps(server, a):
    """IOPS of the reader, COMPARE AND WRITEs a second beside it."""
    stop = multiprocessing.Event()
    n_done = multiprocessing.Value("d")
    other = multiprocessing.Process(target=swap, args=(server.port, a.rate, stop, n_done))
    other.start()
    iops = measure.run_one(server, CASE, a.secs)["iops"]
    stop.set()
    other.join(30)
    if other.exitcode != 0:
        raise SystemExit("the session with COMPARE AND WRITE failed")
    return iops, n_done.value


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("old", type=pathlib.Path)
    ap.add_argument("new", type=pathlib.Path)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--secs", type=int, default=2)
    ap.add_argument("--rate", type=int, default=0)
    a = ap.parse_args()
    os.environ.setdefault("SRPTD_BUILD", str(a.new.resolve()))
    got = {"old": [], "new": []}
    with tempfile.TemporaryDirectory(prefix="srptd-atomic-") as tmp:
        servers = {which: compare.start(peers.SrptdRam, build, pathlib.Path(tmp) / which)
                   for which, build in (("old", a.old), ("new", a.new))}
        for _ in range(a.rounds):
            for which, server in servers.items():
                alone = measure.run_one(server, CASE, a.secs)["iops"]
                got[which].append((alone, *with_swaps(server, a)))
        for server in servers.values():
            server.stop()
    print("| build | reads/s alone | reads/s beside | COMPARE AND WRITE/s |")
    print("|---" * 4 + "|")
    for which, rows in got.items():
        print(f"| {which} | " + " | ".join(f"{statistics.median(column):.0f}" for column in zip(*rows)) + " |")


if __name__ == "__main__":
    main()
