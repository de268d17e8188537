"""`dev.py test`: everything that must hold before a change lands."""

import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import urlsplit

from devtools.environment import PYTHON, VENV, check_environ
from devtools.processes import Command, DevError, call, end, say, spawn
from devtools.services import stores

AT_ONCE = 2
POLL_S = 0.05
# The heart of the protocol, in seconds; --all runs all of it there.
ON_DAPHNE = [
    f"tests/gateway/test_{name}.py"
    for name in ("connecting", "frames", "subscribe", "sending", "leaving", "closing", "rfc6455")
]


@dataclass(frozen=True)
class Step:
    """One check: a command, and what it needs in its environment beyond the common settings."""

    title: str
    command: Command
    env: Mapping[str, str] = field(default_factory=dict)


def test(arguments: list[str]) -> int:
    """Run every check; all arguments but `--all` go to each pytest run. Stops at the first check that fails.

    Raises:
        DevError: a check failed (named), or the servers could not be had.
    """
    started = time.monotonic()
    chosen = [argument for argument in arguments if argument != "--all"]
    with tempfile.TemporaryDirectory(prefix="parley-test-") as folder:
        env = check_environ(folder)
        everything = len(chosen) < len(arguments)
        if everything:
            env |= {"PARLEY_TEST_ALL": "1", "PARLEY_NO_SKIP": "1"}
        say("== PostgreSQL and Redis")
        with stores() as (database_url, redis_url):
            say(f"   {database_url}  {redis_url}  ({time.monotonic() - started:.1f} s)")
            servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
            _all_at_once(_static_steps(servers), env)
            if chosen:
                for step in _chosen_steps(chosen, servers):
                    _one(step, env)
            else:
                _all_at_once(_test_steps(servers, f"sqlite:///{folder}/daphne.sqlite3", everything), env)
    say(f"all checks passed in {time.monotonic() - started:.0f} s")
    return 0


def _chosen_steps(chosen: list[str], servers: Mapping[str, str]) -> list[Step]:
    """What the caller picked, one after the other and at the terminal (pytest --pdb)."""
    pytest: Command = [PYTHON, "-m", "pytest", *chosen]
    return [
        Step("tests on SQLite and memory", pytest),
        Step("tests on PostgreSQL and Redis", pytest, servers),
    ]


def _test_steps(servers: Mapping[str, str], another_sqlite: str, everything: bool) -> list[Step]:
    """All tests, for two at a time: those that break servers have their own and mostly wait."""
    pytest: Command = [PYTHON, "-m", "pytest"]
    # Beside each other on the same servers: a database and a prefix of their own.
    url = urlsplit(servers["DATABASE_URL"])
    database = url._replace(path=url.path + "_sockets").geturl()
    others = {**servers, "DATABASE_URL": database, "REDIS_PREFIX": "parley-sockets"}
    return [
        Step("tests on SQLite and memory", pytest),
        Step("tests that stop, pause and cut off real servers", [*pytest, "-m", "faults"], servers),
        Step(
            "tests on PostgreSQL and Redis, but of sockets",
            # The examples run on what `dev.py run` serves: SQLite and memory.
            [*pytest, "-m", "not faults", "--ignore=tests/gateway", "--ignore=tests/examples"],
            servers,
        ),
        Step(
            "tests on PostgreSQL and Redis, of sockets",
            [*pytest, "-m", "not faults", "tests/gateway"],
            others,
        ),
        Step(
            "tests of the protocol on daphne",
            [*pytest, *(["tests/gateway"] if everything else ON_DAPHNE)],
            {"PARLEY_TEST_SERVER": "daphne", "DATABASE_URL": another_sqlite},
        ),
    ]


def _static_steps(servers: Mapping[str, str]) -> list[Step]:
    manage: Command = [PYTHON, "manage.py"]
    production = {"DEBUG": "0", "ALLOWED_HOSTS": "chat.example.com", **servers}
    # The slowest first: two run at once.
    return [
        Step("mypy", [PYTHON, "-m", "mypy"]),
        Step("ruff check", [PYTHON, "-m", "ruff", "check", "--quiet"]),
        Step("ruff format --check", [PYTHON, "-m", "ruff", "format", "--check", "--quiet"]),
        Step("lint-imports", [VENV / "bin" / "lint-imports"]),
        Step("migrations are complete", [*manage, "makemigrations", "--check", "--dry-run"]),
        Step("check --deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], production),
        Step("docs/openapi.yaml is current", [sys.executable, "dev.py", "openapi", "--check"]),
        Step("requirements are current", [sys.executable, "dev.py", "lock", "--check"]),
    ]


@dataclass
class _Running:
    step: Step
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    started: float
    took_s: float | None = None
    printed: int | None = None  # bytes of its output; None before its title


def _all_at_once(steps: list[Step], env: Mapping[str, str]) -> None:
    """Run the steps two at a time; the first that fails ends the others.

    They are shown in order, the first that has not ended as it goes.
    """
    waiting, shown = deque(steps), deque[_Running]()
    try:
        while waiting or shown:
            while waiting and sum(running.took_s is None for running in shown) < AT_ONCE:
                step = waiting.popleft()
                output = tempfile.TemporaryFile()  # noqa: SIM115 (closed when shown)
                process = spawn(step.command, {**env, **step.env}, output)
                shown.append(_Running(step, process, output, time.monotonic()))
            for running in shown:
                if running.took_s is None and running.process.poll() is not None:
                    running.took_s = time.monotonic() - running.started
            _print_on(shown[0])
            while shown and shown[0].took_s is not None:
                ended = shown.popleft()
                _print_on(ended)
                ended.output.close()
                _verdict(ended.step, ended.process.returncode, ended.took_s or 0)
            time.sleep(POLL_S)
    finally:
        for running in shown:
            end(running.process)
            running.output.close()


def _print_on(running: _Running) -> None:
    """Print what it has put out since the last time, without moving the place where it writes."""
    if running.printed is None:
        say(f"== {running.step.title}")
        running.printed = 0
    output = running.output.fileno()
    new = os.pread(output, os.fstat(output).st_size, running.printed)
    sys.stdout.buffer.write(new)
    sys.stdout.flush()
    running.printed += len(new)


def _one(step: Step, env: Mapping[str, str]) -> None:
    say(f"== {step.title}")
    started = time.monotonic()
    _verdict(step, call(step.command, {**env, **step.env}), time.monotonic() - started)


def _verdict(step: Step, code: int, took_s: float) -> None:
    if code:
        raise DevError(f"FAILED: {step.title} (exit code {code}, {took_s:.1f} s)")
    say(f"   ok ({took_s:.1f} s)")
