"""`manage.py`, in a process that says on SIGUSR1 how much it holds: into the file that CENSUS names. `census` asks.

With WATCH_LOOP set it looks, from the first time on, how late its loop is, without what it waited for a processor while
others had it. SABOTAGE names a cure that is switched off in it (tests.faults.sabotage).

python -m tests.faults.watched serve --port 8001
"""

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import django
from django.core.management import execute_from_command_line

LOOK_S = 0.01
_late_s: list[float] = []  # at each look since it was asked before


def census(pid: int, file: Path, timeout_s: float = 5.0) -> dict[str, int]:
    """What such a process says. `late_ms`: how late its loop was, by its own doing, since it was asked before, at the
    worst of each hundred looks.

    Raises:
        TimeoutError: it did not answer.
    """
    file.unlink(missing_ok=True)
    deadline = time.monotonic() + timeout_s
    os.kill(pid, signal.SIGUSR1)
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    said: dict[str, int] = json.loads(file.read_text())
    return said


def _look(loop: asyncio.AbstractEventLoop, due: float, waited_before_s: float) -> None:
    now, waited_s = loop.time(), _waited_s()
    _late_s.append(max(0.0, now - due - max(0.0, waited_s - waited_before_s)))
    loop.call_at(now + LOOK_S, _look, loop, now + LOOK_S, waited_s)


def _waited_s() -> float:
    """How long our threads could have run and had no processor, so far; 0 where Linux does not count it.

    All of them: one that has none may have Python's lock.
    """
    waited_s = 0.0
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/schedstat") as counted:
            waited_s += int(counted.read().split()[1]) / 1e9
    return waited_s


def _count(*_: object) -> None:
    """Write what the server's loop holds, whole at once."""
    module = sys.modules.get("gateway.runtime")
    current = module._current if module else None
    if current is None:
        return  # it has not begun, or is ending: nothing is written, and the asker asks again
    hub = current.hub
    if "WATCH_LOOP" in os.environ and not _late_s:
        _late_s.append(0.0)
        current.loop.call_soon_threadsafe(lambda: _look(current.loop, current.loop.time(), _waited_s()))
    late_s = sorted(_late_s) or [0.0]
    del _late_s[1:]
    file = Path(os.environ["CENSUS"])
    draft = file.with_suffix(".draft")
    draft.write_text(
        json.dumps(
            {
                "tasks": len(asyncio.all_tasks(current.loop)),
                "threads": threading.active_count(),
                "rooms": len(hub._feeds),
                "people": len(hub._people),
                "groups": len(hub.bus._wanted),
                "joined": len(hub.bus._joined),
                "frozen": gc.get_freeze_count(),
                "late_ms": round(1e3 * late_s[int(0.99 * len(late_s))]),
            }
        )
    )
    draft.rename(file)


def _switch_off(cure: str) -> None:
    """Before anything is served; what is patched needs Django's applications."""
    django.setup()
    getattr(import_module("tests.faults.sabotage"), cure)()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    if cure := os.environ.get("SABOTAGE"):
        _switch_off(cure)
    execute_from_command_line(["manage.py", *sys.argv[1:]])
