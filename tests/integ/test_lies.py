# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The conform suite can fail: each rule of some families notices it when answers are altered. tests/conform/lies.py without
families does it for all."""
import pathlib
import subprocess
import sys

import lib

LIES = pathlib.Path(__file__).resolve().parent.parent / "conform" / "lies.py"
FAMILIES = ("channels", "inquiry", "luns", "login", "residual", "sense", "verify", "vpd", "write_same")

if lib.sanitizer() == "thread":
    lib.skip("it is about the suite, which is one thread")
done = subprocess.run([sys.executable, LIES, lib.BUILD, *FAMILIES], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                      check=False, timeout=300)
print(done.stdout[-3000:])
lib.expect(done.returncode == 0, "a rule passes whatever it is told")
