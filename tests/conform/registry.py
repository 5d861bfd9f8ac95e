#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""See that no rule is forgotten: each file in rules/ is linked and has rules, names are unique, and what the program
tells of itself is in order.

  registry.py CONFORM    the program to ask"""
import json
import pathlib
import re
import subprocess
import sys

RULES = pathlib.Path(__file__).resolve().parent / "rules"
RULE = re.compile(r"^RULE\((\w+), (\w+),", re.M)


def ask(*args):
    return subprocess.run([sys.argv[1], *args], capture_output=True, text=True, check=False)


def main():
    bad = []
    listed = json.loads(ask("--list", "--json").stdout)["rules"]
    told = {(r["file"], r["family"], r["rule"]) for r in listed}
    written = {(f.name, *m) for f in RULES.glob("*.c") for m in RULE.findall(f.read_text())}
    for file in sorted(f.name for f in RULES.glob("*.c")):
        if file not in {r["file"] for r in listed}:
            bad.append(f"rules/{file} has no rule, or is missing in tests/conform/meson.build")
    bad += [f"rules/{f}: {a}.{b} is written and not listed" for f, a, b in sorted(written - told)]
    bad += [f"rules/{f}: {a}.{b} is listed and not written" for f, a, b in sorted(told - written)]
    names = [(r["family"], r["rule"]) for r in listed]
    bad += [f"{a}.{b} is there twice" for a, b in sorted({n for n in names if names.count(n) > 1})]
    bad += [f"{r['family']}.{r['rule']} does not say what it demands" for r in listed if len(r["text"]) < 15]
    for args, code in (((), 2), (("--help",), 0), (("--no-such",), 2), (("srp://127.0.0.1",), 2), (("http://x/0",), 2),
                       (("-f",), 2), (("--lie", "nonsense", "srp://127.0.0.1/0"), 2), (("srp://127.0.0.1:1/0",), 3)):
        got = ask(*args)
        if got.returncode != code or not (got.stderr or got.stdout):
            bad.append(f"conform {' '.join(args)}: exit {got.returncode} with words, expected {code}: {got.stderr}")
    print("\n".join(bad) if bad else f"{len(listed)} rules in {len({r['file'] for r in listed})} files")
    return 1 if bad else 0


sys.exit(main())
