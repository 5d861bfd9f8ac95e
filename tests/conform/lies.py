#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""See that the suite can fail: run it against srptd while what srptd answers is altered, in one way after the other. A
rule that passes with the truth has to fail with at least one lie; one that never does demands nothing.

  lies.py BUILD [FAMILY...]

The last line is `N passed, N failed`: rules that noticed a lie, and rules that did not."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
LIES = ("good", "check", "sense", "data", "residual", "code", "login", "order", "event")
REMOVABLE = "medium"  # the family of rules that only a removable unit can keep
# Rules that what a lie can alter does not concern, with the reason.
EXEMPT = {
    "login.no_login": "there is no answer that could be altered",
    "opcodes.mandatory": "judges what was asked before the first rule",
}


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    os.environ["SRPTD_BUILD"] = str(build)
    sys.path.insert(0, str(HERE.parent / "integ"))
    sys.dont_write_bytecode = True
    import lib  # pylint: disable=import-outside-toplevel

    def results(lie):
        """Of a fixed disk, and what is said of removable ones only of one of those."""
        fixed = run(lie, "", sys.argv[2:])
        removable = run(lie, "\t\tremovable 1", [REMOVABLE]) if not sys.argv[2:] or REMOVABLE in sys.argv[2:] else {}
        return {**fixed, **removable}

    def run(lie, extra, families):
        with lib.Target(lib.ram(mib=256, extra=extra), "\t\tLUN 0 ram0\n", lib.ANY) as t:
            cmd = [build / "tests" / "conform" / "conform", "--json", "--yes-destroy-data", "--lie", lie]
            for family in families:
                cmd += ["-f", family]
            done = subprocess.run([*cmd, t.url(0)], capture_output=True, text=True, check=False, timeout=900)
            if done.returncode not in (0, 1):
                sys.exit(f"--lie {lie}: exit {done.returncode}\n{done.stderr[-3000:]}")
            return {f"{r['family']}.{r['rule']}": r for r in json.loads(done.stdout)["rules"]}

    honest = results("none")
    wrong = [f"{n}: {r['reason']}" for n, r in honest.items() if r["result"] == "failed"]
    if wrong:
        sys.exit("with the truth rules fail:\n" + "\n".join(wrong))
    left = {n for n, r in honest.items() if r["result"] == "passed"}
    total = len(left)
    for lie in LIES:
        caught = {n for n, r in results(lie).items() if r["result"] == "failed"}
        print(f"{lie:10} {len(caught):4} rules fail", flush=True)
        left -= caught
    for name in sorted(left - set(EXEMPT)):
        print(f"  FAIL {name} passes in spite of every lie")
    for name in sorted(set(EXEMPT) & left):
        print(f"  exempt {name}: {EXEMPT[name]}")
    failed = len(left - set(EXEMPT))
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed or not total else 0


sys.exit(main())
