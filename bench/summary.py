"""From runs to numbers: rates and costs of each, median and spread over several."""

import statistics
from collections.abc import Sequence

import msgspec

from bench.load.plan import Found

CLIENT_BOUND = 0.9  # of one core: from here on the client may be what is measured
DISTURBED = 0.3  # cores: from here on the rates are partly those of something else on the machine


class Number(msgspec.Struct, frozen=True):
    """One quantity over all runs."""

    median: float
    low: float
    high: float


class Summary(msgspec.Struct):
    """One server in one scenario. Counts are sums over all runs."""

    server: str
    title: str
    runs: int
    numbers: dict[str, Number]
    expected: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    errors: int = 0
    stalled: int = 0
    closed: dict[str, int] = {}
    client_bound: int = 0  # runs in which the client used over 90 % of a core
    disturbed: int = 0  # runs in which something else on the machine was busy
    note: str = ""

    def median(self, name: str) -> float | None:
        """None where nothing was measured, or what was is worth nothing because messages were lost."""
        number = self.numbers.get(name)
        return number.median if number else None


def numbers(found: Found) -> dict[str, float]:
    """The quantities of one run, by name; units are in the names. A run that lost has no rates."""
    made: dict[str, float] = {}
    if found.client_share:
        made["client_share"] = found.client_share
    if found.others_share:
        made["others_share"] = found.others_share
    if found.connects_per_s:
        made["connects_per_s"] = found.connects_per_s
    if found.memory_bytes:
        made["memory_kb"] = found.memory_bytes / 1000
        made["idle_cpu_share"] = found.cpu_us["server"] / 1e6 / found.seconds
    if found.lost:
        return made
    if found.took_s:
        made["took_s"] = found.took_s
    else:
        for name, count in (
            ("messages", found.messages), ("deliveries", found.deliveries), ("requests", found.requests),
        ):  # fmt: skip
            if count:
                made[f"{name}_per_s"] = count / found.seconds
    if found.behind:
        made["behind"] = found.behind
    for prefix, times in (("", found.latency_ms), ("ack_", found.ack_ms)):
        made |= {f"{prefix}{name}_ms": value for name, value in times.items()}
    for group, values in found.groups.items():
        made |= {f"{group}:{name}": value for name, value in values.items()}
    made |= _costs(found)
    return made


def _costs(found: Found) -> dict[str, float]:
    """CPU µs of the server a delivery and a message, and of the stores a message."""
    made: dict[str, float] = {}
    for whom, count in (
        ("delivery", found.deliveries),
        ("message", found.messages),
        ("request", found.requests),
    ):
        if count:
            made |= {f"{name}_us_per_{whom}": cpu / count for name, cpu in found.cpu_us.items()}
    return made


def rounded(value: float) -> float:
    """Four digits: more are noise, and they are kept in git."""
    return float(f"{value:.4g}")


def summary(server: str, title: str, runs: Sequence[Found]) -> Summary:
    """Median, lowest and highest of every quantity that all runs have."""
    every = [numbers(found) for found in runs]
    common = [name for name in every[0] if all(name in one for one in every)]
    made = Summary(
        server=server,
        title=title,
        runs=len(runs),
        numbers={
            name: Number(
                rounded(statistics.median(one[name] for one in every)),
                rounded(min(one[name] for one in every)),
                rounded(max(one[name] for one in every)),
            )
            for name in common
        },
        client_bound=sum(found.client_share > CLIENT_BOUND for found in runs),
        disturbed=sum(found.others_share > DISTURBED for found in runs),
        note=next((found.note for found in runs if found.note), ""),
    )
    for found in runs:
        made.expected += found.expected
        made.lost += found.lost
        made.doubled += found.doubled
        made.disordered += found.disordered
        made.errors += found.errors
        made.stalled += found.stalled
        for code, count in found.closed.items():
            made.closed[code] = made.closed.get(code, 0) + count
    return made
