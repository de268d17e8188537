"""`python3 dev.py stress --faults`: every fault at the periods users have, and a table of what was measured."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from devtools.environment import PYTHON
from devtools.processes import ROOT
from devtools.services import stores

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- what `python3 dev.py stress --faults --write` found -->", "<!-- its end -->"


@dataclass(frozen=True)
class Case:
    """One fault as one test did it: `figures` as the test named them, `kept` whether it passed."""

    fault: str
    figures: dict[str, str]
    kept: bool
    took_s: float

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        return f"| {self.fault} | {figures} | {'yes' if self.kept else '**no**'} | {self.took_s:.0f} |"


def run(output: Path, choice: str = "") -> list[Case]:
    """Run them on servers of their own; pytest's report goes into `output`. `choice` is pytest's `-k`."""
    output.mkdir(parents=True, exist_ok=True)
    report = output / "faults.xml"
    report.unlink(missing_ok=True)
    # Named, that nothing else is collected: a test of the page or of the contract breaks nothing.
    command = [
        PYTHON,
        "-m",
        "pytest",
        "-m",
        "fault",
        "-q",
        "-o",
        "junit_family=xunit1",
        f"--junitxml={report}",
        "tests/faults",
    ]
    command += ["tests/gateway", "tests/messaging", *(["-k", choice] if choice else [])]
    with stores() as (database_url, redis_url):
        env = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PARLEY_TEST_ALL": "1",
            "PARLEY_REAL_PERIODS": "1",
        }
        subprocess.run(command, cwd=ROOT, env=env, stdout=sys.stderr, check=False)
    return read(report)


def read(report: Path) -> list[Case]:
    """The cases of a report of pytest's, in the order they were run."""
    return [_case(node) for node in ElementTree.parse(report).getroot().iter("testcase")]


def _case(node: ElementTree.Element) -> Case:
    said = {one.attrib["name"]: one.attrib["value"] for one in node.iter("property")}
    which = re.search(r"\[(.*)\]$", node.attrib["name"])
    kept = not any(node.find(tag) is not None for tag in ("failure", "error", "skipped"))
    fault = said.pop("fault") + (f": {which[1]}" if which else "")
    return Case(fault, said, kept, float(node.attrib["time"]))


def table(cases: list[Case]) -> str:
    """As Markdown."""
    return "\n".join(["| fault | figures | kept | s |", "|---|---|---|---|", *map(str, cases)])


def write(cases: list[Case]) -> None:
    """Put the table into its place in the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, ended, after = rest.partition(END)
    assert ended, f"{PAGE} has no place for the table"
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(cases)}\n\n{END}{after}")
