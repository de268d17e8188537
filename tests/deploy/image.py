"""Dockerfile and .dockerignore, read as Docker does, as far as ours go. There is no engine here to build with."""

import json
import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTIONS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "SHELL", "STOPSIGNAL",
    "USER", "VOLUME", "WORKDIR",
}  # fmt: skip


class Line(NamedTuple):
    """One instruction, its continued lines joined."""

    instruction: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The exec form."""
        found: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return found


def dockerfile() -> list[list[Line]]:
    """What comes before the first FROM, then each stage, beginning with its FROM, arguments put in."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    stages: list[list[Line]] = [[]]
    for written in re.sub(r"\\\n\s*", "", text).splitlines():
        if written.strip():
            line = Line(*written.split(maxsplit=1))
            if line.instruction == "FROM":
                stages.append([])
            stages[-1].append(line)
    arguments = dict(line.rest.split("=", 1) for line in stages[0])
    for stage in stages[1:]:
        base = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], stage[0].rest)
        stage[0] = Line("FROM", base)
    return stages


def command() -> list[str]:
    """What the image runs."""
    return [line for line in dockerfile()[-1] if line.instruction == "CMD"][-1].words


def python_version() -> tuple[int, int]:
    """Of the image that ours is made from."""
    match = re.match(r"python:(\d+)\.(\d+)\.", dockerfile()[-1][0].rest)
    assert match, "not an image of Python"
    return int(match[1]), int(match[2])


def left_out(path: str) -> bool:
    """Whether .dockerignore keeps this path (with /, from the root) out: the last line that names it decides."""
    parts = path.split("/")
    parents = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    out = False
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        if not pattern or pattern.startswith("#"):
            continue
        name = pattern.removeprefix("!")
        anywhere = name.startswith("**/")
        candidates = (
            parts if anywhere else [place for place in parents if place.count("/") == name.count("/")]
        )
        if any(fnmatchcase(candidate, name.removeprefix("**/")) for candidate in candidates):
            out = not pattern.startswith("!")
    return out


def copy_to(folder: Path) -> None:
    """What `COPY . .` puts into the image."""
    assert any(line == ("COPY", ". .") for line in dockerfile()[-1])
    for top in sorted(ROOT.iterdir()):
        if left_out(top.name):
            continue
        if top.is_file():
            shutil.copy(top, folder)
            continue
        for place in sorted(top.rglob("*")):
            inside = place.relative_to(ROOT)
            if place.is_file() and not left_out(inside.as_posix()):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(place, folder / inside)
