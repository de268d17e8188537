"""What each example says to who types its name: help, and one line where there is no server."""

import os
import subprocess
import sys

import pytest

from devtools.processes import ROOT

PROGRAMS = ("demo", "live_feed", "notifications", "noughts_and_crosses", "shared_editor")
BOTS = ("post", "command_bot")
NOWHERE = "http://127.0.0.1:9"


def typed(example, *arguments, **env):
    """The example as a process, with nothing else in its environment."""
    how = ["-m", f"examples.{example}"] if example in PROGRAMS else [f"examples/{example}.py"]
    return subprocess.run(
        [sys.executable, *how, *arguments],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("example", [*PROGRAMS, *BOTS])
def test_help_says_what_it_is_and_where_the_url_comes_from(example):
    found = typed(example, "--help")
    assert (found.returncode, found.stderr) == (0, "")
    assert "PARLEY_URL" in found.stdout
    assert len(found.stdout.splitlines()) > 5


@pytest.mark.parametrize("example", PROGRAMS)
@pytest.mark.parametrize(
    ("arguments", "env"), [([NOWHERE], {}), ([], {"PARLEY_URL": NOWHERE}), ([], {"PORT": "9"})]
)
def test_without_a_server_it_says_so_in_one_line(example, arguments, env):
    found = typed(example, *arguments, **env)
    assert found.returncode == 1
    [line] = found.stderr.splitlines()
    assert NOWHERE in line
    assert "python3 dev.py run" in line


def test_a_post_without_a_server_says_so_in_one_line():
    found = typed("post", "run", "text", PARLEY_URL=NOWHERE, PARLEY_TOKEN="t", ROOM="r")
    assert found.returncode == 1
    [line] = found.stderr.splitlines()
    assert line.startswith(f"Nothing answers at {NOWHERE}")


@pytest.mark.parametrize(("example", "arguments"), [("post", ["run", "text"]), ("command_bot", [])])
def test_a_bot_without_a_token_says_what_is_missing(example, arguments):
    found = typed(example, *arguments)
    assert found.returncode == 2
    assert "PARLEY_TOKEN" in found.stderr.splitlines()[-1]


def test_what_is_no_url_is_refused():
    assert typed("live_feed", "127.0.0.1:8000").returncode == 2
