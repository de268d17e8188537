"""Real PostgreSQL and Redis for tests, run from binaries: no service, no container, nothing left behind.

    with Postgres() as postgres, Redis() as redis:
        ...  # postgres.url, redis.url
        postgres.restart()  # the same data and the same port
        redis.pause()       # connected clients wait, new ones too

Both listen on 127.0.0.1 only and live in a temporary folder. A guard process ends the server and removes the
folder when the process that started it goes away without doing so, by whatever signal.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from devtools.binaries import plain_env, postgres_bin, redis_server, unprivileged
from devtools.processes import Command, DevError

StopMode = Literal["smart", "fast", "immediate"]

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.02

_GUARD = """
import os, shutil, signal, sys, time
pid, how, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sys.stdin.buffer.read()  # ends when the owner has gone
try:
    for sign in (how, signal.SIGCONT, signal.SIGKILL):
        os.kill(pid, sign)
        deadline = time.monotonic() + (5 if sign == signal.SIGCONT else 0)
        while time.monotonic() < deadline:
            time.sleep(0.02)
            with open(f"/proc/{pid}/stat", "rb") as stat:
                if stat.read().rpartition(b")")[2].split()[0] in b"ZX":
                    break
except OSError:
    pass
shutil.rmtree(folder, ignore_errors=True)
"""


def free_port() -> int:
    """A TCP port on 127.0.0.1 nobody listens on, from below the ephemeral range.

    An outgoing connection cannot take it while a server that had it restarts.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _until(ready: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


class _Server(ABC):
    """One server process: its folder, its port (chosen once, so that a restart keeps it) and its guard."""

    name: str
    guard_signal: signal.Signals

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _prepare(self, folder: Path) -> None:
        """Make what the server needs in its new, empty folder."""

    @abstractmethod
    def _command(self, folder: Path) -> list[str]: ...

    @abstractmethod
    def _ready(self, folder: Path, pid: int) -> bool:
        """Whether clients can work now."""

    def _identity(self) -> dict[str, Any]:
        """Popen's arguments that choose the server's user."""
        return {}

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it does not run."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start, on the same port and data as before if there was a before, and return when clients can work.

        Raises:
            DevError: no binary, or the server did not come up; the text holds the end of its log.
        """
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        if self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix=f"parley-{self.name.lower()}-", dir=_temporary_root()))
            try:
                self._prepare(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._folder = folder
        folder = self._folder
        log = folder / "log"
        with log.open("ab") as output:
            # A session of its own: Ctrl-C at a terminal is for the tests, which then stop the server in order.
            process = subprocess.Popen(
                self._command(folder),
                cwd=folder,
                env=plain_env(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._identity(),
            )
        self._process = process
        self._guard = subprocess.Popen(
            [sys.executable, "-ISc", _GUARD, str(process.pid), str(int(self.guard_signal)), str(folder)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        up = _until(lambda: process.poll() is not None or self._ready(folder, process.pid), START_TIMEOUT_S)
        if not up or process.poll() is not None:
            text = log.read_text(errors="replace")[-2000:]
            self.close()
            raise DevError(f"{self.name} did not start on port {self.port}:\n{text}")
        return self

    def _signal_and_wait(self, sign: signal.Signals) -> None:
        """End the process; its children are the caller's care. Nothing happens when it does not run."""
        process, self._process = self._process, None
        guard, self._guard = self._guard, None
        if process is not None:
            if process.poll() is None:
                process.send_signal(sign)
                process.send_signal(signal.SIGCONT)  # a paused one would not notice
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if guard is not None:
            guard.kill()
            guard.communicate()

    def close(self) -> None:
        """Stop at once and remove the folder with all data. Starting again begins anew, on the same port."""
        self._signal_and_wait(self.guard_signal)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


class Postgres(_Server):
    """A PostgreSQL cluster with the superuser and the database `parley`, without passwords.

    Args:
        port: a fixed TCP port; a free one is chosen when None.
        fsync: off by default, which no crash of the server's processes can show, only one of the machine.
        settings: further server settings, by name.
    """

    name = "PostgreSQL"
    guard_signal = signal.SIGQUIT

    def __init__(
        self, port: int | None = None, *, fsync: bool = False, settings: Mapping[str, str] = {}
    ) -> None:
        super().__init__(port)
        self._settings = {"fsync": "on" if fsync else "off", "max_connections": "100", **settings}
        self._bin = Path()

    @property
    def url(self) -> str:
        return f"postgres://parley@127.0.0.1:{self.port}/parley"

    @property
    def socket_folder(self) -> Path:
        """The folder of the Unix socket, `host` for clients that use one. Only while it has data."""
        if self._folder is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._folder

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop and keep the data: `fast` ends sessions, `smart` waits for them, `immediate` does not clean up."""
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        self._signal_and_wait(signals[mode])

    def restart(self, mode: StopMode = "fast") -> None:
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """SIGKILL to the server and every backend, as when the machine loses them; `start` then recovers."""
        pid = self.pid
        children = _children(pid) if pid else []
        self._signal_and_wait(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        # Its shared memory is free for a new server only when all have gone.
        _until(lambda: not any(map(_alive, children)), STOP_TIMEOUT_S)

    def pause(self) -> None:
        """SIGSTOP to the server and every backend: connections stay open and nothing answers until `resume`."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to all of them."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, sign: signal.Signals) -> None:
        pid = self.pid
        if pid is None:
            raise RuntimeError("PostgreSQL does not run")
        os.kill(pid, sign)  # first: once it is stopped it makes no more backends
        for child in _children(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, sign)

    def _identity(self) -> dict[str, Any]:
        return unprivileged()

    def _prepare(self, folder: Path) -> None:
        identity = unprivileged()
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        self._bin = postgres_bin(folder)
        data = folder / "data"
        how = {"cwd": folder, "env": plain_env(), **identity}
        _run_or_fail(
            [
                self._bin / "initdb",
                "-D",
                data,
                "-U",
                "parley",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
            ],
            **how,
        )
        # In single-user mode a statement ends with its line.
        _run_or_fail(
            [self._bin / "postgres", "--single", "-F", "-D", data, "postgres"],
            input=b"CREATE DATABASE parley\n",
            **how,
        )

    def _command(self, folder: Path) -> list[str]:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), **self._settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._bin / "postgres"), "-D", str(folder / "data"), "-p", str(self.port), *options]

    def _ready(self, folder: Path, pid: int) -> bool:
        # What pg_ctl -w reads: the first line tells this server from one that was killed, the eighth its state.
        try:
            lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


