# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The figures as one SVG: bars of rates against rr, and lines over the number of connections."""
import math
from xml.sax.saxutils import escape

import cases

COLOURS = {"rr": "#555555", "threads": "#b07aa1", "srptd null": "#1f77b4", "srptd ram": "#17becf", "tgt null": "#d62728",
           "nbdkit null": "#ff7f0e", "qsd null": "#2ca02c"}
WIDTH, PANEL, GAP, LEFT, TOP = 960, 210, 78, 64, 56


class Svg:
    def __init__(self, height):
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
                      'font-family="sans-serif" font-size="11">', f'<rect width="{WIDTH}" height="{height}" fill="white"/>']

    def add(self, part):
        self.parts.append(part)

    def text(self, x, y, words, anchor="start", size=11, bold=False):
        weight = ' font-weight="bold"' if bold else ""
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight}>{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, colour="#dddddd", width=1):
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def rect(self, x, y, w, h, colour):
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{colour}"/>')

    def end(self):
        return "\n".join([*self.parts, "</svg>", ""])


def nice_top(value):
    """A round number not below @value, for the top of an axis."""
    if value <= 0:
        return 1.0
    step = 10 ** math.floor(math.log10(value))
    return next(m * step for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if m * step >= value * 0.999)


def frame(svg, y, title, top, label):
    svg.text(LEFT, y - 10, title, size=13, bold=True)
    for i in range(5):
        at = y + PANEL - PANEL * i / 4
        svg.line(LEFT, at, WIDTH - 20, at)
        svg.text(LEFT - 6, at + 4, label(top * i / 4), "end")


def bars(svg, y, title, group, results):
    """For each case a bar per contender, with the range of the rounds as a thin line over it."""
    picked = [c for c in cases.CASES if c.group == group and results.get(c.name, {}).get("rr")]
    if not picked:
        return
    values = {}
    for case in picked:
        yard = results[case.name]["rr"]["iops"]["median"]
        values[case.name] = {who: {k: r["iops"][k] / yard for k in ("median", "min", "max")} for who, r in results[case.name].items()}
    top = nice_top(max(v["median"] for by in values.values() for v in by.values()))
    frame(svg, y, title, top, lambda v: f"{v:.2f}")
    width = (WIDTH - 20 - LEFT) / len(picked)
    for i, case in enumerate(picked):
        who = [p for p in COLOURS if p in values[case.name]]
        bar = width * 0.85 / max(len(who), 1)
        for k, contender in enumerate(who):
            v = values[case.name][contender]
            x = LEFT + i * width + width * 0.07 + k * bar
            h = PANEL * v["median"] / top
            svg.rect(x, y + PANEL - h, bar * 0.9, h, COLOURS[contender])
            mid = x + bar * 0.45
            svg.line(mid, y + PANEL - PANEL * v["min"] / top, mid, y + PANEL - PANEL * min(v["max"] / top, 1), "#000000")
        svg.text(LEFT + (i + 0.5) * width, y + PANEL + 16, case.name, "middle", size=10)


def lines(svg, y, title, what, results, label):
    """@what over the number of connections, which are equally far apart."""
    picked = [c for c in cases.CASES if c.group == "connections" and results.get(c.name)]
    if not picked:
        return
    top = nice_top(max(r[what]["median"] for c in picked for r in results[c.name].values()))
    frame(svg, y, title, top, label)
    step = (WIDTH - 60 - LEFT) / max(len(picked) - 1, 1)
    for who, colour in COLOURS.items():
        points = [(LEFT + 20 + i * step, y + PANEL - PANEL * results[c.name][who][what]["median"] / top)
                  for i, c in enumerate(picked) if who in results[c.name]]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        svg.add(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for px, py in points:
            svg.add(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>')
    for i, c in enumerate(picked):
        svg.text(LEFT + 20 + i * step, y + PANEL + 16, f"{c.conns}", "middle")


def legend(svg, results):
    seen = {who for by in results.values() for who in by}
    x = LEFT
    for who, colour in COLOURS.items():
        if who in seen:
            svg.rect(x, 14, 12, 12, colour)
            svg.text(x + 16, 24, who)
            x += 30 + 7 * len(who)


def draw(results):
    svg = Svg(TOP + 4 * (PANEL + GAP))
    legend(svg, results)
    ys = [TOP + 10 + i * (PANEL + GAP) for i in range(4)]
    bars(svg, ys[0], "4 KiB, one connection: IOPS divided by rr's", "small", results)
    bars(svg, ys[1], "One connection, sequential: rate divided by rr's", "bandwidth", results)
    lines(svg, ys[2], "4 KiB reads, up to 256 in flight in all: 1000 IOPS over the number of connections", "iops", results,
          lambda v: f"{v / 1e3:.0f}")
    lines(svg, ys[3], "The same: context switches of the server per I/O", "csw", results, lambda v: f"{v:.2f}")
    return svg.end()
