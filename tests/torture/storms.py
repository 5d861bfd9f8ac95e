# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Storms of logins: refused ones, accepted ones that end in every way, and too many of them against the limit."""
import re
import subprocess
import threading
import time

import lib
from torture import DENIED_EXT, Target, flat, sanitizer_env

BATCHES = 25
JUDGED = 20000  # logins; with fewer the allocator is still taking what it will keep
# A deadline that an honest login meets on a busy machine, too; a batch ends after it.
QUIET = "max_logins_per_second 0\nhandshake_ms 1500\nworkers 2\n"


class Storm:
    def __init__(self, t, mode, count, batches, seed, conns=16, hosts=64):
        cmd = [str(lib.BUILD / "tests" / "torture" / "storm"), "--mode", mode, "--port", str(t.port),
               "--target", f"{lib.ID_EXT}:{lib.IOC_GUID}", "--denied", f"{DENIED_EXT}:{lib.IOC_GUID}", "--count", str(count),
               "--batches", str(batches), "--conns", str(conns), "--hosts", str(hosts), "--seed", str(seed)]
        self.secs = 0.0
        self.kinds = []
        self.done = self.failed = self.accepted = self.refused = self.late = 0
        self.proc = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def batches(self):
        """After each batch, while no connection is there, its number."""
        for line in self.proc.stdout:
            word, *rest = line.split(None, 3)
            if word == "batch":
                self.secs += float(rest[2].split()[-1])
                yield int(rest[0])
                self.proc.stdin.write("go on\n")
                self.proc.stdin.flush()
            elif word == "kind":
                self.kinds.append((rest[2].strip(), int(rest[0]), int(rest[1])))
            elif word == "end":
                self.done, self.failed, self.accepted, self.refused, self.late = map(int, line.split()[1:])
        self.errors = self.proc.stderr.read()
        self.code = self.proc.wait(30)

    def ok(self):
        """Each as it must be. On a busy machine a few are too late for the target's deadline, which is no fault of it."""
        return self.code == 0 and self.failed == 0 and self.done > 0 and self.late <= 8 + self.done // 1000


def complaints(t, s):
    """What the storm says went wrong, and what the daemon's log says of these connections."""
    text = ""
    for line in s.errors.splitlines():
        text += f"\n       {line}"
        m = re.search(r"from port (\d+)", line)
        for said in re.findall(rf"^.*127\.0\.0\.\d+:{m.group(1)}\b.*$", t.text(), re.M) if m else ():
            text += f"\n         the daemon: {said}"
    return text


def storm(tally, t, mode, count, seed, base_fds):
    """One storm from quiet to quiet: judged logins, flat memory, no descriptor left."""
    # Twice as many connections at a time first, so that what an allocator keeps of the worst moment is there.
    warm = Storm(t, mode, max(1, count // 20), 1, seed + 1000, conns=32)
    for _ in warm.batches():
        t.settle(base_fds)
    if not warm.ok():
        tally.note("warming up", False, complaints(t, warm))
    s = Storm(t, mode, count, min(BATCHES, max(1, count // 200)), seed)
    rss = []
    fds = []
    for _ in s.batches():
        fds.append(t.settle(base_fds))
        rss.append(t.rss_kib())
    what = {"reject": "rejected logins", "cycle": "logins and logouts"}[mode]
    for name, done, failed in sorted(s.kinds):
        print(f"       {done:7} {name}" + (f", {failed} FAILED" if failed else ""))
    rate = s.done / s.secs if s.secs else 0
    tally.note(f"{s.done} {what}, each as expected", s.ok(),
               f"{rate:.0f}/s; {s.accepted} accepted, {s.refused} refused, {s.late} too late" + complaints(t, s))
    tally.note(f"{what}: descriptors are the same", fds and set(fds) == {base_fds},
               f"{fds[0]} after the first batch, {fds[-1]} after the last, {base_fds} before" if fds else "no sample")
    if len(rss) >= 10 and count >= JUDGED and not lib.sanitizer():
        early, late, ok = flat(rss)
        tally.note(f"{what}: RSS is flat", ok, f"first {rss[0]}, last {rss[-1]} KiB; median of the second fifth {early:.0f}, "
                   f"of the last {late:.0f} KiB")
    else:
        print(f"       RSS first {rss[0]}, last {rss[-1]} KiB, not judged" if rss else "       no sample")


def storms(tally, count, seed):
    with Target(QUIET, env=sanitizer_env()) as t:
        time.sleep(0.2)
        fds = t.n_fds()
        storm(tally, t, "reject", count, seed, fds)
        storm(tally, t, "cycle", count, seed + 1, fds)
        t.wait_channels(0)
        tally.note("no channel is left", True)
        status = t.status()["targets"]
        tally.note("the target counted them", all(x["channels"] == 0 for x in status) and status[0]["logins"] > count // 2,
                   f"{sum(x['logins'] for x in status)} logins, {sum(x['rejects'] for x in status)} rejects")
    tally.note("the daemon ended in order", True)


def paced(steady, secs):
    """Rounds a second of the steady session, and its longest pause."""
    start = steady.rounds
    longest = 0.0
    last = time.monotonic()
    end = last + secs
    seen = start
    while time.monotonic() < end:
        time.sleep(0.002)
        if steady.rounds != seen:
            now = time.monotonic()
            longest = max(longest, now - last)
            last, seen = now, steady.rounds
    return (seen - start) / secs, max(longest, time.monotonic() - last)


def capped(tally, count, seed):
    """With the limit on, a storm gets in as often as it says and no more; others do not notice."""
    per_s, hosts, burst = 20, 4, 64
    with Target(f"max_logins_per_second {per_s}\nhandshake_ms 500\nworkers 2\n", env=sanitizer_env()) as t:
        steady = lib.Steady(t.port)
        time.sleep(0.3)
        before, _ = paced(steady, 2)
        s = Storm(t, "cap", count, 1, seed, conns=8, hosts=hosts)
        others = 0
        longest = 0.0
        rounds = steady.rounds
        begin = time.monotonic()
        watch = threading.Thread(target=lambda: list(s.batches()), daemon=True)
        watch.start()
        while watch.is_alive():
            _, pause = paced(steady, 0.25)
            longest = max(longest, pause)
            if others < per_s:
                p = lib.Peer(t.port, b"other%03d" % others)  # from the steady one's address, which keeps its limit
                lib.expect(p.ready()["status"] == 0, "another host's login")
                p.close()
                others += 1
        took = time.monotonic() - begin
        during = (steady.rounds - rounds) / took
        allowed = hosts * (burst + per_s * took) + hosts
        tally.note(f"{s.done} logins against a limit of {per_s} a second and host", s.ok() and 0 < s.accepted <= allowed,
                   f"{s.done / took:.0f}/s; {s.accepted} accepted (at most {allowed:.0f} allowed), {s.refused} refused"
                   + complaints(t, s))
        tally.note("most of the storm is refused", s.refused > s.accepted)
        tally.note("another address gets in meanwhile", others > 0, f"{others} times")
        steady.stop()
        tally.note("the steady session goes on", longest < 2 and during > 0,
                   f"{before:.0f} verified rounds/s before, {during:.0f} during, longest pause {longest * 1000:.0f} ms")
        t.wait_log("too many logins of this address, rejected")
        t.wait_channels(0)
    tally.note("the daemon ended in order", True)
