"""JSON from outside into typed structs: strict, and every refusal a clear `invalid`."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from common.errors import Invalid

T = TypeVar("T")
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_VALUES_MAX = 10_000
_PATH_MAX_CHARS = 200
_REQUIRED = "Object missing required field `"


def decode_json(data: bytes | str) -> Any:
    """Any JSON value. No NaN, Infinity, 1e400, unpaired surrogates, or nesting that exhausts the stack."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _undecodable(data, "The body is not JSON.") from None


def decode_struct(data: bytes | str, shape: type[T]) -> T:
    """`data` as a `shape`; the error names the path of the first field that is wrong."""
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _undecodable(data, "The frame is not JSON.") from None


def convert_struct(value: Any, shape: type[T]) -> T:
    """A decoded JSON value as a `shape`, without coercion: "1" is no number and 1 is not true."""
    try:
        return msgspec.convert(value, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def half_characters(data: bytes | str) -> tuple[Any, str] | None:
    """JSON whose only fault is an unpaired surrogate, as `"\\ud83d"`: its value, and the path of the first.

    A client makes them by cutting a text in the middle of an emoji. None for any other fault, and for more
    values than _VALUES_MAX: looking costs time and space, and anybody may ask for it.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        if _ESCAPED_HALF.search(text) is None:
            return None
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    path = _find_half(value)
    return None if path is None else (value, path[:_PATH_MAX_CHARS])


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _find_half(value: Any) -> str | None:
    """The path of the first text that holds one; depth first, with one path for all."""
    if isinstance(value, str):
        return "" if _HALF.search(value) else None
    path: list[str] = []
    levels = [_values(value)]
    looked = 0
    while levels:
        for key, item in levels[-1]:
            looked += 1
            if looked > _VALUES_MAX:
                return None
            if isinstance(key, str) and _HALF.search(key):
                return ".".join(path)
            if isinstance(item, str) and _HALF.search(item):
                return ".".join([*path, str(key)])
            if isinstance(item, (dict, list)):
                path.append(str(key))
                levels.append(_values(item))
                break
        else:
            levels.pop()
            del path[-1:]
    return None


def _values(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Of an object by its names, of a list by their places; nothing of anything else."""
    if isinstance(value, dict):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list) else iter(())


def _undecodable(data: bytes | str, otherwise: str) -> Invalid:
    found = half_characters(data)
    if found is None:
        return Invalid(otherwise)
    return Invalid.field(found[1] or "body", "unpaired surrogates are not text", "bad_character")


def _invalid(error: msgspec.ValidationError) -> Invalid:
    """msgspec says "Expected `int`, got `str` - at `$.rooms[0].since`"."""
    said, _, path = str(error).partition(" - at `")
    if path:
        # "[...]" stands for a key of a map, which msgspec does not name.
        attr = (
            path.rstrip("`")
            .removeprefix("$")
            .replace("[...]", "")
            .replace("[", ".")
            .replace("]", "")
            .lstrip(".")
        )
        if said.startswith(_REQUIRED):
            return Invalid.field(f"{attr}.{said.split('`')[1]}", "required", "required")
        return Invalid.field(attr, said)
    if said.startswith(_REQUIRED):
        return Invalid.field(said.split("`")[1], "required", "required")
    return Invalid(said)
