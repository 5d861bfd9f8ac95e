#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two builds of srptd with their own `srp bench`, turn by turn: what a change is worth.

  bench/compare.py OLD_BUILD_DIR NEW_BUILD_DIR [--rounds N] [--secs S] [--case PART]...

4 KiB at several depths on a RAM and on a null disk; server on processor 0, client on processor 1, one worker. Prints the rate of
the new build divided by that of the old, medians of all rounds (default 3, of 1 s each run)."""
import argparse
import pathlib
import statistics
import tempfile

import cases
import measure
import peers

CASES = [cases.random(f"{rw}, {qd}", "compare", rw, qd) for rw in ("read", "write") for qd in (4, 8, 16, 32, 128)]
CASES += [cases.random("read, 64 x 4", "compare", "read", 4, 64), cases.random("read, 256 x 1", "compare", "read", 1, 256)]


def start(cls, build, folder):
    folder.mkdir(parents=True)
    server = cls(measure.Env(build.resolve(), folder))
    server.start()
    return server


def column(old, new, chosen, a):
    """Ratio by case."""
    rates = {case.name: ([], []) for case in chosen}
    for _ in range(a.rounds):
        for case in chosen:
            for server, got in zip((old, new), rates[case.name]):
                got.append(measure.run_one(server, case, a.secs)["iops"])
    return {name: statistics.median(new) / statistics.median(old) for name, (old, new) in rates.items()}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("old", type=pathlib.Path)
    ap.add_argument("new", type=pathlib.Path)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--secs", type=int, default=1)
    ap.add_argument("--case", action="append", default=[], help="only cases whose names contain this, or another --case")
    a = ap.parse_args()
    chosen = [case for case in CASES if cases.wanted(case.name, a.case, True)]
    peers.raise_fd_limit()
    columns = {}
    for cls in (peers.SrptdRam, peers.Srptd):
        with tempfile.TemporaryDirectory(prefix="srptd-compare-") as tmp:
            servers = [start(cls, build, pathlib.Path(tmp) / which) for which, build in (("old", a.old), ("new", a.new))]
            columns[cls.device] = column(*servers, chosen, a)
            for s in servers:
                s.stop()
    print("| 4 KiB, new / old | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for case in chosen:
        print(f"| {case.name} | " + " | ".join(f"{c[case.name]:.2f}" for c in columns.values()) + " |")


if __name__ == "__main__":
    main()
