"""A server of the installation as an ordinary process, with its log."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools.environment import VENV

# The kernel ends it with us, however we end; prctl(PR_SET_PDEATHSIG, SIGTERM) outlives exec. Of SIGKILL nginx's own
# workers would not hear.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execvp(sys.argv[1], sys.argv[1:])"
)
STOP_S = 20.0
# What is found as `python` and the like: ours first.
PATH = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath), "/usr/sbin"])


class Process:
    """Not running until `start`; the log goes on over restarts."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> None:
        self.log = log
        self._command = command
        self._env = {"PATH": PATH, **env}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        assert not self.running
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _DIE_WITH_PARENT, *self._command],
                cwd=self._folder, env=self._env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def wait(self) -> int:
        """Its exit code."""
        assert self._process is not None
        return self._process.wait(STOP_S)

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int | None:
        """Its exit code; SIGKILL when it does not stop. None when it never ran."""
        if self._process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(sign)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""
