"""Files in the repository that are made from others: how to make them, and whether they are stale."""

import difflib
import hashlib
import subprocess
import tempfile
from pathlib import Path

from devtools.environment import PYTHON, VENV, check_environ, uv_environ
from devtools.processes import ROOT, Command, DevError, call, say

OPENAPI = ROOT / "docs" / "openapi.yaml"
EXPORTS = {"requirements.txt": ("--no-dev",), "requirements-dev.txt": ("--all-groups",)}
_UV = VENV / "bin" / "uv"


def openapi(arguments: list[str]) -> int:
    """Write docs/openapi.yaml, or with `--check` compare it: exit code 1 when it is stale or invalid."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "openapi.yaml"
        command: Command = [
            PYTHON,
            "manage.py",
            "spectacular",
            "--validate",
            "--fail-on-warn",
            "--file",
            made,
        ]
        if call(command, check_environ(folder)):
            raise DevError("The OpenAPI document could not be made.")
        text = made.read_text()
    if arguments == ["--check"]:
        return _compare(OPENAPI, text, "openapi")
    OPENAPI.parent.mkdir(exist_ok=True)
    OPENAPI.write_text(text)
    say(f"wrote {OPENAPI.relative_to(ROOT)}")
    return 0


def lock(arguments: list[str]) -> int:
    """Bring uv.lock up to pyproject.toml and export it twice; with `--check` compare: exit code 1 when stale.

    Where uv itself cannot be installed, the check knows the exports by the digest of uv.lock in their header.
    """
    if not _UV.exists():
        if arguments == ["--check"]:
            return max(_compare_digest(ROOT / name) for name in EXPORTS)
        raise DevError("uv could not be installed here, and only uv can write uv.lock.")
    if arguments == ["--check"]:
        # Offline: what pyproject.toml asks for is also written in uv.lock.
        if call([_UV, "lock", "--check", "--offline", "--quiet"], uv_environ()):
            raise DevError("uv.lock is not what pyproject.toml asks for. Run: python3 dev.py lock")
        return max(_compare(ROOT / name, _export(name), "lock") for name in EXPORTS)
    if call([_UV, "lock"], uv_environ(), tick=True):
        raise DevError("uv.lock could not be made.")
    for name in EXPORTS:
        (ROOT / name).write_text(_export(name))
        say(f"wrote {name}")
    return 0


def _header(name: str) -> str:
    digest = hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()
    return f"# Made by `python3 dev.py lock` with: {' '.join(_export_command(name))}\n# from uv.lock, sha256 {digest}\n"


def _export_command(name: str) -> list[str]:
    return ["uv", "export", "--frozen", "--no-emit-project", "--no-header", *EXPORTS[name]]


def _export(name: str) -> str:
    """The text of a requirements file with hashes. Asks no package index."""
    command = [str(_UV), *_export_command(name)[1:], "--quiet"]
    done = subprocess.run(command, cwd=ROOT, env=uv_environ(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DevError(f"uv export failed:\n{done.stderr}")
    return _header(name) + done.stdout


def _compare(file: Path, wanted: str, command: str) -> int:
    found = file.read_text() if file.exists() else ""
    if found == wanted:
        return 0
    name = str(file.relative_to(ROOT))
    difference = difflib.unified_diff(
        found.splitlines(), wanted.splitlines(), name, "as it should be", lineterm=""
    )
    for line in list(difference)[:40]:
        say(line)
    say(f"{name} is stale. Run: python3 dev.py {command}")
    return 1


def _compare_digest(file: Path) -> int:
    if file.exists() and file.read_text().startswith(_header(file.name)):
        return 0
    say(f"{file.name} is stale. Run: python3 dev.py lock")
    return 1
