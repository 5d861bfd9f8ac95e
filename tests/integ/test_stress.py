# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""32 connections with mixed verified I/O while connections are dropped and logged in again at random: no wrong or
lost byte, no channel, descriptor or memory left behind. SRPTD_STRESS_SECS sets how long. Runs alone."""
import os
import re
import subprocess
import threading
import time

import lib

SECS = int(os.environ.get("SRPTD_STRESS_SECS", "20"))
RSS_SLACK_KIB = 8192


def stress(t, secs, seed):
    done = lib.tool("srp", "stress", t.url(0), "--conns", 32, "--secs", secs, "--churn", "--seed", seed, check=False,
                    timeout=secs + 100)
    lib.expect(done.returncode == 0, f"srp stress: exit {done.returncode}\n{done.out}\n{done.err}")
    print(done.out)
    reads, writes = map(int, re.search(r"(\d+) reads and (\d+) writes checked", done.out).groups())
    logins, orderly, abrupt = map(int, re.search(r"(\d+) logins.* (\d+) connections ended in order, (\d+) abruptly",
                                                 done.out).groups())
    lib.expect(reads > 1000 and writes > 1000, "it got somewhere")
    lib.expect(logins > 32 and orderly and abrupt, "connections came and went both ways")


def settled(t):
    """RSS and descriptors once nobody is logged in."""
    t.wait_channels(0, 30)
    time.sleep(0.3)
    return t.rss_kib(), t.n_fds()


def main():
    with lib.Target(lib.ram(mib=64), "\t\tLUN 0 ram0\n", lib.ANY, "workers 2\n") as t:
        _, fds = settled(t)
        stress(t, 3, 7)  # every page and pool that is used at all has been touched after this
        rss, _ = settled(t)
        most = [0]
        over = threading.Event()

        def watch():
            while not over.wait(0.5):
                most[0] = max(most[0], t.status()["channels_total"])
                t.sessions()

        th = threading.Thread(target=watch, daemon=True)
        th.start()
        stress(t, SECS, 1)
        over.set()
        th.join(20)
        lib.expect(most[0] > 16, f"srptctl saw the channels, at most {most[0]}")
        rss_after, fds_after = settled(t)
        print(f"RSS {rss} -> {rss_after} KiB, descriptors {fds} -> {fds_after}, at most {most[0]} channels")
        lib.expect(fds_after <= fds, f"no descriptor is left, {fds} before and {fds_after} after")
        if not lib.sanitizer():
            lib.expect(rss_after <= rss + RSS_SLACK_KIB, f"RSS is flat, {rss} KiB before and {rss_after} after")
        lib.expect(t.status()["targets"][0]["logins"] > 64, "the logins are counted")


main()
