"""`python3 dev.py stress`: see `--help`."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.stress import faults_table, running
from tests.faults.stress.plan import draw
from tests.faults.stress.running import Outcome
from tests.faults.stress.soak import soak

SHOWN = 20  # violations of a run


def main(arguments: list[str]) -> int:
    """0 when everything was kept, 1 with the violations when not."""
    asked = _parser().parse_args(arguments)
    if asked.faults is not None:
        return _faults(asked.faults, Path(asked.output), write=asked.write)
    seconds = 60 * asked.minutes if asked.minutes else asked.seconds
    seeds = list(_seeds(asked.seeds)) if asked.seeds else [asked.seed or secrets.randbelow(1_000_000)]
    if asked.soak:
        return _soak(seconds / 60, seeds[0], Path(asked.output))
    if asked.plan:
        for seed in seeds:
            _print_plan(seed, seconds)
        return 0
    broken = []
    with tempfile.TemporaryDirectory(prefix="parley-stress-") as folder:
        for outcome in _runs(seeds, seconds, Path(folder)):
            print(outcome, flush=True)
            for text in outcome.wrong[:SHOWN]:
                print(f"    {text}", flush=True)
            if outcome.wrong:
                broken.append(outcome.plan.seed)
                print(
                    f"    again: python3 dev.py stress --seed {broken[-1]} --seconds {seconds:g}", flush=True
                )
    print(f"{len(seeds) - len(broken)} of {len(seeds)} kept" + (f"; broken: {broken}" if broken else ""))
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 dev.py stress",
        description="Break what is below two real workers while people talk, and check that nothing is lost, "
        "doubled, out of order or leaked, and that everything is given back.",
    )
    parser.add_argument("--seed", type=int, help="which faults come when; drawn and printed when not given")
    parser.add_argument("--seeds", help="several, one after the other: 1-100, or 3,7,12")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=20.0, help="of each run (20)")
    length.add_argument("--minutes", type=float, help="the same, in minutes")
    parser.add_argument("--plan", action="store_true", help="print what would be done, and do nothing")
    parser.add_argument(
        "--soak", action="store_true", help="nothing breaks; people come and go (--minutes 30)"
    )
    parser.add_argument(
        "--faults",
        nargs="?",
        const="",
        metavar="CHOICE",
        help="each fault by itself, at the periods users have, and a table of figures; pytest's -k chooses",
    )
    parser.add_argument("--write", action="store_true", help="with --faults: into docs/reliability.md")
    parser.add_argument(
        "--output", default=".parley", help="where soak.json and soak.svg, or faults.xml go (.parley)"
    )
    return parser


def _faults(choice: str, output: Path, *, write: bool) -> int:
    cases = faults_table.run(output, choice)
    print(faults_table.table(cases))
    if write:
        faults_table.write(cases)
    return 0 if cases and all(case.kept for case in cases) else 1


def _soak(minutes: float, seed: int, output: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="parley-soak-") as folder, running.cluster(Path(folder)) as two:
        found = asyncio.run(soak(two, minutes, seed))
    found.write(output)
    print(found)
    for text in found.wrong[:SHOWN]:
        print(f"    {text}")
    return 1 if found.wrong else 0


def _seeds(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _print_plan(seed: int, seconds: float) -> None:
    plan = draw(seed, seconds)
    print(f"seed {seed}, {seconds:g} s, {plan.per_s} sends a second and room")
    for what in sorted([*plan.faults, *plan.moves], key=lambda one: one.at_s):
        print(f"  {what}")


def _runs(seeds: list[int], seconds: float, folder: Path) -> Iterator[Outcome]:
    """One after the other on one cluster; after a broken one a new cluster, so that no run spoils the next."""
    left = list(seeds)
    while left:
        with running.cluster(folder / str(left[0])) as two:
            before = asyncio.run(running.warm_up(two))
            kept = True
            while left and kept:
                seed = left.pop(0)
                print(f"seed {seed} …", file=sys.stderr, flush=True)
                outcome = asyncio.run(running.run(two, draw(seed, seconds), before))
                kept = not outcome.wrong
                yield outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
