# SPDX-License-Identifier: GPL-2.0-only
"""Tables of results, as reStructuredText has them, and people too."""
from results import (KIB, MIB, OBJECTS, OPERATIONS, PEERS, UNITS, size_name)


class Notes:
    """Gaps in a table, each kind explained once below it."""

    def __init__(self):
        self.texts = []

    def gap(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return f"[{'abcdefgh'[self.texts.index(text)]}]"

    def lines(self):
        lines = []
        for text in self.texts:
            lines += ["", f"{self.gap(text)} {text}"]
        return lines


def number(text):
    value = float(text)
    return f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def ratio(value):
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def simple_table(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    rule = "  ".join("=" * width for width in widths)

    def line(row):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "  ".join(cells).rstrip()

    return [rule, line(head), rule] + [line(row) for row in rows] + [rule]


def row_name(entry):
    name = size_name(int(entry["size"]))
    if entry["operation"].startswith("at-once"):
        name += ", " + entry["operation"].removeprefix("at-once-")
    return name


def by_peer(head, rows):
    """@rows is a dict of dicts of cells."""
    peers = [peer for peer in PEERS if any(peer in row for row in rows.values())]
    return simple_table([head] + [PEERS[peer] for peer in peers],
                        [[name] + [row.get(peer, "") for peer in peers]
                         for name, row in rows.items()])


def operation_table(kernel, operation):
    field = OPERATIONS[operation][1]
    notes, rows = Notes(), {}
    for entry in kernel.entries:
        if entry["operation"].startswith(operation):
            cell = (number(entry[field]) if entry[field] else
                    notes.gap(entry["gap"]))
            rows.setdefault(row_name(entry), {})[entry["backing"]] = cell
    head = "size, processes" if operation == "at-once" else "size"
    return by_peer(head, rows) + notes.lines()


def memory_table(kernel):
    rows = {}
    for entry in kernel.memory:
        name = OBJECTS[entry["object"]]
        if entry["object"] == "region":
            name = f"{name}, {size_name(int(entry['size']))}"
        rows.setdefault(name, {})[entry["backing"]] = entry["bytes"]
        if entry["object"] == "idle":
            name = f"pages of {entry['count']} idle instances"
            rows.setdefault(name, {})[entry["backing"]] = entry["pages"]
    return by_peer("bytes", rows)


def ratios_of(sizes):
    """What, target, one and other, each (operation, size, peer)."""
    def of(operation, size, one, other):
        return (operation, size, one), (operation, size, other)

    mapped = "map, touch, unmap"
    yield (f"64 MiB, {mapped}: xxshm / memfd hugetlb", "1.0",
           *of("map", 64 * MIB, "locked", "hugetlb"))
    yield (f"64 MiB, {mapped}: memfd / xxshm", "190",
           *of("map", 64 * MIB, "memfd", "locked"))
    yield (f"2 MiB, {mapped}: xxshm / memfd hugetlb", "1.0",
           *of("map", 2 * MIB, "locked", "hugetlb"))
    yield (f"4 KiB, {mapped}: xxshm / memfd", "0.84",
           *of("map", 4 * KIB, "locked", "memfd"))
    yield (f"4 KiB, {mapped}: BPF array / memfd", "",
           *of("map", 4 * KIB, "bpf", "memfd"))
    yield ("64 MiB, fork, touch: xxshm / memfd hugetlb", "1.0",
           *of("fork", 64 * MIB, "locked", "hugetlb"))
    for size in sizes:
        yield (f"{size_name(size)}, {mapped}: xxshm pageable / memfd", "1.02",
               *of("map", size, "pageable", "memfd"))
    for size in sizes:
        yield (f"{size_name(size)}, xxshm: 16 processes / 1", "1.05",
               ("at-once-16", size, "locked"), ("at-once-1", size, "locked"))


def idle_rows(kernels):
    def cell(kernel, field):
        for entry in kernel.memory:
            if entry["object"] == "idle" and entry["backing"] == "locked":
                return entry[field]
        return ""

    return [["idle instance of xxshm, bytes", "3072"] +
            [cell(kernel, "bytes") for kernel in kernels],
            ["idle instance of xxshm, pages", "0"] +
            [cell(kernel, "pages") for kernel in kernels]]


def ratio_table(kernels):
    rows = []
    for what, target, one, other in ratios_of(kernels[0].sizes()):
        values = [kernel.ratio(one, other) for kernel in kernels]
        if any(values):
            rows.append([what, target] + [ratio(value) if value else ""
                                          for value in values])
    head = ["instructions of one / of the other", "wanted"]
    return simple_table(head + [kernel.release for kernel in kernels],
                        rows + idle_rows(kernels))


def titled(title, lines):
    return [title, "-" * len(title), ""] + lines + [""]


def all_tables(kernels):
    """Newest kernel first. Lines."""
    lines = titled("What is wanted, and what is there", ratio_table(kernels))
    for operation, (what, field) in OPERATIONS.items():
        for kernel in kernels:
            lines += titled(f"{what}, on {kernel.release}",
                            [UNITS[field].capitalize() + ".", ""] +
                            operation_table(kernel, operation))
    for kernel in kernels:
        if kernel.memory:
            lines += titled(f"Memory of the kernel, on {kernel.release}",
                            ["Bytes for one.", ""] + memory_table(kernel))
    return lines
