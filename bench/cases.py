# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What is measured, and who takes part in what."""
import collections

KIB = 1024
MIB = 1024 * KIB
# The region that is read and written: of a RAM disk or a file it is all there is.
REGION_MIB = 256

# rw: read (random unless sequential) or write; qd: in flight on each connection; inflight: on all together
Case = collections.namedtuple("Case", "name group rw sequential bs qd conns inflight")


def random(name, group, rw, qd, conns=1, inflight=0):
    return Case(name, group, rw, False, 4 * KIB, qd, conns, inflight or qd * conns)


def sequential(name, rw, bs, qd, group="bandwidth"):
    return Case(name, group, rw, True, bs, qd, 1, qd)


# One connection has 128 commands at most, with SRP and with iSCSI, so that is what "one connection" means here.
CASES = [
    random("4 KiB read, QD 1", "small", "read", 1),
    random("4 KiB read, QD 32", "small", "read", 32),
    random("4 KiB read, QD 128", "small", "read", 128),
    random("4 KiB write, QD 1", "small", "write", 1),
    random("4 KiB write, QD 32", "small", "write", 32),
    random("4 KiB write, QD 128", "small", "write", 128),
    sequential("64 KiB read, QD 16", "read", 64 * KIB, 16),
    sequential("64 KiB write, QD 16", "write", 64 * KIB, 16),
    sequential("128 KiB read, QD 8", "read", 128 * KIB, 8),
    sequential("128 KiB write, QD 8", "write", 128 * KIB, 8),
    sequential("1 MiB read, QD 4", "read", MIB, 4),
    sequential("1 MiB write, QD 4", "write", MIB, 4),
    random("4 KiB read, 1 x 128", "connections", "read", 128, 1),
    random("4 KiB read, 4 x 64", "connections", "read", 64, 4),
    random("4 KiB read, 16 x 16", "connections", "read", 16, 16),
    random("4 KiB read, 64 x 4", "connections", "read", 4, 64),
    random("4 KiB read, 256 x 1", "connections", "read", 1, 256),
    random("4 KiB read, 1024 by turns", "connections", "read", 1, 1024, 256),
    random("polling: 4 KiB read, QD 1", "polling", "read", 1),
    random("polling: 4 KiB read, QD 32", "polling", "read", 32),
    random("file: 4 KiB read, QD 1", "file", "read", 1),
    random("file: 4 KiB read, QD 32", "file", "read", 32),
    random("file: 4 KiB write, QD 32", "file", "write", 32),
    sequential("file: 1 MiB read, QD 4", "read", MIB, 4, "file"),
]

GROUPS = {
    "small": ["rr", "srptd null", "srptd ram", "tgt null", "nbdkit null", "qsd null"],
    "bandwidth": ["rr", "srptd null", "srptd ram", "tgt null", "nbdkit null", "qsd null"],
    "connections": ["rr", "threads", "srptd null", "srptd ram", "tgt null", "nbdkit null", "qsd null"],
    "polling": ["rr polling", "srptd polling"],
    "file": ["srptd file", "srptd file direct", "tgt file", "qsd file", "qsd file direct"],
}
QUICK_CASES = ["4 KiB read, QD 1", "4 KiB read, QD 32", "4 KiB read, QD 128", "4 KiB write, QD 32", "1 MiB read, QD 4",
               "1 MiB write, QD 4", "4 KiB read, 256 x 1", "polling: 4 KiB read, QD 1"]
QUICK_PEERS = ["rr", "srptd null", "srptd ram", "rr polling", "srptd polling"]


def yardstick(case):
    """Whose rate the others of this case are divided by; None: nobody's."""
    return {"polling": "rr polling", "file": None}.get(case.group, "rr")


def wanted(name, parts, default):
    """Does @name contain one of @parts? Where there are none, @default."""
    return any(part in name for part in parts) if parts else default


def choose(quick, case_parts, who_parts):
    """Pairs of a case and who takes part in it."""
    few = quick and not case_parts
    chosen = []
    for case in CASES:
        if wanted(case.name, case_parts, not few or case.name in QUICK_CASES):
            who = [p for p in GROUPS[case.group] if wanted(p, who_parts, not few or p in QUICK_PEERS)]
            if who:
                chosen.append((case, who))
    return chosen
