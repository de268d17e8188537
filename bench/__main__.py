"""`python3 dev.py bench`."""

import argparse
import resource
import signal
import sys
from collections.abc import Sequence

from bench.comparing import against
from bench.conditions import conditions
from bench.page import write
from bench.report import table
from bench.results import Result, keep, save
from bench.runner import measure
from bench.scenarios import SCENARIOS
from bench.servers import SERVERS
from bench.stores import stores
from devtools.processes import ROOT, DevError, say

QUICK = 25  # times smaller
QUICK_SCENARIOS = "room100-1x1"
FULL_SECONDS, FULL_RUNS = 20.0, 3  # what is published has at least these


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; exits with 2 for one that makes no sense."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"scenarios, by commas: {', '.join(SCENARIOS)}")
    parser.add_argument("--servers", default="", help="letters, by commas: " + _letters())
    parser.add_argument("--seconds", type=float, help=f"of each run ({FULL_SECONDS:g})")
    parser.add_argument("--runs", type=int, help=f"of each scenario and server ({FULL_RUNS})")
    parser.add_argument(
        "--quick", action="store_true", help="a small, short run that shows that it all works"
    )
    parser.add_argument(
        "--publish", action="store_true", help="into docs/performance.md, however short the runs"
    )
    parser.add_argument("--page", action="store_true", help="only make docs/performance.md anew")
    chosen = parser.parse_args(arguments)
    chosen.only = [name for name in chosen.only.split(",") if name]
    chosen.servers = [name for name in chosen.servers.split(",") if name]
    for name, known in ((chosen.only, SCENARIOS), (chosen.servers, SERVERS)):
        if unknown := set(name) - set(known):
            parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if chosen.quick:
        chosen.only = chosen.only or QUICK_SCENARIOS.split(",")
    chosen.seconds = chosen.seconds or (0.5 if chosen.quick else FULL_SECONDS)
    chosen.runs = chosen.runs or (1 if chosen.quick else FULL_RUNS)
    return chosen


def _letters() -> str:
    return ", ".join(f"{letter} {server.title}" for letter, server in SERVERS.items()).replace("%", "%%")


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for, print tables, keep the JSON; publish where the runs were long enough."""
    chosen = parsed(arguments)
    if chosen.page:
        publish({})
        return 0
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    results, failed = _measured(chosen)
    if results:
        say(f"\nwrote {save(results)}")
    if chosen.publish or (chosen.seconds >= FULL_SECONDS and chosen.runs >= FULL_RUNS and not chosen.quick):
        publish(results)
    if failed:
        say(f"not measured: {', '.join(failed)}")
    return int(bool(failed))


def _measured(chosen: argparse.Namespace) -> tuple[dict[str, Result], list[str]]:
    """The results by scenario, and the names of those that could not be had."""
    results: dict[str, Result] = {}
    failed: list[str] = []
    names = chosen.only or list(SCENARIOS)
    asked = {
        letter
        for name in names
        for letter in SCENARIOS[name].servers
        if not chosen.servers or letter in chosen.servers
    }
    absent = {letter: why for letter in sorted(asked) if (why := SERVERS[letter].missing())}
    for letter, why in absent.items():
        say(f"({letter}) {SERVERS[letter].title} is left out: {why}")
    with stores() as both:
        said = conditions(both, seconds=chosen.seconds, runs=chosen.runs)
        for name in names:
            scenario = SCENARIOS[name]
            letters = [letter for letter in scenario.servers if letter in asked and letter not in absent]
            if not letters:
                continue
            size = QUICK if chosen.quick else 1
            try:
                summaries = measure(
                    scenario, letters, both, size=size, seconds=chosen.seconds, runs=chosen.runs
                )
            except DevError as failure:  # the others' hours are not lost with it
                say(f"FAILED: {failure}\n")
                failed.append(name)
                continue
            results[name] = Result(name, scenario.title, said, summaries)
            say(table(summaries, against(results, name)) + "\n")
    return results, failed


def publish(results: dict[str, Result]) -> None:
    """Into bench/results/latest.json, docs/performance.md and its plots."""
    for file in write(keep(results)):
        say(f"wrote {file.relative_to(ROOT)}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main(sys.argv[1:]))
    except DevError as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
