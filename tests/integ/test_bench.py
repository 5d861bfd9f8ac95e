# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""`bench/run` works with whom it finds: everybody has figures or a reason, and the files it writes are well-formed. Not how
fast anything is."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import lib

BENCH = pathlib.Path(__file__).resolve().parent.parent.parent / "bench"
if lib.sanitizer() == "thread":
    lib.skip("its load is that of other tests; here it would only be slow")
CASES = ("4 KiB write, QD 32", "64 KiB write, QD 16")
OURS = ("rr", "srptd null", "srptd ram")
PEERS = ("tgt null", "nbdkit null", "qsd null")


def check_results(got):
    lib.expect(not got["failed"], f"nobody fails: {got['failed']}")
    names = [n for n in got["results"] if n.startswith(CASES)]
    lib.expect(len(names) == 2, f"two cases, not {names}")
    for name in names:
        by = got["results"][name]
        for who in OURS + PEERS:
            if who in got["skipped"]:
                lib.expect(who in PEERS, f"{who} is never skipped: {got['skipped']}")
                continue
            lib.expect(by[who]["iops"]["min"] > 0 and by[who]["cpu_us"]["min"] > 0, f"{name}: {who} did something: {by.get(who)}")
            lib.expect(by[who]["rss_mib"]["min"] > 0, f"{name}: {who} has memory: {by[who]}")


def check_turns():
    """Connections that take turns, as the cases with many connections have them."""
    with lib.Target(devices=lib.ram(), luns="\t\tLUN 0 ram0\n" + lib.ANY) as t:
        out = lib.tool("srp", "bench", "--conns", 8, "--qd", 2, "--inflight", 3, "--poll-us", 50, "--secs", 1, "--json", t.url(0)).out
        got = json.loads(out)
        lib.expect(got["ios"] > 0 and got["errors"] == 0, f"all go on: {got}")
        t.wait_channels(0)


def rows_of(tool, *args):
    """The figures that one of the smaller tools prints, by row."""
    done = subprocess.run([sys.executable, BENCH / tool, *args], capture_output=True, text=True, timeout=100, check=False)
    lib.expect(done.returncode == 0, f"{tool}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    table = [[cell.strip() for cell in line.strip("| ").split("|")] for line in done.stdout.splitlines() if line.startswith("| ")]
    return {row[0]: [float(cell) for cell in row[1:]] for row in table[1:] if not row[0].startswith("---")}


def check_tools():
    """What looks at one load closely: a row for each case, and parts that make up the whole."""
    rows = rows_of("compare.py", lib.BUILD, lib.BUILD, "--rounds", "1", "--case", "read, 4")
    lib.expect(list(rows) == ["read, 4"] and all(n > 0 for n in rows["read, 4"]), f"a build next to itself: {rows}")
    rows = rows_of("atomic.py", lib.BUILD, lib.BUILD, "--rounds", "1", "--secs", "1", "--rate", "50")
    lib.expect(list(rows) == ["old", "new"] and all(n > 0 for row in rows.values() for n in row), f"READs beside COMPARE AND WRITE: {rows}")
    if not lib.sanitizer() and shutil.which("strace"):
        rows = rows_of("syscalls.py", lib.BUILD, "4 KiB write, QD 1")
        *parts, whole = rows["RAM, 4 KiB write, QD 1"]
        lib.expect(abs(sum(parts) - whole) < 0.01 and 2 < whole < 5, f"three system calls for one command alone: {rows}")
    if not lib.sanitizer() and can_profile():
        rows = rows_of("profile.py", lib.BUILD, "4 KiB write, QD 32")
        whole, *parts = rows["RAM, 4 KiB write, QD 32"]
        lib.expect(abs(sum(parts) - whole) < 0.1 * whole and parts[-1] > 0, f"parts make up the whole: {rows}")


def can_profile():
    """perf is there, and may look into the kernel."""
    cmd = ["perf", "record", "-q", "-e", "cpu-clock", "-o", "/dev/null", "--", "true"]
    return shutil.which("perf") and subprocess.run(cmd, capture_output=True, check=False).returncode == 0


def main():
    with tempfile.TemporaryDirectory() as d:
        cmd = [sys.executable, BENCH / "run", lib.BUILD, "--rounds", "1", "--out", d]
        cmd += [word for case in CASES for word in ("--case", case)]
        cmd += [word for who in OURS + PEERS for word in ("--who", who)]
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=200, check=False)
        lib.expect(done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}")
        out = pathlib.Path(d)
        check_results(json.loads((out / "results.json").read_text()))
        xml.etree.ElementTree.parse(out / "results.svg")
        lib.expect("| rr " in (out / "results.md").read_text(), "the table has rr")
    check_turns()
    check_tools()


main()