class Redis(_Server):
    """A Redis server that keeps nothing on disk: every start is empty, as after a failover to a bare replica."""

    name = "Redis"
    guard_signal = signal.SIGKILL

    def __init__(self, port: int | None = None) -> None:
        super().__init__(port)
        self._binary = Path()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        """Stop in order; clients see their connections closed."""
        self._signal_and_wait(signal.SIGTERM)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self._signal_and_wait(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers until `resume`."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, sign: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("Redis does not run")
        self._process.send_signal(sign)

    def _prepare(self, folder: Path) -> None:
        self._binary = redis_server()

    def _command(self, folder: Path) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "dir": str(folder),
        }
        return [
            str(self._binary),
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]

    def _ready(self, folder: Path, pid: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@contextlib.contextmanager
def stores() -> Iterator[tuple[str, str]]:
    """URLs of a PostgreSQL and a Redis: the environment's where they are set, else servers of our own."""
    with contextlib.ExitStack() as stack:
        database, bus = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
        if not database.startswith(("postgres://", "postgresql://")):
            database = stack.enter_context(Postgres()).url
        if not bus.startswith(("redis://", "rediss://", "unix://")):
            bus = stack.enter_context(Redis()).url
        yield database, bus


def _temporary_root() -> str:
    """A folder for temporary folders that `nobody` can reach too, when we are root."""
    root = Path(tempfile.gettempdir()).resolve()
    reachable = all(place.stat().st_mode & 0o001 for place in (root, *root.parents))
    return str(root) if os.geteuid() != 0 or reachable else "/tmp"  # noqa: S108 (a private folder is made in it)


def _run_or_fail(command: Command, **how: Any) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=START_TIMEOUT_S, **how
    )
    if done.returncode:
        raise DevError(f"{Path(command[0]).name} failed:\n{done.stdout.decode(errors='replace')[-2000:]}")


def _stat(pid: int | str) -> list[str]:
    """State, parent and so on from /proc; empty when there is no such process."""
    try:
        # pid (name) state ppid …; a name may hold anything, also a parenthesis.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _alive(pid: int) -> bool:
    """Whether the process still holds anything: one that waits to be reaped does not."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def _children(pid: int) -> list[int]:
    """The ids of a process's children, where there is a /proc to read them from."""
    everyone = [int(place.name) for place in Path("/proc").glob("[0-9]*")]
    return [other for other in everyone if _stat(other)[1:2] == [str(pid)]]
