# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The table, and what the figures are held against."""
import cases

OURS = ("srptd null", "srptd ram")
PEERS = ("tgt null", "nbdkit null", "qsd null")
HEADS = ["case", "who", "rate", "min - max", "ratio", "p50 us", "p99 us", "CPU us/IO", "switches/IO", "RSS MiB", "threads"]


def rate(case, per_s):
    return f"{per_s * case.bs / 1e9:.2f} GB/s" if case.bs > 4096 else f"{per_s / 1e3:.1f} k/s"


def row(case, who, r, yard):
    med = {k: v["median"] for k, v in r.items()}
    ratio = f"{med['iops'] / yard['iops']['median']:.2f}" if yard else ""
    return [case.name, who, rate(case, med["iops"]), f"{rate(case, r['iops']['min']).split()[0]} - {rate(case, r['iops']['max']).split()[0]}",
            ratio, f"{med['p50_us']:.0f}", f"{med['p99_us']:.0f}", f"{med['cpu_us']:.2f}", f"{med['csw']:.4f}", f"{med['rss_mib']:.1f}",
            f"{med['threads']:.0f}"]


def table(chosen, results, failed):
    rows = [HEADS]
    for case, who in chosen:
        by = results[case.name]
        yard = by.get(cases.yardstick(case))
        first = True
        for contender in who:
            if contender in by:
                line = row(case, contender, by[contender], yard)
            elif (case.name, contender) in failed:
                line = [case.name, contender, "failed"] + [""] * (len(HEADS) - 3)
            else:
                continue
            rows.append(line if first else [""] + line[1:])
            first = False
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEADS))]
    out = ["| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |" for r in rows]
    out.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(out)


class Targets:
    """Compares figures with what they are meant to be; what was not measured is not judged."""

    def __init__(self, results):
        self.results = results
        self.lines = []

    def get(self, case, who, what):
        r = self.results.get(case, {}).get(who)
        return r[what]["median"] if r else None

    def note(self, met, text):
        self.lines.append(f"- {'met   ' if met else 'missed'} {text}")

    def ratio(self, case, who, what, yard, limit, at_most=False):
        """@who's figure @what divided by that of @yard."""
        ours, theirs = self.get(case, who, what), self.get(case, yard, what)
        if ours is None or not theirs:
            return
        got = ours / theirs
        self.note(got <= limit if at_most else got >= limit,
                  f"{case}, {who}: {what} {got:.2f} times {yard}'s, aim at {'most' if at_most else 'least'} {limit}")

    def below(self, case, who, what, limit):
        got = self.get(case, who, what)
        if got is not None:
            self.note(got <= limit, f"{case}, {who}: {what} {got:.4f}, aim at most {limit}")

    def best_peer(self, case, who, limit, among=PEERS):
        rates = {p: self.get(case, p, "iops") for p in among}
        rates = {p: v for p, v in rates.items() if v}
        if rates:
            self.ratio(case, who, "iops", max(rates, key=rates.get), limit)


def latency_and_rate(t):
    t.ratio("polling: 4 KiB read, QD 1", "srptd polling", "p50_us", "rr polling", 1.35, at_most=True)
    for who in OURS:
        t.ratio("4 KiB read, QD 1", who, "p50_us", "rr", 1.2, at_most=True)
        t.ratio("4 KiB read, QD 32", who, "iops", "rr", 0.75)
        t.ratio("4 KiB read, QD 128", who, "iops", "rr", 0.5)
        t.best_peer("4 KiB read, QD 32", who, 2.5)
        t.ratio("4 KiB read, QD 32", who, "iops", "tgt null", 5)
        t.ratio("4 KiB write, QD 32", who, "iops", "rr", 0.75)
    t.ratio("4 KiB read, QD 128", "srptd ram", "cpu_us", "rr", 2.2, at_most=True)


def bandwidth(t):
    for case in cases.CASES:
        if case.group == "bandwidth":
            for who in OURS:
                t.ratio(case.name, who, "iops", "rr", 0.85)
                t.best_peer(case.name, who, 1.0)


def connections(t):
    for case in cases.CASES:
        if case.group == "connections":
            for who in OURS:
                t.below(case.name, who, "csw", 0.02)
    for who in OURS:
        t.ratio("4 KiB read, 256 x 1", who, "iops", "rr", 0.85)
        t.best_peer("4 KiB read, 256 x 1", who, 1.0)
        t.ratio("4 KiB read, 256 x 1", who, "p99_us", "rr", 1.5, at_most=True)


def files(t):
    for case in cases.CASES:
        if case.group != "file" or case.bs > 4096:
            continue
        t.best_peer(case.name, "srptd file", 2, ("tgt file", "qsd file"))
        t.best_peer(case.name, "srptd file direct", 2, ("qsd file direct",))
        if case.qd > 1: # alone, each command wakes the server once
            t.below(case.name, "srptd file", "csw", 0.1)


def targets(results, idle):
    t = Targets(results)
    latency_and_rate(t)
    bandwidth(t)
    connections(t)
    files(t)
    if idle:
        t.note(idle["cpu_percent"] < 0.5, f"{idle['channels']} idle channels: {idle['cpu_percent']:.3f} % of a processor, aim below 0.5")
        t.note(idle["rss_kib_per_channel"] <= 32, f"{idle['channels']} idle channels: {idle['rss_kib_per_channel']:.1f} KiB of RSS each, "
               "aim at most 32")
    return t.lines


def head(info, rounds, secs):
    return (f"{info['cpu']}, Linux {info['kernel']}, {info['processors']} processors, load {info['load']} at the start; TCP over loopback, "
            f"server and client on one processor\neach; srptd with one worker; medians of {rounds} round(s) of {secs} s in which all take "
            "turns, the smallest and the largest beside them.\n"
            "A x B: A connections with B commands in flight on each. CPU time, context switches, memory and threads are the server's; "
            "`ratio` is the\nrate divided by that of rr, or when polling of rr polling.\n")


def text(info, rounds, secs, chosen, bench, idle):
    results = bench.results()
    parts = [head(info, rounds, secs), table(chosen, results, bench.failed), ""]
    if idle:
        parts += [f"{idle['channels']} idle channels of srptd: {idle['cpu_percent']:.3f} % of a processor, {idle['csw_per_s']:.1f} context "
                  f"switches a second, {idle['rss_kib_per_channel']:.1f} KiB of RSS each.", ""]
    parts += [f"- skipped {who}: {why}" for who, why in bench.skipped.items()]
    parts += [f"- failed  {case}, {who}: {why}" for (case, who), why in bench.failed.items()]
    return "\n".join(parts + targets(results, idle)) + "\n"
