# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The conform suite against a RAM disk and against a file with state_dir: no rule fails."""
import json
import subprocess
import tempfile

import lib

CONFORM = lib.BUILD / "tests" / "conform" / "conform"


def run(url, *args):
    done = subprocess.run([CONFORM, "--json", "--yes-destroy-data", *args, url], capture_output=True, text=True, check=False,
                          timeout=300)
    lib.expect(not lib.REPORT.search(done.stderr), f"a sanitizer complains:\n{done.stderr}")
    lib.expect(done.returncode in (0, 1), f"conform ended with {done.returncode}: {done.stderr}")
    got = json.loads(done.stdout)
    failed = [f"{r['family']}.{r['rule']}: {r['reason']}" for r in got["rules"] if r["result"] == "failed"]
    lib.expect(not failed, "rules failed:\n" + "\n".join(failed))
    print(f"{got['passed']} passed, {got['skipped']} skipped")
    return got


# Two workers that use the same blocks of memory, one after the other, look like a race to the thread sanitizer: it does not
# know that the initiator has waited. A file is enough for it.
if lib.sanitizer() != "thread":
    with lib.Target(lib.ram(mib=256), "\t\tLUN 0 ram0\n", lib.ANY) as t:
        run(t.url(0))
        t.wait_channels(0)
with tempfile.TemporaryDirectory(prefix="conform-") as where, lib.whole_target(where) as t:
    run(t.url(0))
    t.wait_channels(0)
