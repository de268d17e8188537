"""The benchmark's whole pipeline, small: servers, people, client, checks, tables and JSON."""

import subprocess
import sys

import msgspec
import pytest

from bench.results import FOLDER, Result
from bench.summary import Summary
from devtools.processes import ROOT


def quick(*arguments: str) -> tuple[dict[str, Summary], str]:
    """What `--quick` measured, by server, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = ROOT / done.stdout.rpartition("wrote ")[2].strip()
    assert written.parent == FOLDER
    (result,) = msgspec.json.decode(written.read_bytes(), type=dict[str, Result]).values()
    written.unlink()
    return {one.server: one for one in result.summaries}, done.stdout


def assert_measured(one: Summary) -> None:
    """All that was due was delivered, once and in order, and there are numbers of it."""
    assert one.expected > 0, one
    faults = (one.lost, one.doubled, one.disordered, one.errors, one.stalled, one.closed)
    assert faults == (0, 0, 0, 0, 0, {}), one
    for name in ("messages_per_s", "deliveries_per_s", "p50_ms", "p99_ms", "client_share"):
        assert one.numbers[name].median > 0, (one.server, name)


def test_parley_and_the_bare_limit() -> None:
    measured, printed = quick("--servers", "c,e")
    assert set(measured) == {"c", "e"}
    for one in measured.values():
        assert_measured(one)
    assert measured["c"].numbers["ack_p50_ms"].median > 0
    for text in ("(c) Parley", "(e) bare limit", "deliveries/s", "p99 ms"):
        assert text in printed


@pytest.mark.slow
def test_every_server() -> None:
    measured, printed = quick()
    # Without Node it says so and goes on.
    left_out = {"f"} if "(f) Socket.IO is left out: " in printed else set()
    assert set(measured) == {"a", "b", "c", "d", "e", "f"} - left_out
    for one in measured.values():
        assert_measured(one)
