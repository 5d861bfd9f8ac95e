# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""An idle daemon does not wake up: no thread of it is scheduled while sessions are open and silent. And a session that never
sent a command costs little memory, whatever it may use. Runs alone."""
import pathlib
import time

import lib

CHANNELS = 50
KIB_EACH = 128


def switches(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        # Only workers count: a sanitizer has a thread of its own that wakes up.
        if not (task / "comm").read_text().startswith("srptd/"):
            continue
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def check_memory(t):
    """Bytes that a channel has promised to a busy initiator are not memory yet. The bound is wide: a heap of ASan is in it."""
    if "thread" in lib.sanitizer(): # whose shadow is several times what it shadows
        return
    before = t.rss_kib()
    peers = [lib.Raw(t.port, lib.login_req(flags=1)) for _ in range(CHANNELS)]
    each = (t.rss_kib() - before) / len(peers)
    lib.expect(each < KIB_EACH, f"less than {KIB_EACH} KiB for each silent session, not {each:.0f}")
    for p in peers:
        p.close()
    t.wait_channels(0)


def main():
    with lib.Target(devices=lib.ram(), luns="\t\tLUN 0 ram0\n" + lib.ANY, options="workers 2") as t:
        peers = [lib.Raw(t.port, lib.login_req(flags=1)) for _ in range(4)]
        for i, p in enumerate(peers):
            p.send(lib.cmd_iu(i, bytes(6)))
            p.recv_send()
        time.sleep(0.5)
        before = switches(t.proc.pid)
        time.sleep(2)
        woken = switches(t.proc.pid) - before
        lib.expect(woken == 0, f"no wake-up in 2 s with 4 silent sessions, there were {woken}")
        for p in peers:
            p.close()
        t.wait_channels(0)
        check_memory(t)


main()
