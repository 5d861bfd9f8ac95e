# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""`srptd --check`: every error with line and column, exit codes, and the configuration of the README."""
import pathlib
import re
import tempfile

import lib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOOD = """HANDLER vdisk_ram {
	DEVICE r0 {
		size 16M
	}
}
TARGET_DRIVER iwarp {
	TARGET t0 {
		listen 127.0.0.1:5555
		id_ext 0002c90300a0dd01
		ioc_guid 0002c90300a0dd00
		enabled 1
		GROUP g {
			LUN 0 r0
			INITIATOR 10.0.0.*
		}
	}
}
"""
# (what to replace, by what, line, column, a word of the sentence)
BAD = [
    ("size 16M", "sise 16M", 3, 3, "sise"),
    ("size 16M", "size 16X", 3, 8, "16X"),
    ("HANDLER vdisk_ram", "HANDLER vdisk_tape", 1, 9, "vdisk_tape"),
    ("listen 127.0.0.1:5555", "listen disk:5555", 8, 10, "disk:5555"),
    ("listen 127.0.0.1:5555", "listen 127.0.0.1:99999", 8, 10, "65535"),
    ("LUN 0 r0", "LUN 0 r1", 13, 10, "r1"),
    ("LUN 0 r0", "LUN 99999 r0", 13, 8, "99999"),
    ("enabled 1", "enabled yes", 11, 11, "0 or 1"),
    ("id_ext 0002c90300a0dd01", "id_ext xyz", 9, 10, "xyz"),
    ("TARGET_DRIVER", "TARGET_DRIVERS", 6, 1, "TARGET_DRIVERS"),
]


def check(path, code):
    done = lib.tool("srptd", "--check", "-c", path, check=False, timeout=20)
    lib.expect(done.returncode == code, f"exit {code}, got {done.returncode}: {done.out}{done.err}")
    return done


def errors(d):
    path = d / "bad.conf"
    for old, new, line, column, word in BAD:
        lib.expect(GOOD.count(old) == 1, f"{old!r} stands in the good file once")
        path.write_text(GOOD.replace(old, new))
        err = check(path, 1).err
        lib.expect(f"{path}:{line}:{column}: " in err and word in err, f"{line}:{column} and {word!r}, got {err!r}")
        started = lib.tool("srptd", "-c", path, check=False, timeout=20)
        lib.expect(started.returncode == 1, f"it does not start either, got {started.returncode}")
    path.write_text(GOOD.replace("size 16M", "sise 16M").replace("enabled 1", "enabled yes"))
    err = check(path, 1).err
    lib.expect(f"{path}:3:3: " in err and f"{path}:11:11: " in err, f"both errors, got {err!r}")
    path.write_text(GOOD[:-2])
    check(path, 1)
    path.write_bytes(bytes(range(256)) * 16)
    check(path, 1)


def usage(d):
    for args in ([], ["--check"], ["--demo", "-c", "x"], ["--nonsense"], ["-c", d / "good.conf", "more"]):
        done = lib.tool("srptd", *args, check=False, timeout=20)
        lib.expect(done.returncode == 2 and done.err, f"exit 2 and a word about it for {args}, got {done.returncode}")
    lib.expect(check(d / "not-there.conf", 1).err.count("not-there.conf") >= 1, "the missing file is named")
    lib.expect("--demo" in lib.tool("srptd", "--help").out, "--help helps")
    lib.expect(re.match(r"srptd \d+\.\d+", lib.tool("srptd", "--version").out), "--version tells the version")


def documents(d):
    """Every configuration that a document shows is one that srptd takes."""
    n = 0
    for doc in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in re.findall(r"^```conf\n(.*?)^```$", doc.read_text(), re.M | re.S):
            path = d / "doc.conf"
            path.write_text(block)
            check(path, 0)
            n += 1
    for path in sorted((ROOT / "contrib").glob("*.conf")):
        check(path, 0)
        n += 1
    lib.expect(n >= 2, f"the documents show configurations, found {n}")


def main():
    with tempfile.TemporaryDirectory(prefix="srptd-") as d:
        d = pathlib.Path(d)
        (d / "good.conf").write_text(GOOD)
        out = check(d / "good.conf", 0).out
        lib.expect("1 devices, 1 targets" in out, f"what it found, got {out!r}")
        errors(d)
        usage(d)
        documents(d)


main()
