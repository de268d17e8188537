"""docs/performance.md and its plots, made of the published results."""

from collections.abc import Iterator
from pathlib import Path

from bench import scale
from bench.comparing import against
from bench.conditions import Conditions
from bench.goals import goals_table
from bench.plots import bars
from bench.report import table
from bench.results import Result
from bench.scenarios import SCENARIOS
from bench.summary import Summary
from devtools.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
# The quantities that are drawn, the first that all servers of a scenario share something of.
DRAWN = (
    ("deliveries_per_s", "deliveries a second, more is better"),
    ("newest:per_s", "pages a second, more is better"),
    ("requests_per_s", "requests a second, more is better"),
    ("memory_kb", "kB of the server's memory a connection, less is better"),
    ("took_s", "seconds until everybody had everything, less is better"),
)

INTRO = """# How fast it is

Made by `python3 dev.py bench` from its latest published runs (bench/results/latest.json); do not edit. Every number is a median
of several runs with the lowest and highest behind it. Machines differ and neighbours disturb: trust ratios more than rates, and
run it on yours.

## How it is measured

Seven servers do the same work on the same PostgreSQL and the same Redis, in turn, run by run:

- **(a) Channels tutorial**: daphne, `channels_redis.core`, a consumer a socket, `objects.create` in `database_sync_to_async`,
  `json.dumps` in every consumer.
- **(b) best stock Channels**: uvicorn, the pub/sub layer, encoded once, no thread hop an event, one lasting database connection.
- **(c) Parley** as `manage.py serve` runs it, one process; **(d)** the same on daphne; **(c2)** with two workers; **(cs)** on
  SQLite and memory. Access checks and idempotency are on, and every send is acknowledged: nothing is switched off to be faster.
- **(e) bare limit**: a server that only writes a ready frame of the same size to each socket. It stores and checks nothing.
- **(f) Socket.IO 4** with its redis-streams adapter and pg, on Node.
- **(g)** history with DRF's ModelSerializer and CursorPagination, on Parley's own server, tables and connection pool.

(a), (b) and (f) authenticate by JWT and store each message in one row; they number nothing, and a repeated send makes a second
message. Their code is in bench/baselines/ and frozen. Bodies have 100 bytes. Before anything is measured, `fsync`,
`synchronous_commit` and `full_page_writes` are seen to be on and `DEBUG` off.

"S × W" is S senders with W messages each on the way; the next is sent when one's own has come back *as a delivery*. Open loops
send by the clock, and their latency counts from when a message should have been sent. Latencies are from the send to the delivery,
to up to twenty members of each room; "ack" is from the send to its acknowledgement. Every delivery on every connection is checked:
what is lost, doubled or out of order is counted, and a run that lost anything has no rate. CPU is user and system time of the
server's process tree, of PostgreSQL and of Redis, each by itself. The client is one process of its own; where it used over 90 % of
a core the run is marked *client-bound*, and the server may be faster than shown. "Others" is what the rest of the machine used,
in hundredths of a core; over 30 the run is marked *disturbed*.
"""


def page(results: dict[str, Result]) -> str:
    """The whole page."""
    return "\n".join(_parts(results)).rstrip() + "\n"


def _parts(results: dict[str, Result]) -> Iterator[str]:
    yield INTRO
    if not results:
        yield "Nothing has been published yet."
        return
    ordered = [results[name] for name in SCENARIOS if name in results]
    yield from _conditions(ordered)
    goals = goals_table(results)
    if goals:
        yield from ("## What it is to reach", "", goals, "")
        yield from (
            "[Where the time goes](profile.md) says what stands between here and what is not met.",
            "",
        )
    yield from ("## Results", "")
    for result in ordered:
        yield from (f"### {result.title}", "")
        base = against(results, result.name)
        if base is not None:
            other = results[SCENARIOS[result.name].against or result.name]
            where = "" if other is result else f" in “{other.title}”"
            yield from (f"× is deliveries a second against (a){where}.", "")
        if _plot(result) is not None:
            yield from (f"![{result.title}](performance/{result.name}.svg)", "")
        yield from (table(result.summaries, base), "")


def _conditions(ordered: list[Result]) -> Iterator[str]:
    """One paragraph for each different set, with the scenarios it was for."""
    yield from ("## Conditions", "")
    said: dict[str, list[str]] = {}
    for result in ordered:
        said.setdefault(_sentence(result.conditions), []).append(result.name)
    for sentence, names in said.items():
        yield from (f"- {', '.join(names)}: {sentence}", "")


def _sentence(conditions: Conditions) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in conditions.versions.items())
    return (
        f"{conditions.date} UTC, commit {conditions.commit}; {conditions.cores} cores of {conditions.cpu}, "
        f"{conditions.memory_gb:g} GB, {conditions.system}, shared by server, client, PostgreSQL and Redis; "
        f"{conditions.runs} run{'s' * (conditions.runs > 1)} of {conditions.seconds:g} s. {versions}."
    )


def _plot(result: Result) -> str | None:
    """The chart of a scenario; None where fewer than two servers have something to draw."""
    for name, unit in DRAWN:
        drawn = [_row(summary, name) for summary in result.summaries if name in summary.numbers]
        if len(drawn) > 1:
            return bars(result.title, unit, drawn)
    return None


def _row(summary: Summary, name: str) -> tuple[str, str, float, float, float]:
    number = summary.numbers[name]
    return summary.server, f"({summary.server}) {summary.title}", number.median, number.low, number.high


def write(results: dict[str, Result]) -> list[Path]:
    """Write the page, its plots and docs/scale.md; which files."""
    PLOTS.mkdir(exist_ok=True)
    PAGE.write_text(page(results))
    scale.PAGE.write_text(scale.page(results))
    written = [PAGE, scale.PAGE]
    for name, result in results.items():
        plot = _plot(result)
        if plot is not None:
            file = PLOTS / f"{name}.svg"
            file.write_text(plot)
            written.append(file)
    return written
