"""CPU time and memory of process trees, from /proc."""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/pid/stat after the name: state, parent, …; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def tree(root: int) -> list[int]:
    """`root` and everything below it."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        pid = int(place.name)
        fields = _stat(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_us(root: int) -> float:
    """User and system time of the tree since it began, children that have ended included (PostgreSQL's backends)."""
    ticks = sum(sum(map(int, fields[11:15])) for fields in map(_stat, tree(root)) if fields)
    return ticks / _TICKS_PER_S * 1e6


def machine_us() -> float:
    """Busy time of all cores since the machine began, what its host took away included."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S * 1e6


def memory_bytes(root: int) -> float:
    """Resident memory of the tree."""
    pages = 0
    for pid in tree(root):
        fields = _stat(pid)
        pages += int(fields[21]) if fields else 0
    return float(pages * _PAGE_BYTES)
