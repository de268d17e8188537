"""The benchmark's whole pipeline, small: servers, people, client, checks, tables and JSON."""

import shutil
import subprocess
import sys

import msgspec
import pytest

from bench.results import FOLDER, Result
from devtools.processes import ROOT


@pytest.fixture(scope="module")
def quick() -> str:
    """What `--quick` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_server_delivers_and_nothing_is_lost(quick: str) -> None:
    written = ROOT / quick.rpartition("wrote ")[2].strip()
    assert written.parent == FOLDER
    results = msgspec.json.decode(written.read_bytes(), type=dict[str, Result])
    written.unlink()
    summaries = {one.server: one for one in results["room100-1x1"].summaries}
    wanted = {"a", "b", "c", "d", "e"} | (
        {"f"} if shutil.which("npm") and "(f)" not in _left_out(quick) else set()
    )
    assert set(summaries) == wanted
    for one in summaries.values():
        assert one.expected > 0, one
        assert (one.lost, one.doubled, one.disordered, one.errors, one.stalled, one.closed) == (
            0,
            0,
            0,
            0,
            0,
            {},
        ), one
        for name in ("messages_per_s", "deliveries_per_s", "p50_ms", "p99_ms", "client_share"):
            assert one.numbers[name].median > 0, (one.server, name)
    for server in ("c", "d"):
        assert summaries[server].numbers["ack_p50_ms"].median > 0
    assert summaries["c"].numbers["deliveries_per_s"].median == pytest.approx(
        4 * summaries["c"].numbers["messages_per_s"].median, rel=0.1
    )


def test_the_table_says_who_was_measured(quick: str) -> None:
    for text in ("(a) Channels tutorial", "(c) Parley", "(e) bare limit", "deliveries/s", "p99 ms"):
        assert text in quick


def _left_out(printed: str) -> str:
    return "\n".join(line for line in printed.splitlines() if "is left out:" in line)
