"""What a test measured, as text for people: kept by pytest (`--junitxml`), shown by `python3 dev.py stress --faults`."""

from collections.abc import Callable, Sequence

# pytest's own fixture `record_property`
Record = Callable[[str, object], None]


def in_seconds(record: Record, what: str, took_s: float, *, calm_s: float | None = None) -> None:
    """`what` took so long; `calm_s`, the same without the fault, beside it."""
    beside = "" if calm_s is None else f" (without the fault {_seconds(calm_s)})"
    record(what, f"{_seconds(took_s)}{beside}")


def _seconds(took_s: float) -> str:
    return f"{1e3 * took_s:.0f} ms" if took_s < 1 else f"{took_s:.1f} s"


def in_mib(record: Record, what: str, count: int) -> None:
    """`what` is so many bytes."""
    record(what, f"{count / 2**20:.1f} MiB")


def in_all(record: Record, **counts: int | Sequence[object]) -> None:
    """How many of each there were; of a sequence its length."""
    for what, count in counts.items():
        number = count if isinstance(count, int) else len(count)
        record(what.replace("_", " "), f"{number:,}")
