"""Several worker processes on one port: one that dies is replaced, and all can be renewed one by one.

Between the supervisor and each worker there is one line, a socket pair: the worker says on it that it
answers, and ends when the other end is gone, so that none outlives a supervisor that was killed.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from time import monotonic

from django.conf import settings

_LOOK_S = 0.5


class Worker:
    """One process, and the line to it."""

    def __init__(self, command: Sequence[str], listener: int) -> None:
        """`command` starts it; the numbers of the listener and of its end of the line are appended."""
        self._line, far = socket.socketpair()
        with far:
            # In its own session: a Ctrl-C at the terminal reaches the supervisor alone.
            self.process = subprocess.Popen(  # noqa: S603  our own command line
                [*command, "--fd", str(listener), "--supervisor", str(far.fileno())],
                pass_fds=[listener, far.fileno()],
                start_new_session=True,
                env={**os.environ, "WORKERS": "1"},
            )

    @property
    def gone(self) -> bool:
        """Whether it has ended, by itself or not."""
        return self.process.poll() is not None

    def answers(self, within_s: float) -> bool:
        """Whether it says within that time that it serves."""
        self._line.settimeout(within_s)
        try:
            return self._line.recv(1) != b""
        except OSError:
            return False

    def end(self) -> int:
        """Ask it to stop, wait, and return its exit status."""
        self.process.terminate()
        status = self.process.wait()
        self._line.close()
        return status


class Supervisor:
    """Keeps `workers` processes on one listening socket."""

    def __init__(self, listener: socket.socket, workers: int, command: Sequence[str]) -> None:
        """`command` starts a worker (see Worker)."""
        self._command = command
        self._listener = listener
        self._count = workers
        self._workers: list[Worker] = []
        self._stopping = threading.Event()
        self._renewing = threading.Event()

    def run(self) -> int:
        """Until SIGTERM or SIGINT, which is handed on; then the exit status: 0 if all ended well.

        SIGHUP renews the workers one by one, with what is now on the disk: the next one stops when its
        successor answers. One that does not come up leaves the rest as they are.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        signal.signal(signal.SIGHUP, lambda *_: self._renewing.set())
        self._workers = [self._start() for _ in range(self._count)]
        while not self._stopping.wait(_LOOK_S):
            for index, worker in enumerate(self._workers):
                self._replace_if_gone(index, worker)
            if self._renewing.is_set():
                self._renewing.clear()
                self._renew()
        for worker in self._workers:
            worker.process.terminate()
        ended = [worker.end() for worker in self._workers]
        # By the signal itself: it had not begun to serve.
        return 0 if all(code in (0, -signal.SIGTERM) for code in ended) else 1

    def _start(self) -> Worker:
        return Worker(self._command, self._listener.fileno())

    def _replace_if_gone(self, index: int, worker: Worker) -> None:
        if worker.gone:
            _say(f"worker {worker.process.pid} ended with {worker.process.returncode}; starting another")
            worker.end()
            self._workers[index] = self._start()

    def _renew(self) -> None:
        for index, old in enumerate(self._workers):
            new = self._start()
            if not self._comes_up(new):
                new.end()
                _say("a new worker does not answer: the old ones go on")
                return
            self._workers[index] = new
            _say(f"worker {new.process.pid} takes over from {old.process.pid}")
            old.end()
            if self._stopping.is_set():
                return

    def _comes_up(self, worker: Worker) -> bool:
        end = monotonic() + settings.WORKER_START_S
        while monotonic() < end and not worker.gone and not self._stopping.is_set():
            if worker.answers(_LOOK_S):
                return True
        return False


def watch(line: int) -> socket.socket:
    """In a worker: the line to the supervisor, with a thread that stops this process when it is gone."""
    near = socket.socket(fileno=line)
    threading.Thread(target=_until_gone, args=(near,), name="supervisor", daemon=True).start()
    return near


def _until_gone(line: socket.socket) -> None:
    with line.dup() as mine, contextlib.suppress(OSError):  # reset: it had not read what was said
        while mine.recv(1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
