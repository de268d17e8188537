"""A server as a new user starts it: `python3 dev.py run`, on SQLite and memory, in a folder of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devtools.processes import ROOT
from devtools.services import free_port

START_S = 60.0


class DevRun:
    """`dev.py run`; `kill` is a kill -9, and `start` begins again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "run.log"
        self._env = {name: value for name, value in os.environ.items() if name != "REDIS_URL"} | {
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "dev.py", "run"], cwd=ROOT, env=self._env, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self._serves():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "it does not serve"
            time.sleep(0.05)

    def _serves(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False).status_code == 200
        return False

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(sign)
            self._process.wait()


@pytest.fixture(scope="module")
def dev_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevRun]:
    server = DevRun(tmp_path_factory.mktemp("run"))
    server.start()
    yield server
    server.kill(signal.SIGTERM)
