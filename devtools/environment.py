"""Makes and keeps `.venv`, from a bare Python on. Everything here works before anything is installed."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from devtools.processes import ROOT, TICK_S, Command, DevError, call, say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = ROOT / ".parley"  # this checkout's own database, secret and caches; never in the repository
STAMP = VENV / "parley-stamp"
UV = "uv==0.13.9"
UNFINISHED = "unfinished\n"
NO_ENSUREPIP = "This Python lacks its venv support. As root, run:\n    apt-get install -y python3-venv"


def python_identity() -> str:
    """The Python that runs this, and where `.venv` is: scripts inside hold its absolute path."""
    return f"{platform.python_implementation()} {platform.python_version()} {sys.base_prefix}\n{VENV}\n"


def fingerprint() -> str:
    """What the stamp holds when `.venv` is as it should be."""
    lock = hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()
    return f"{python_identity()}{UV} uv.lock {lock}\n"


def stamp() -> str | None:
    """The stamp's text; None when `.venv` has none."""
    try:
        return STAMP.read_text()
    except OSError:
        return None


def reusable(found: str | None) -> bool:
    """Whether a `.venv` with this stamp may be synced in place.

    A set-up that was cut short, a moved folder and another Python need a new one. Without a stamp somebody else
    made it, and it is kept if its Python is ours.
    """
    if found is not None:
        return found.startswith(python_identity())
    probe = "import platform, sys; print(platform.python_implementation(), platform.python_version(), sys.base_prefix)"
    try:
        answer = subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return f"{answer.stdout}{VENV}\n" == python_identity()


def environ() -> dict[str, str]:
    """The environment for tools of `.venv`: its programs first on PATH."""
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
    return env


def uv_environ() -> dict[str, str]:
    """The environment for uv: this checkout's `.venv`, and a cache it can write to."""
    env = environ() | {"UV_PROJECT_ENVIRONMENT": str(VENV)}
    if not _home_is_writable():
        env.setdefault("UV_CACHE_DIR", str(STATE / "cache" / "uv"))
    return env


def check_environ(folder: str) -> dict[str, str]:
    """The environment of a check: settings for SQLite in `folder` and memory.

    What the settings file reads is left out of the caller's: no check may depend on a developer's own values.
    """
    read = set(re.findall(r"""\benv\.\w+\(\s*"(\w+)""", (ROOT / "backend" / "settings.py").read_text()))
    return {name: value for name, value in environ().items() if name not in read} | {
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
    }


def pip(verb: str, *arguments: str | Path) -> Command:
    """The command for `.venv`'s pip, fit for a log."""
    quiet = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    return [PYTHON, "-m", "pip", verb, *quiet, *arguments]


def prepare() -> None:
    """Bring `.venv` up to uv.lock. Costs nothing when it is; safe while another dev.py does the same.

    Raises:
        DevError: no venv support in this Python, or neither uv nor pip could install.
    """
    wanted = fingerprint()
    if stamp() == wanted:
        return
    STATE.mkdir(mode=0o700, exist_ok=True)
    with _alone():
        if stamp() == wanted:
            return
        started = time.monotonic()
        say(f"Setting up {VENV} for Python {platform.python_version()}")
        _make_venv()
        STAMP.write_text(UNFINISHED)
        if not _sync_with_uv():
            _sync_with_pip()
        STAMP.write_text(wanted)
        say(f"  done in {time.monotonic() - started:.1f} s")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the set-up lock of this checkout; the kernel frees it whatever happens to us."""
    with (STATE / "setup.lock").open("w") as file:
        next_word = time.monotonic()
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= next_word:
                    say("    … another dev.py is setting up; waiting for it")
                    next_word = time.monotonic() + TICK_S
                time.sleep(0.05)
        yield


def _make_venv() -> None:
    if VENV.exists() and not reusable(stamp()):
        say("  removing the old .venv: unfinished, moved or of another Python")
        shutil.rmtree(VENV)
    if not PYTHON.exists():
        if importlib.util.find_spec("ensurepip") is None:
            raise DevError(NO_ENSUREPIP)
        say("  making .venv")
        VENV.mkdir(exist_ok=True)
        STAMP.write_text(UNFINISHED)
        base = getattr(sys, "_base_executable", sys.executable)  # not the .venv that may be running us
        if call([base, "-m", "venv", "--without-pip", VENV], os.environ, tick=True):
            raise DevError("Could not make .venv.")
    if subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode:
        if importlib.util.find_spec("ensurepip") is None:
            raise DevError(NO_ENSUREPIP)
        say("  adding pip")
        if call([PYTHON, "-m", "ensurepip", "--upgrade", "--default-pip"], environ(), tick=True):
            raise DevError("Could not add pip to .venv.")


def _sync_with_uv() -> bool:
    """Install what uv.lock says with uv. False when that failed, for whatever reason."""
    say(f"  installing {UV}")
    if call(pip("install", UV), environ(), tick=True):
        return False
    say("  installing what uv.lock says")
    # --inexact leaves pip and uv themselves in place.
    sync: Command = [VENV / "bin" / "uv", "sync", "--frozen", "--inexact", "--all-groups", "--python", PYTHON]
    return call(sync, uv_environ(), tick=True) == 0


def _sync_with_pip() -> None:
    say("  uv did not do it; installing requirements-dev.txt with pip (slower)")
    if call(pip("install", "--require-hashes", "-r", ROOT / "requirements-dev.txt"), environ(), tick=True):
        raise DevError(
            "Neither uv nor pip could install; the lines above say why. Is a package index reachable?"
        )


def _home_is_writable() -> bool:
    try:
        place = Path.home() / ".cache"
    except RuntimeError:
        return False
    while not place.exists():
        place = place.parent
    return os.access(place, os.W_OK | os.X_OK)
