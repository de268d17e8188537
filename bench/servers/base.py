"""A server under test: a process tree with its database, started for one scenario."""

import re
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, ClassVar, Literal

from bench.people.crowd import Crowd, Populated
from bench.stores import Stores
from devtools.environment import environ
from devtools.processes import ROOT, Command, DevError, end, spawn
from devtools.services import free_port

START_S = 60.0
ALARM = re.compile(r"Traceback|\berror\b|\bcritical\b", re.IGNORECASE)
SECRET = "a key that signs nothing but the benchmark's tokens, on one machine"


class Server(ABC):
    """`with server: …`, then `populate` and `pid`. `folder` is for its log and files."""

    title: ClassVar[str]
    wire: ClassVar[Literal["parley", "chat", "socketio", "bare"]]
    template: ClassVar[str | None] = None  # the family of databases it starts from
    stock_history: ClassVar[bool] = False  # its history is paged in its own way

    def __init__(self, stores: Stores, folder: Path) -> None:
        self.stores, self.folder = stores, folder
        self.port = free_port()
        self.env = environ() | {"SECRET_KEY": SECRET, "REDIS_URL": stores.redis_url, "PYTHONUNBUFFERED": "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @abstractmethod
    def command(self) -> Command: ...

    @abstractmethod
    def prepare(self) -> None:
        """Make its database; `env` is complete afterwards."""

    @abstractmethod
    def populate(self, crowd: Crowd) -> Populated:
        """Make people, tokens and rooms."""

    @classmethod
    def missing(cls) -> str:
        """Why it cannot be run on this machine; empty where it can."""
        return ""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start; `wait` returns when it answers."""
        self._log = (self.folder / f"{type(self).__name__}.log").open("ab")
        self._process = spawn(self.command(), self.env, self._log)

    def wait(self) -> None:
        """DevError, with the end of its log, where it does not come up."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise DevError(f"{self.title} did not start:\n{self.log()[-2000:]}")

    def log(self) -> str:
        return (self.folder / f"{type(self).__name__}.log").read_text(errors="replace")

    def alarms(self) -> list[str]:
        """Lines of its log that speak of an error."""
        return [line for line in self.log().splitlines() if ALARM.search(line)]

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, 15)
        if self._log is not None:
            self._log.close()

    def helper(self, command: Command, given: bytes = b"") -> bytes:
        """What a program with this server's settings prints."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=self.env,
            input=given,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise DevError(f"{command[2]} failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
        return done.stdout


def plain(crowd: Crowd, tokens: list[str]) -> Populated:
    """For servers whose rooms are but names."""
    return Populated(tokens=tokens, rooms=[f"room{number}" for number in range(len(crowd.rooms))])
