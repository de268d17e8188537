"""One real worker: `manage.py serve` as a process, its log, and its own way to Redis."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from devtools.environment import PYTHON
from devtools.processes import ROOT
from devtools.services import free_port
from tests.faults.bus_proxy import BusProxy
from tests.faults.watched import census

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
TAIL = 4000  # characters of a log shown on failure

# The kernel ends the worker with us, however we end; prctl(PR_SET_PDEATHSIG, SIGKILL) outlives exec.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
)


class Worker:
    """Not running until `start`. The port stays the same over restarts; the log goes on."""

    def __init__(self, name: str, env: Mapping[str, str], bus: BusProxy, folder: Path) -> None:
        self.name = name
        self.port = free_port()
        self.bus = bus
        self.log = folder / f"{name}.log"
        self.log.touch()
        self._census = folder / f"{name}.census"
        self._env = {
            **env,
            "REDIS_URL": bus.redis_url,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WORKERS": "1",
            "CENSUS": str(self._census),
            "PGAPPNAME": self.sessions,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def sessions(self) -> str:
        """What PostgreSQL calls its sessions: another cluster's workers may be there too."""
        return f"worker-{self.port}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start; `wait_ready` says when it serves."""
        assert self.pid is None, f"{self.name} runs already"
        python = str(PYTHON if PYTHON.exists() else sys.executable)
        serve = [python, "-m", "tests.faults.watched", "serve", "--port", str(self.port)]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [python, "-c", _DIE_WITH_PARENT, *serve],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Until `/readyz` answers 200.

        Raises:
            AssertionError: it ended or was not ready in time; the text holds the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        answer = "nothing"
        while time.monotonic() < deadline:
            assert self.pid is not None, f"{self.name} ended:\n{self.tail()}"
            with contextlib.suppress(httpx.TransportError):
                response = httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False)
                answer = f"{response.status_code} {response.text[:300]}"
                if response.status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready, /readyz: {answer}\n{self.tail()}")

    def kill(self) -> int:
        """SIGKILL, and wait until it is gone; its process id."""
        pid = self.pid
        assert pid is not None, f"{self.name} does not run:\n{self.tail()}"
        self._end(signal.SIGKILL)
        return pid

    def stop(self) -> int | None:
        """SIGTERM, and SIGKILL when that was not enough; its exit code, None when it did not run."""
        if self.pid is None:
            return None
        self._end(signal.SIGTERM)
        assert self._process is not None
        return self._process.returncode

    def census(self, timeout_s: float = 5.0) -> dict[str, int]:
        """What the process says that it holds (tests.faults.watched) and what the kernel says.

        `rss` in bytes, `fds` open files, `inbound` connections that came to its port; `tasks`, `threads`, `rooms`,
        `people`, `groups` and `joined` are its own words, `frozen` the objects that Python's collector leaves alone, and
        `late_ms` how late its loop was by its own doing.

        Raises:
            AssertionError: it does not run, or did not answer.
        """
        pid = self.pid
        assert pid is not None, f"{self.name} does not run:\n{self.tail()}"
        try:
            said = census(pid, self._census, timeout_s)
        except TimeoutError:
            raise AssertionError(f"{self.name} does not say what it holds:\n{self.tail()}") from None
        return said | self._held(pid)

    def _held(self, pid: int) -> dict[str, int]:
        status = Path(f"/proc/{pid}/status").read_text()
        [resident] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        files = [_target(place) for place in Path(f"/proc/{pid}/fd").iterdir()]
        # local address and inode of every TCP connection there is; state 0A listens
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        here = {
            f"socket:[{line[9]}]" for line in lines if line[3] != "0A" and int(line[1][-4:], 16) == self.port
        }
        return {
            "rss": int(resident.split()[1]) * 1024,
            "fds": len(files),
            "inbound": sum(file in here for file in files),
        }

    def _end(self, sign: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, sign)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def tail(self) -> str:
        return f"--- the end of {self.log}\n{self.log.read_text(errors='replace')[-TAIL:]}"


def _target(place: Path) -> str:
    """What an open file is; empty when it was closed meanwhile."""
    try:
        return os.readlink(place)
    except OSError:
        return ""
