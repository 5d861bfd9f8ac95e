# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What sessions cost that are logged in and silent: processor time and memory of srptd for each."""
import os
import pathlib
import sys
import time

import peers

CHANNELS = 1000
SECS = 5


class IdleSrptd(peers.Srptd):
    name = "srptd idle"


def initiator(build):
    """The raw initiator of the integration tests, which is light enough to have a thousand of."""
    os.environ.setdefault("SRPTD_BUILD", str(build))
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "integ"))
    import lib  # pylint: disable=import-outside-toplevel

    return lib


def measure(env):
    lib = initiator(env.build)
    server = IdleSrptd(env)
    server.start()
    before = server.used()
    target = bytes.fromhex(f"{1:016x}{1:016x}")
    channels = []
    for _ in range(CHANNELS):
        raw = lib.Raw(server.port, lib.login_req(flags=1, target=target))
        channels.append(raw)
    time.sleep(1)
    at_rest = server.used()
    time.sleep(SECS)
    after = server.used()
    for raw in channels:
        raw.close()
    if server.stop():
        raise peers.Failed("srptd with idle sessions did not end with 0")
    return {"channels": CHANNELS, "secs": SECS, "cpu_percent": (after["cpu_us"] - at_rest["cpu_us"]) / SECS / 1e4,
            "csw_per_s": (after["csw"] - at_rest["csw"]) / SECS,
            "rss_kib_per_channel": (after["rss_mib"] - before["rss_mib"]) * 1024 / CHANNELS}
