"""Child processes that never outlive dev.py."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
TICK_S = 5.0
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

Command = list[str | Path]


class DevError(Exception):
    """Something the user can mend; its text says how. dev.py prints it and exits with 1."""


def say(text: str) -> None:
    """Print a line at once, also into a pipe, so that it stays in order with the children's output."""
    print(text, flush=True)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(
    command: Command, env: Mapping[str, str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start a command in the checkout. Call it from the main thread: the kernel ends the child with that thread.

    With `output`, what it prints goes there and it has no input; else it shares dev.py's terminal (pytest --pdb).
    """
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL if output else None,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        preexec_fn=_die_with_parent,
    )


def end(process: subprocess.Popen[bytes], grace_s: float = 10.0) -> None:
    """Ask a process to end, then make it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def call(command: Command, env: Mapping[str, str], *, tick: bool = False) -> int:
    """Run a command to its end and return its exit code. With `tick`, say every 5 s that it still works."""
    process = spawn(command, env)
    started = time.monotonic()
    try:
        while True:
            try:
                return process.wait(TICK_S if tick else None)
            except subprocess.TimeoutExpired:
                say(f"    … still working ({time.monotonic() - started:.0f} s)")
    except KeyboardInterrupt:
        # Ctrl-C at a terminal reached the child too; it closes in its own way before we insist.
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            end(process)
        raise
    finally:
        end(process)
