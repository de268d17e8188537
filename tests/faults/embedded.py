"""The server as it runs with nothing beside it: SQLite and memory, one process."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from devtools.environment import PYTHON
from devtools.processes import ROOT
from devtools.services import free_port
from tests.faults.stores import KEPT, SECRET_KEY
from tests.limits import WIDE_ENV

READY_S = 30.0


@contextlib.contextmanager
def embedded(
    folder: Path,
    log: Path,
    *,
    shell: Sequence[str] = ("sh", "-c"),
    before: str = "true",
    settings: Mapping[str, str] = {},
) -> Iterator[tuple[str, int]]:
    """Its URL and process id, with its database in `folder`; it ends with the block. `census` finds its file beside `log`.

    `shell` runs the command, and `before` it what is to be done first.
    """
    port = free_port()
    python = str(PYTHON if PYTHON.exists() else sys.executable)
    command = f"{before} && {python} manage.py migrate --noinput -v 0 && exec {python} -m tests.faults.watched serve --port {port}"
    env = {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "SECRET_KEY": SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "CENSUS": f"{log}.census",
        **WIDE_ENV,
        **settings,
    }
    with log.open("wb") as output:
        process = subprocess.Popen([*shell, command], cwd=ROOT, env=env, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + READY_S
            while not _ready(port):
                assert time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.kill()
            process.wait()


def _ready(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    return False
