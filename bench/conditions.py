"""Under what a number was measured."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from bench.stores import Stores
from devtools.processes import ROOT

PACKAGES = (
    "django",
    "channels",
    "channels-redis",
    "daphne",
    "uvicorn",
    "websockets",
    "uvloop",
    "psycopg",
    "redis",
    "picows",
)


class Conditions(msgspec.Struct, frozen=True):
    """The machine, the versions and how long was measured."""

    date: str
    commit: str
    cpu: str
    cores: int
    memory_gb: float
    system: str
    seconds: float
    runs: int
    versions: dict[str, str]


def conditions(stores: Stores, *, seconds: float, runs: int) -> Conditions:
    """Those of this machine, now."""
    memory = int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1e6
    versions = (
        {"Python": platform.python_version()} | stores.versions() | {name: version(name) for name in PACKAGES}
    )
    if shutil.which("node"):
        versions["Node"] = _printed("node", "--version").lstrip("v")
    return Conditions(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        commit=_printed("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        cpu=_field("/proc/cpuinfo", "model name"),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(memory, 1),
        system=f"{platform.system()} {platform.release()}",
        seconds=seconds,
        runs=runs,
        versions=versions,
    )


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")


def _printed(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
