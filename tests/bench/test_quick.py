"""The benchmark's whole pipeline, small: servers, people, client, checks, tables and JSON."""

import subprocess
import sys

import msgspec
import pytest

from bench.results import FOLDER, Result
from bench.scenarios import SCENARIOS
from bench.summary import Summary
from devtools.processes import ROOT


def quick(*arguments: str) -> tuple[dict[str, dict[str, Summary]], str]:
    """What `--quick` measured, by scenario and server, and what it printed."""
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
    results = msgspec.json.decode(written.read_bytes(), type=dict[str, Result])
    written.unlink()
    found = {name: {one.server: one for one in result.summaries} for name, result in results.items()}
    return found, done.stdout


def assert_measured(one: Summary) -> None:
    """All that was due was delivered, once and in order, and there are numbers of it."""
    assert one.expected > 0, one
    faults = (one.lost, one.doubled, one.disordered, one.errors, one.stalled, one.closed)
    assert faults == (0, 0, 0, 0, 0, {}), one
    for name in ("messages_per_s", "deliveries_per_s", "p50_ms", "p99_ms", "client_share"):
        assert one.numbers[name].median > 0, (one.server, name)


def test_parley_and_the_bare_limit() -> None:
    results, printed = quick("--servers", "c,e")
    measured = results["room100-1x1"]
    assert set(measured) == {"c", "e"}
    for one in measured.values():
        assert_measured(one)
    assert measured["c"].numbers["ack_p50_ms"].median > 0
    for text in ("(c) Parley", "(e) bare limit", "deliveries/s", "p99 ms"):
        assert text in printed


@pytest.mark.slow
def test_every_server() -> None:
    results, printed = quick()
    measured = results["room100-1x1"]
    # Without Node it says so and goes on.
    left_out = {"f"} if "(f) Socket.IO is left out: " in printed else set()
    assert set(measured) == {"a", "b", "c", "d", "e", "f"} - left_out
    for one in measured.values():
        assert_measured(one)


@pytest.mark.slow
def test_every_kind_of_scenario() -> None:
    """As small as they can be made; of those that are alike, one."""
    only = [name for name in SCENARIOS if not name.startswith("room")]
    results, _ = quick("--only", ",".join(only), "--servers", "c,cs,c2,g")
    assert set(results) == set(only)
    for name, measured in results.items():
        wanted = {letter for letter in SCENARIOS[name].servers if letter in ("c", "cs", "c2", "g")}
        assert set(measured) == wanted
        for one in measured.values():
            assert (one.lost, one.doubled, one.disordered, one.errors, one.closed) == (0, 0, 0, 0, {}), (
                name,
                one,
            )
    for name, server, number in (
        ("idle5000", "c", "memory_kb"),
        ("reconnect1000", "c", "took_s"),
        ("history", "c", "oldest:per_s"),
        ("history", "g", "newest:per_s"),
        ("logins", "c", "requests_per_s"),
        ("myrooms", "c", "requests_per_s"),
        ("sqlite100", "cs", "messages_per_s"),
        ("workers", "c2", "messages_per_s"),
    ):
        assert results[name][server].numbers[number].median > 0, (name, server)
