# SPDX-License-Identifier: GPL-2.0-only
"""A chart of results, as SVG: for some operations, instructions per page on a
logarithmic axis, by size and peer. It has a background of its own, so that it can be
read on any."""
import math

from results import OPERATIONS, PEERS, size_name

COLOURS = {
    "locked": "#c1121f",
    "pageable": "#f28482",
    "memfd": "#1d4e89",
    "memfd-populate": "#4c8bc4",
    "hugetlb": "#f4a300",
    "tmpfs-huge": "#2a7f3f",
    "zero": "#7d8597",
    "bpf": "#7b2d8b",
    "secret": "#111111",
    "memfd-always": "#8bc34a",
    "tmpfs-always": "#a8c8e8",
}
SHOWN = ("map", "fork", "first")
WIDTH, PANEL, LEFT, RIGHT, TOP, TITLE = 1000, 300, 80, 20, 106, 34
FONT = 'font-family="DejaVu Sans, Verdana, Arial, sans-serif"'


def text(x, y, what, size=13, anchor="start", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
            f'text-anchor="{anchor}" fill="#222222"{more}>{what}</text>')


def legend(peers):
    lines = []
    for i, peer in enumerate(peers):
        x, y = LEFT + i % 6 * 150, 58 + i // 6 * 22
        lines += [f'<rect x="{x}" y="{y - 11}" width="13" height="13" '
                  f'fill="{COLOURS[peer]}"/>', text(x + 19, y, PEERS[peer])]
    i = len(peers)
    lines.append(text(LEFT + i % 6 * 150, 58 + i // 6 * 22,
                      "&#215; none: see the tables", 12))
    return lines


class Panel:
    """One operation; @top is where its title begins."""

    def __init__(self, kernel, operation, top):
        self.operation, self.top, self.bottom = operation, top, top + PANEL - 46
        self.numbers = {(int(entry["size"]), entry["backing"]): entry["per_page"]
                        for entry in kernel.entries if entry["operation"] == operation}
        largest = max(float(value) for value in self.numbers.values() if value)
        self.decades = math.ceil(math.log10(largest))
        self.kernel = kernel

    def y(self, value):
        height = self.bottom - self.top - TITLE
        return self.bottom - height * max(math.log10(value), 0) / self.decades

    def grid(self):
        lines = []
        for decade in range(self.decades + 1):
            y = self.y(10 ** decade)
            lines += [f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" '
                      f'y2="{y:.1f}" stroke="#d0d0d0"/>',
                      text(LEFT - 8, y + 4, f"{10 ** decade:,}".replace(",", " "),
                           12, "end")]
        return lines

    def bar(self, x, width, size, peer):
        value = self.numbers.get((size, peer))
        if not value:
            return text(x + width / 2, self.bottom - 3, "&#215;", 12, "middle",
                        f' style="fill:{COLOURS[peer]}"')
        y = self.y(float(value))
        return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 1.5:.1f}" '
                f'height="{self.bottom - y:.1f}" fill="{COLOURS[peer]}">'
                f'<title>{PEERS[peer]}, {size_name(size)}: {value}</title></rect>')

    def lines(self):
        sizes, peers = self.kernel.sizes(), self.kernel.peers()
        lines = [text(LEFT, self.top + 18, OPERATIONS[self.operation][0] +
                      ": instructions per page", 15,
                      more=' font-weight="bold"')] + self.grid()
        group = (WIDTH - LEFT - RIGHT) / len(sizes)
        width = group * 0.86 / len(peers)
        for i, size in enumerate(sizes):
            left = LEFT + group * i + group * 0.07
            lines += [self.bar(left + width * j, width, size, peer)
                      for j, peer in enumerate(peers)]
            lines.append(text(LEFT + group * (i + 0.5), self.bottom + 18,
                              size_name(size), 13, "middle"))
        return lines


def chart(kernel):
    height = TOP + PANEL * len(SHOWN) + 10
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
             f'height="{height}" viewBox="0 0 {WIDTH} {height}" {FONT}>',
             f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff" '
             'stroke="#d0d0d0"/>',
             text(LEFT, 30, "Instructions for each page of 4 KiB, by size of the region; "
                  f"kernel {kernel.release}, logarithmic axis", 15)]
    lines += legend(kernel.peers())
    for i, operation in enumerate(SHOWN):
        lines += Panel(kernel, operation, TOP + PANEL * i).lines()
    return "\n".join(lines + ["</svg>", ""])
