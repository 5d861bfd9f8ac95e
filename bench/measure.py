# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Runs: all contenders of a case take turns, round by round, so that a change of the machine's mood hits all of them."""
import json
import os
import pathlib
import queue
import statistics
import subprocess
import sys
import threading
import time

import cases
import peers

CHUNK = os.urandom(cases.MIB)


class Env:
    """Where things are: the build, a folder for what is temporary, files for those who serve one."""

    def __init__(self, build, tmp):
        self.build = build
        self.dir = tmp
        self.files = {}

    def make_files(self):
        """On the disk of the build: O_DIRECT does not work everywhere."""
        for name in ("file", "direct"):
            path = self.build / f"bench-{os.getpid()}-{name}.img"
            self.files[name] = path
            with open(path, "wb") as f:
                for _ in range(cases.REGION_MIB):
                    f.write(CHUNK)
                f.flush()
                os.fsync(f.fileno())

    def remove_files(self):
        for path in self.files.values():
            path.unlink(missing_ok=True)


def lines_of(proc):
    """The lines of @proc's output as they come, through a queue so that waiting can end."""
    got = queue.Queue()

    def pump():
        for line in proc.stdout:
            got.put(line.strip())
        got.put(None)

    threading.Thread(target=pump, daemon=True).start()
    return got


def run_client(server, cmd, secs):
    """One client's run. Return: what it printed, and what the server used in the measured time."""
    samples = {}
    result = None
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(peers.pinned(peers.CLIENT_CPU, cmd), text=True, **pipes) as proc:
        lines = lines_of(proc)
        end = time.monotonic() + secs * 3 + 20
        try:
            while (line := lines.get(timeout=max(end - time.monotonic(), 0.01))) is not None:
                if line in ("begin", "end"):
                    samples[line] = server.used()
                    proc.stdin.write("\n") # it has waited for this
                    proc.stdin.flush()
                elif line.startswith("{"):
                    result = json.loads(line)
        except queue.Empty:
            proc.kill()
            raise peers.Failed("the client did not end") from None
        finally:
            if proc.poll() is None and result is None:
                proc.kill()
        err = proc.stderr.read()
    if proc.returncode or not result or len(samples) < 2:
        raise peers.Failed(err.strip().splitlines()[-1] if err.strip() else f"the client ended with {proc.returncode}")
    return result, samples


def run_one(server, case, secs):
    server.go_on()
    try:
        got, samples = run_client(server, server.client(case, secs), secs)
    finally:
        server.pause()
    ios = max(got["ios"], 1)
    before, after = samples["begin"], samples["end"]
    iops = got["ios"] / got["secs"]
    return {"iops": iops, "mb_s": iops * case.bs / 1e6, "p50_us": got["lat_us"]["p50"], "p99_us": got["lat_us"]["p99"],
            "cpu_us": (after["cpu_us"] - before["cpu_us"]) / ios, "csw": (after["csw"] - before["csw"]) / ios,
            "rss_mib": after["rss_mib"], "threads": after["threads"]}


def summary(runs):
    return {k: {"median": statistics.median(r[k] for r in runs), "min": min(r[k] for r in runs), "max": max(r[k] for r in runs)}
            for k in runs[0]}


class Bench:
    def __init__(self, env, chosen):
        self.env = env
        self.chosen = chosen
        self.servers = {}
        self.skipped = {}  # contender -> why it takes no part
        self.failed = {}   # (case, contender) -> why it has no figures
        self.runs = {case.name: {} for case, _ in chosen}

    def start(self):
        wanted = {p for _, who in self.chosen for p in who}
        for cls in peers.SERVERS:
            if cls.name not in wanted:
                continue
            server = cls(self.env)
            why = server.missing()
            try:
                if not why:
                    server.start()
            except peers.Failed as e:
                server.kill()
                why = str(e)
            if why:
                self.skipped[cls.name] = why
                print(f"skipped: {cls.name}: {why}", file=sys.stderr)
            else:
                self.servers[cls.name] = server

    def turn(self, case, contender, secs):
        server = self.servers.get(contender)
        if not server or (case.name, contender) in self.failed:
            return
        try:
            self.runs[case.name].setdefault(contender, []).append(run_one(server, case, secs))
        except peers.Failed as e:
            # It has no figures in this case; what it does in others shall not suffer.
            self.failed[case.name, contender] = str(e)
            print(f"\n{case.name}: {contender}: {e}", file=sys.stderr)
            server.kill()
            server.start()

    def rounds(self, n, secs):
        for i in range(n):
            for case, who in self.chosen:
                if sys.stderr.isatty():
                    print(f"\rround {i + 1} of {n}: {case.name:<28}", end="", file=sys.stderr, flush=True)
                for contender in who:
                    self.turn(case, contender, secs)
        if sys.stderr.isatty():
            print(file=sys.stderr)

    def stop(self):
        for server in self.servers.values():
            if server.stop():
                raise peers.Failed(f"{server.name} did not end with 0:\n"
                                   + (self.env.dir / f"{server.name.replace(' ', '-')}.log").read_text())

    def results(self):
        # One that failed in some round has no figures of this case: its medians would be of fewer rounds.
        return {name: {who: summary(runs) for who, runs in by.items() if (name, who) not in self.failed} for name, by in self.runs.items()}


def machine():
    model = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"cpu": model, "kernel": os.uname().release, "processors": os.cpu_count(),
            "load": pathlib.Path("/proc/loadavg").read_text().split()[0]}
