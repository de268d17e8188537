"""Playing scenarios: servers up, crowds in, runs in turn, servers down."""

import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from bench.load.plan import Found, Plan
from bench.scenarios import Scenario, plan
from bench.servers import SERVERS
from bench.servers.base import Server
from bench.stores import Stores
from bench.summary import Summary, numbers, summary
from devtools.environment import PYTHON, environ
from devtools.processes import ROOT, DevError, say

RUN_TIMEOUT_S = 600.0


def play(found: Plan) -> Found:
    """One run, in a process of its own."""
    done = subprocess.run(
        [str(PYTHON), "-m", "bench.load"],
        cwd=ROOT,
        env=environ(),
        input=msgspec.json.encode(found),
        capture_output=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise DevError(f"The client failed:\n{done.stderr.decode(errors='replace')[-3000:]}")
    return msgspec.json.decode(done.stdout, type=Found)


@contextmanager
def standing(letters: Sequence[str], stores: Stores) -> Iterator[dict[str, Server]]:
    """The servers, started side by side; their logs go with them."""
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder, ExitStack() as stack:
        servers = {letter: SERVERS[letter](stores, Path(folder)) for letter in letters}
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.prepare(), servers.values()))
        for server in servers.values():
            stack.callback(server.stop)
            server.start()
        for server in servers.values():
            server.wait()
        yield servers


def measure(
    scenario: Scenario, letters: Sequence[str], stores: Stores, *, size: int, seconds: float, runs: int
) -> list[Summary]:
    """All runs of a scenario: each round goes through all servers before the next begins."""
    say(f"== {scenario.name}: {scenario.title}")
    crowd = scenario.crowd(size)
    found: dict[str, list[Found]] = {letter: [] for letter in letters}
    with standing(letters, stores) as servers:
        with ThreadPoolExecutor() as pool:
            populated = pool.map(lambda server: server.populate(crowd), servers.values())
            made = dict(zip(servers, populated, strict=True))
        for number in range(runs):
            for letter, server in servers.items():
                if scenario.fresh and number:
                    server.stop()
                    server.start()
                    server.wait()
                stores.settle()
                word = "r" + secrets.token_hex(4)
                one = play(plan(scenario, crowd, made[letter], server, size=size, seconds=seconds, run=word))
                found[letter].append(one)
                say(f"   run {number + 1} ({letter}) {_line(one)}")
        for letter, server in servers.items():
            if alarms := server.alarms():
                say(f"   ({letter}) {len(alarms)} errors in its log, the first: {alarms[0][:300]}")
    return [summary(letter, SERVERS[letter].title, all_runs) for letter, all_runs in found.items()]


def _line(found: Found) -> str:
    """One run in one line."""
    made = numbers(found)
    words = [
        f"{made[name]:,.{digits}f} {unit}"
        for name, digits, unit in (
            ("messages_per_s", 0, "msg/s"),
            ("deliveries_per_s", 0, "deliveries/s"),
            ("requests_per_s", 0, "requests/s"),
            ("took_s", 2, "s until all were back"),
            ("memory_kb", 1, "kB a connection"),
            ("p50_ms", 1, "ms p50"),
            ("p99_ms", 1, "ms p99"),
            ("server_us_per_delivery", 1, "µs/delivery"),
            ("server_us_per_message", 0, "µs/msg"),
        )
        if name in made
    ]
    words += [
        f"{count} {what}"
        for what, count in (
            (f"of {found.expected} LOST", found.lost),
            ("doubled", found.doubled),
            ("out of order", found.disordered),
            ("errors", found.errors),
            ("given up", found.stalled),
        )
        if count
    ]
    words += [f"{count} closed with {code}" for code, count in found.closed.items()]
    words.append(f"client {found.client_share:.0%}, others {found.others_share:.0%}")
    if found.note:
        words.append(f"first error: {found.note[:160]}")
    return ", ".join(words)
