# SPDX-License-Identifier: GPL-2.0-only
"""What was counted, and what it is called: the names are those of bench.c, peers.h
and guest, as they stand in KERNEL.csv and KERNEL-memory.csv."""
import csv
import os

PEERS = {
    "locked": "xxshm",
    "pageable": "xxshm pageable",
    "memfd": "memfd",
    "memfd-populate": "memfd populate",
    "hugetlb": "memfd hugetlb",
    "tmpfs-huge": "tmpfs huge",
    "zero": "/dev/zero",
    "bpf": "BPF array",
    "secret": "memfd secret",
    "memfd-always": "memfd always",
    "tmpfs-always": "tmpfs always",
}
MODULE = {"locked", "pageable"}

# What they are, and which number is told.
OPERATIONS = {
    "map": ("Map, touch every page, unmap", "per_page"),
    "sparse": ("Map, touch one page in 512, unmap", "per_page"),
    "again": ("Map and unmap, touch nothing", "instructions"),
    "fork": ("Fork, touch every page in the child", "per_page"),
    "first": ("First allocation: make, map, touch every page", "per_page"),
    "at-once": ("Map, touch every page, unmap, in processes at once", "instructions"),
    "mutex": ("Contended mutex, from one lock to the next", "instructions"),
}
UNITS = {
    "per_page": "instructions for a page that is touched",
    "instructions": "instructions",
}

OBJECTS = {
    "module": "module, with one instance",
    "idle": "idle instance",
    "region": "region, beyond its pages",
    "file": "open file",
    "mapping": "mapping, untouched",
}
OF_MODULE = {"module", "idle"}

KIB, MIB = 1 << 10, 1 << 20


def size_name(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"


def read(path):
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def memory_path(path):
    return path.removesuffix(".csv") + "-memory.csv"


class Kernel:
    """The results on one kernel; @path is that of KERNEL.csv."""

    def __init__(self, path):
        self.entries = read(path)
        self.memory = read(memory_path(path)) if os.path.exists(memory_path(path)) else []
        self.release = self.entries[0]["kernel"]
        self.instructions = {
            (entry["operation"], int(entry["size"]), entry["backing"]):
            int(entry["instructions"])
            for entry in self.entries if entry["instructions"]}

    def ratio(self, one, other):
        """Of two (operation, size, peer), or None if one was not counted."""
        if one in self.instructions and other in self.instructions:
            return self.instructions[one] / self.instructions[other]
        return None

    def sizes(self):
        return sorted({int(entry["size"]) for entry in self.entries})

    def peers(self):
        there = {entry["backing"] for entry in self.entries}
        return [peer for peer in PEERS if peer in there]


def expected(size):
    """The operations that are asked for at a size."""
    yield from ("first", "map", "again", "fork")
    if size >= 2 * MIB:
        yield "sparse"
    if size == 2 * MIB:
        yield "mutex"
    if size <= 2 * MIB:
        yield from ("at-once-2", "at-once-4", "at-once-8")
    if size <= 64 * MIB:
        yield from ("at-once-1", "at-once-16")


def missing_operations(kernel):
    there = {(entry["operation"], int(entry["size"]), entry["backing"])
             for entry in kernel.entries if entry["instructions"] or entry["gap"]}
    for peer in PEERS:
        for size in kernel.sizes():
            for operation in expected(size):
                if (operation, size, peer) not in there:
                    yield f"{operation} of {size_name(size)}, {PEERS[peer]}"


def missing_objects(kernel):
    there = {(entry["object"], entry["backing"]) for entry in kernel.memory
             if entry["bytes"]}
    for peer in ["memfd"] + [peer for peer in kernel.peers() if peer in MODULE]:
        for name in OBJECTS:
            if (name, peer) not in there and (peer in MODULE or name not in OF_MODULE):
                yield f"bytes of {OBJECTS[name]}, {PEERS[peer]}"


def missing(kernel):
    """What has neither a number nor an explanation."""
    yield from missing_operations(kernel)
    yield from missing_objects(kernel)
