#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Count the instructions of the target per READ and WRITE of 4 KiB, by callgrind: all of user space from the worker's
round to the store and back, a RAM disk behind it, one connection.

  bench/instr.py BUILD_DIR            compare with bench/instr.json; exit 1 when a case grew by more than 5 %
  bench/instr.py BUILD_DIR --update   write bench/instr.json anew
  bench/instr.py BUILD_DIR --functions N   also the N functions with the most instructions, of each case
  bench/instr.py BUILD_DIR --cache    instead: misses of a simulated cache (callgrind's model of this processor)

The figures are the same in every run of one binary (see instr.c), but another compiler gives others: with one that
instr.json has no figures of, they are shown and nothing is judged. BUILD_DIR needs debug information."""
import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = ROOT / "bench" / "instr.json"
GROWTH = 1.05
# name, operation, commands of a burst, bursts
CASES = [
    ("read, alone", "read", 1, 200),
    ("read, bursts of 32", "read", 32, 50),
    ("write, alone", "write", 1, 200),
    ("write, bursts of 16", "write", 16, 50),
]
LAYERS = ["run", "fabric", "iwarp", "wire", "srp", "target", "scsi", "backend", "base"]


class Profile:
    """Instructions by source file and by function, of a callgrind output file."""

    NAME = re.compile(r"\((\d+)\)(?: (.*))?")
    COST = re.compile(r"[+*-]?\d* ?(\d+)$")

    def __init__(self, path):
        self.names = {"file": {}, "fn": {}}
        self.by_file = collections.Counter()
        self.by_function = collections.Counter()
        here = file = fn = ""
        inclusive = False
        for line in path.read_text().splitlines():
            key, _, value = line.partition("=")
            if key == "fl":
                here = file = self.name("file", value)
            elif key in ("fi", "fe"):
                here = self.name("file", value)
            elif key == "fn":
                fn = self.name("fn", value)
                here = file
            elif key in ("cfi", "cfl"):
                self.name("file", value)
            elif key == "cfn":
                self.name("fn", value)
            elif key == "calls":
                inclusive = True  # the next line is what the callee took
            elif line and line[0] in "+-*0123456789":
                cost = line.split()
                if len(cost) == 2 and not inclusive:
                    self.by_file[here] += int(cost[1])
                    self.by_function[fn.partition("'")[0]] += int(cost[1])
                inclusive = False

    def name(self, kind, value):
        number, text = self.NAME.match(value).groups()
        if text is not None:
            self.names[kind][number] = text
        return self.names[kind][number]

    def total(self):
        return sum(self.by_file.values())

    def layers(self):
        """By folder of src/; what is elsewhere is the C library and liburing."""
        of = collections.Counter()
        for file, n in self.by_file.items():
            m = re.search(r"(?:^|/)src/(\w+)/", file)
            of[m.group(1) if m and m.group(1) in LAYERS else "libraries"] += n
        return of


def measure(build, op, qd, bursts, read, *flags):
    """What @read makes of callgrind's output file, and the number of commands."""
    with tempfile.TemporaryDirectory(prefix="srptd-instr-") as d:
        out = pathlib.Path(d) / "callgrind"
        cmd = ["valgrind", "--tool=callgrind", *flags, f"--callgrind-out-file={out}", "--collect-atstart=no",
               "--toggle-collect=counted_round", build / "bench" / "instr", op, "4096", str(qd), str(bursts)]
        done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=300)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, cmd))}: exit {done.returncode}\n{done.stderr}")
        return read(out), int(done.stdout.split()[0])


def totals(path):
    """All events that an output file counts, by name."""
    of = dict(line.split(": ", 1) for line in path.read_text().splitlines() if line.startswith(("events: ", "totals: ")))
    return dict(zip(of["events"].split(), map(int, of["totals"].split())))


def cache_table(build):
    print("| misses per 4 KiB | first level, instructions | first level, data | last level, data |")
    print("| --- | --- | --- | --- |")
    for name, op, qd, bursts in CASES:
        t, n = measure(build, op, qd, bursts, totals, "--cache-sim=yes")
        figures = [t["I1mr"], t["D1mr"] + t["D1mw"], t["DLmr"] + t["DLmw"]]
        print(f"| {name} | " + " | ".join(f"{v / n:.1f}" for v in figures) + " |")


def compiler(build):
    for line in (build / "meson-logs" / "meson-log.txt").read_text().splitlines():
        m = re.match(r"C compiler for the host machine: .*?\((\S+ \S+) ", line)
        if m:
            return m.group(1)
    sys.exit(f"{build}: no build directory of meson")


def layer_table(rows):
    heads = ["instructions per 4 KiB", "all", *LAYERS, "libraries"]
    lines = [heads, ["---"] * len(heads)]
    for name, n, layers in rows:
        lines.append([name, f"{n:.0f}", *[f"{layers[k]:.0f}" for k in [*LAYERS, "libraries"]]])
    widths = [max(len(r[i]) for r in lines) for i in range(len(heads))]
    for r in lines:
        print("| " + " | ".join(c.ljust(w) if c != "---" else "-" * w for c, w in zip(r, widths)) + " |")


def judge(cc, got):
    if not FIGURES.exists() or cc not in (was := json.loads(FIGURES.read_text())):
        print(f"\nbench/instr.json has no figures of {cc}: nothing to compare with")
        return 0
    grown = 0
    print()
    for name, n in got.items():
        ratio = n / was[cc][name]
        grown += ratio > GROWTH
        print(f"{'GREW  ' if ratio > GROWTH else 'ok    '} {name}: {n:.1f}, {ratio - 1:+.1%} of the {was[cc][name]:.1f} committed")
    return grown


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("build", type=pathlib.Path)
    ap.add_argument("--update", action="store_true")
    ap.add_argument("--functions", type=int, default=0, metavar="N")
    ap.add_argument("--cache", action="store_true")
    a = ap.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("bench/instr.py: no valgrind here (scripts/deps bench installs it)")
    if a.cache:
        cache_table(a.build.resolve())
        return 0
    cc = compiler(a.build)
    rows = []
    tops = []
    for name, op, qd, bursts in CASES:
        p, n = measure(a.build.resolve(), op, qd, bursts, Profile)
        rows.append((name, p.total() / n, collections.Counter({k: v / n for k, v in p.layers().items()})))
        tops.append((name, [(fn, c / n) for fn, c in p.by_function.most_common(a.functions)]))
    layer_table(rows)
    for name, top in tops if a.functions else []:
        print(f"\n{name}:")
        for fn, n in top:
            print(f"{n:8.1f} {fn}")
    got = {name: round(n, 1) for name, n, _ in rows}
    if a.update:
        all_ = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        FIGURES.write_text(json.dumps({**all_, cc: got}, indent=1) + "\n")
        return 0
    return 1 if judge(cc, got) else 0


sys.exit(main())
