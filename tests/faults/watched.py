"""`manage.py`, in a process that says on SIGUSR1 how much it holds: into the file that CENSUS names.

python -m tests.faults.watched serve --port 8001
"""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from pathlib import Path

from django.core.management import execute_from_command_line


def _count(*_: object) -> None:
    """Write what the server's loop holds, whole at once."""
    module = sys.modules.get("gateway.runtime")
    current = module._current if module else None
    if current is None:
        return  # it has not begun, or is ending: nothing is written, and the asker asks again
    hub = current.hub
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
            }
        )
    )
    draft.rename(file)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    execute_from_command_line(["manage.py", *sys.argv[1:]])
