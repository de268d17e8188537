"""examples/ as somebody runs them: processes of their own against a live server, stopped and started as it comes."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.runtime import close_sockets
from tests.api import Person
from tests.bots import another_token, make_bot
from tests.flows.readme import ROOT
from tests.live import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = ROOT / "examples"
DEADLINE_S = 20.0


@pytest.fixture
def ada(transactional_db: None, ada: Person) -> Person:
    return ada


@pytest.fixture
def bot(ada: Person) -> Person:
    return make_bot(ada, "mill-bot", ["messages:read", "messages:write"])


@pytest.fixture
def room(ada: Person, bot: Person) -> str:
    return ada.room(bot)


def environment(server: LiveServer, bot: Person, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PARLEY_URL": server.http, "PARLEY_TOKEN": bot.access, **more}


def bodies(person: Person, room: str, since: int = 0) -> list[str]:
    """What was said in a room, in its order."""
    events = person.events(room, since)
    return [event["data"]["message"]["body"] for event in events if event["type"] == "message.created"]


def becomes(found: Callable[[], Any], wanted: Any) -> None:
    """Return once `found()` is `wanted`."""
    ends_at = time.monotonic() + DEADLINE_S
    while (value := found()) != wanted:
        assert time.monotonic() < ends_at, f"{value!r} and not {wanted!r}"
        time.sleep(0.02)


# --- post.py --------------------------------------------------------------------------------------


def post(server: LiveServer, bot: Person, room: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The script as cron runs it: with the system's Python, which has no package of ours."""
    return subprocess.run(
        [shutil.which("python3") or sys.executable, "-I", str(EXAMPLES / "post.py"), *arguments],
        env=environment(server, bot, ROOM=room), cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_script_posts_a_run_once_however_often_it_is_repeated(server, ada, bot, room):
    done = [post(server, bot, room, "backup-2026-11-23", "The backup is done.") for _ in range(2)]
    assert [(each.returncode, each.stdout, each.stderr) for each in done] == [(0, "4\n", "")] * 2
    assert post(server, bot, room, "backup-2026-11-24", "The backup is done.").stdout == "5\n"
    assert bodies(ada, room) == ["The backup is done."] * 2


def test_the_script_says_what_was_wrong_and_fails(server, ada, bot, room):
    post(server, bot, room, "run", "one text")
    other = another_token(bot, "messages:read")
    ada.delete(f"bots/{bot.id}/tokens/{ada.see(f'bots/{bot.id}/tokens/')['results'][0]['id']}/")
    for caller, code in ((other, "scope_missing"), (bot, "session_ended")):
        failed = post(server, caller, room, "run", "another text")
        assert failed.returncode == 1
        assert json.loads(failed.stderr)["code"] == code
    assert bodies(ada, room) == ["one text"]


# --- command_bot.py -------------------------------------------------------------------------------


class Running:
    """The command bot as a process; `printed` has its lines as they come."""

    def __init__(self, server: LiveServer, bot: Person, memory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / "command_bot.py"), str(memory)],
            env=environment(server, bot), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.printed: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed.put(line.rstrip())

    def listens(self) -> str:
        """The line that says it is subscribed, the next one since the last call."""
        while not (line := self.printed.get(timeout=DEADLINE_S)).startswith("Listening"):
            pass
        return line

    def ends(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self._process.wait(DEADLINE_S)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def start(server: LiveServer, bot: Person, tmp_path: Path) -> Iterator[Callable[[], Running]]:
    """`start()`: the bot, with the same memory each time."""
    started: list[Running] = []

    def run() -> Running:
        started.append(Running(server, bot, tmp_path / "memory.json"))
        return started[-1]

    yield run
    for running in started:
        running.kill()


def test_the_bot_answers_commands_in_every_room_it_is_or_comes_into(ada, bob, bot, room, start):
    ada.send(room, "!echo from before its time")
    running = start()
    assert running.listens() == "Listening in 1 rooms as mill-bot."
    ada.send(room, "!echo  the mill ")
    ada.send(room, "What is !help for?")
    ada.send(room, "!help")
    answers = ["the mill", "I know !help, !echo, !roll, !time"]
    becomes(lambda: [event["data"]["message"]["body"] for event in by(ada, room, bot)], answers)
    later = ada.room(bob, bot)
    ada.send(later, "!echo here too")
    becomes(lambda: bodies(ada, later), ["!echo here too", "here too"])
    ada.remove(room, bot)
    ada.send(room, "!echo gone")
    ada.send(later, "!time")
    becomes(lambda: len(by(ada, later, bot)), 2)
    assert len(by(ada, room, bot)) == 2


def by(person: Person, room: str, author: Person) -> list[Any]:
    """The events of what this author said."""
    return [
        event
        for event in person.events(room)
        if event["type"] == "message.created" and event["data"]["message"]["author"]["id"] == author.id
    ]


def test_what_came_while_it_was_away_is_answered_once_and_in_order(server, ada, bot, room, start, tmp_path):
    """It is killed, started again, cut off, and started again with the memory of an earlier time."""
    first = start()
    first.listens()
    ada.send(room, "!echo 1")
    becomes(lambda: len(by(ada, room, bot)), 1)
    becomes(lambda: json.loads((tmp_path / "memory.json").read_text())["seqs"][room] >= 4, True)
    early = (tmp_path / "memory.json").read_text()
    first.kill()
    for number in (2, 3):
        ada.send(room, f"!echo {number}")
    second = start()
    becomes(lambda: len(by(ada, room, bot)), 3)
    second.listens()
    server.call(close_sockets())  # as a restart of the server does
    ada.send(room, "!echo 4")
    ada.send(room, "!roll")
    second.listens()
    becomes(lambda: len(by(ada, room, bot)), 5)
    second.kill()
    (tmp_path / "memory.json").write_text(early)
    third = start()
    third.listens()
    ada.send(room, "!echo 5")
    becomes(lambda: bodies(ada, room)[-1], "5")
    answers = [event["data"]["message"]["body"] for event in by(ada, room, bot)]
    assert answers[:4] == ["1", "2", "3", "4"]
    assert answers[4].startswith("You rolled a ")
    assert answers[5:] == ["5"]


def test_when_its_token_is_revoked_the_bot_says_so_and_ends(ada, bot, room, start):
    running = start()
    running.listens()
    [token] = ada.see(f"bots/{bot.id}/tokens/")["results"]
    ada.delete(f"bots/{bot.id}/tokens/{token['id']}/")
    assert running.ends() == 1
    assert running.printed.get(timeout=DEADLINE_S) == "session_ended"
    again = start()
    assert again.ends() == 1
    assert again.printed.get(timeout=DEADLINE_S) == "session_ended"
