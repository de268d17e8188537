"""`dev.py run`: the embedded default, SQLite and memory in one process."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from devtools.environment import PYTHON, STATE, environ
from devtools.processes import ROOT, DevError, call, say

ANY_ADDRESS = ("0.0.0.0", "::", "[::]")  # noqa: S104 (compared with, not bound to)


def secret_key(file: Path) -> str:
    """The key in `file`, made on the first call: 64 URL-safe characters, mode 0600.

    Two first calls at once agree: the key appears whole, and only once.
    """
    if not file.exists():
        # mkstemp's files are 0600 from the start.
        handle, draft = tempfile.mkstemp(dir=file.parent)
        with open(handle, "w") as stream:
            stream.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        os.unlink(draft)
    return file.read_text()


def defaults(env: Mapping[str, str], state: Path) -> dict[str, str]:
    """What `run` adds to the environment: only names that are unset or empty there."""
    host = env.get("HOST") or "127.0.0.1"
    wanted = {
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{state / 'db.sqlite3'}",
        "HOST": host,
        "PORT": "8000",
        # Whatever of a developer's own names and addresses is not here passes with DEBUG on.
        **({} if host in ANY_ADDRESS else {"ALLOWED_HOSTS": f"[{host}]" if ":" in host else host}),
    }
    if not env.get("SECRET_KEY"):
        wanted["SECRET_KEY"] = secret_key(state / "secret_key")
    return {name: value for name, value in wanted.items() if not env.get(name)}


def served_at() -> str:
    """The URL of `run` on this machine, by the environment's HOST and PORT."""
    host = os.environ.get("HOST") or "127.0.0.1"
    if host in ANY_ADDRESS:
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT') or '8000'}"


def run(arguments: list[str]) -> NoReturn:
    """Migrate, then become `manage.py serve` with these arguments, so that signals reach the server itself."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    env = environ()
    env |= defaults(env, STATE)
    manage = [str(PYTHON), str(ROOT / "manage.py")]
    say("Bringing the database up to date")
    if call([*manage, "migrate", "--noinput", "--verbosity", "0"], env, tick=True):
        raise DevError("The database could not be brought up to date; the lines above say why.")
    os.chdir(ROOT)
    os.execve(manage[0], [*manage, "serve", *arguments], env)
