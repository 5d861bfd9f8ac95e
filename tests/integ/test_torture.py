# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A little of `make torture`, so that it does not rot: short storms, and each call of one scenario failing once."""
import os
import pathlib
import subprocess
import sys

import lib

RUN = pathlib.Path(__file__).resolve().parent.parent / "torture" / "run"

if not (lib.BUILD / "tests" / "torture" / "storm").exists():
    lib.skip("this build has no tests/torture/storm")
env = dict(os.environ, TORTURE_N=os.environ.get("TORTURE_N", "1000"))
sys.exit(subprocess.run([sys.executable, str(RUN), str(lib.BUILD), "brief"], env=env, check=False).returncode)
