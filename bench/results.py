"""What is kept: each run's JSON here, and the latest published numbers, of which docs/performance.md is made."""

from pathlib import Path

import msgspec

from bench.conditions import Conditions
from bench.summary import Summary
from devtools.processes import ROOT

FOLDER = ROOT / "bench" / "results"
LATEST = FOLDER / "latest.json"  # the one that is in the repository


class Result(msgspec.Struct):
    """One scenario, all its servers."""

    name: str
    title: str
    conditions: Conditions
    summaries: list[Summary]


def save(results: dict[str, Result]) -> Path:
    """Write all of it, at least one, beside earlier ones; where."""
    FOLDER.mkdir(exist_ok=True)
    date = next(iter(results.values())).conditions.date.replace(" ", "T").replace(":", "")
    file = FOLDER / f"{date}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return file.relative_to(ROOT)


def latest() -> dict[str, Result]:
    """What was published last, by scenario."""
    if not LATEST.exists():
        return {}
    return msgspec.json.decode(LATEST.read_bytes(), type=dict[str, Result])


def keep(results: dict[str, Result]) -> dict[str, Result]:
    """Replace the published numbers of these scenarios; all that are published now."""
    FOLDER.mkdir(exist_ok=True)
    known = latest() | results
    LATEST.write_bytes(msgspec.json.format(msgspec.json.encode(known)) + b"\n")
    return known
