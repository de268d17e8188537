"""docker-compose.yml as Compose reads it, with the values of a .env put in. There is no engine here to ask."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
_NAME = re.compile(r"\$(?:\$|\{([A-Z_]+)(?:(:[-?])|\}))")


class Missing(Exception):
    """A value that must be given; the text is what Compose says."""


def interpolate(text: str, env: Mapping[str, str]) -> str:
    """`$$`, `${NAME}`, `${NAME:-default}` and `${NAME:?why}` replaced; a default may hold others.

    Raises:
        Missing: a `:?` without a value.
    """
    out = ""
    while match := _NAME.search(text):
        out, text, name = out + text[: match.start()], text[match.end() :], match[1]
        if name is None:
            out += "$"
        elif match[2] is None:
            out += env.get(name, "")
        else:
            end = _closing_brace(text)
            word, text = text[:end], text[end + 1 :]
            if env.get(name):
                out += env[name]
            elif match[2] == ":?":
                raise Missing(f"required variable {name} is missing a value: {word}")
            else:
                out += interpolate(word, env)
    return out + text


def variables() -> set[str]:
    """Every name that is taken from .env or the caller's environment."""
    text = "\n".join(line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#"))
    return {match[1] for match in _NAME.finditer(text) if match[1]}


def read_env(text: str) -> dict[str, str]:
    """A .env without quotes."""
    pairs = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


class Compose:
    """The project, for a .env.

    Raises:
        Missing: on first use, where a required value is not in `env`.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole file."""
        found: dict[str, Any] = self._filled(yaml.safe_load(FILE.read_text()))
        return found

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        return dict(self.document["services"])

    def environment(self, service: str) -> dict[str, str]:
        """What its process finds: the .env where the service has it as `env_file`, and `environment` above that."""
        described = self.services[service]
        given = dict(self._env) if "env_file" in described else {}
        return given | described.get("environment", {})

    def _filled(self, value: Any) -> Any:
        match value:
            case str():
                return interpolate(value, self._env)
            case list():
                return [self._filled(item) for item in value]
            case dict():
                return {name: self._filled(item) for name, item in value.items()}
            case _:
                return value


def _closing_brace(text: str) -> int:
    depth = 0
    for index, character in enumerate(text):
        if character == "}":
            if not depth:
                return index
            depth -= 1
        elif text.startswith("${", index):
            depth += 1
    raise ValueError(f"no closing brace: {text!r:.80}")
