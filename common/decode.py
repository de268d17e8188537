"""JSON from outside into typed structs: strict, and every refusal a clear `invalid`."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from common.errors import FieldError, Invalid

T = TypeVar("T")
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_VALUES_MAX = 10_000
_PATH_MAX_CHARS = 200
_REQUIRED = "Object missing required field `"
_STEP = re.compile(r"\.(\w+)|\[(\.\.\.|\d+)\]")  # of a path as msgspec writes it: $.rooms[0].since
_ANY_KEY = "..."
_TYPES = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")  # as msgspec names them: `str | null`
_IN_JSON = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def decode_json(data: bytes | str) -> Any:
    """Any JSON value. No NaN, Infinity, 1e400, unpaired surrogates, or nesting that exhausts the stack."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _undecodable(data, "The body is not JSON.") from None


def decode_struct(data: bytes | str, shape: type[T]) -> T:
    """`data` as a `shape`; the error names the path of each field that is wrong."""
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error, _value_of(data), shape) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _undecodable(data, "The frame is not JSON.") from None


def convert_struct(value: Any, shape: type[T]) -> T:
    """A decoded JSON value as a `shape`, without coercion: "1" is no number and 1 is not true.

    The error names the path of each field that is wrong: of what is inside a field, the first.
    """
    try:
        return msgspec.convert(value, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error, value, shape) from None


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


def _value_of(data: bytes | str) -> Any:
    """The JSON of which a part was wrong; None where the rest is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _invalid(error: msgspec.ValidationError, value: Any, shape: Any) -> Invalid:
    """msgspec stops at the first wrong field, and a form shows them all: so each is looked at by itself."""
    found: list[FieldError] = []
    if isinstance(value, dict) and isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        for field in msgspec.structs.fields(shape):
            name = field.encode_name
            if name in value:
                try:
                    msgspec.convert(value[name], type=field.type)
                except msgspec.ValidationError as wrong:
                    found.append(_field_error(wrong, name, value[name], field.type))
            elif field.required:
                found.append(FieldError(name, "required", "required"))
    if found:
        return Invalid("; ".join(f"{one.attr}: {one.detail}" for one in found), errors=found)
    one = _field_error(error, "", value, shape)
    return Invalid(f"{one.attr}: {one.detail}", errors=[one]) if one.attr else Invalid(one.detail)


def _field_error(error: msgspec.ValidationError, name: str, value: Any, shape: Any) -> FieldError:
    """msgspec says "Expected `int`, got `str` - at `$[0].since`", of what is in the field of that `name`.

    A client is told so in the words of JSON: "Expected integer, got string".
    """
    said, _, path = str(error).partition(" - at `")
    steps = [text or index for text, index in _STEP.findall(path)]
    if _ANY_KEY in steps:
        _name_key(steps, value, shape)
    code = "invalid"
    if said.startswith(_REQUIRED):
        steps.append(said.split("`")[1])
        code = said = "required"
    said = _TYPES.sub(
        lambda types: " or ".join(_IN_JSON.get(one, one) for one in types[1].split(" | ")), said
    )
    attr = ".".join(step for step in [name, *steps] if step not in ("", _ANY_KEY))
    return FieldError(attr[:_PATH_MAX_CHARS], code, said)


def _name_key(steps: list[str], value: Any, shape: Any) -> None:
    """Put the name of the first wrong key into the path of an error, in which msgspec writes "..." for it.

    Half of the keys at a time: a map may have thousands, and anybody may ask for it.
    """
    place = steps.index(_ANY_KEY)
    container = value
    try:
        for step in steps[:place]:
            container = container[int(step) if isinstance(container, list) else step]
        items = list(container.items())
    except (LookupError, TypeError, ValueError, AttributeError):  # also where the rest is no JSON
        return
    low, high = 0, len(items)  # the first `low` are good, and one of the first `high` is not
    while high - low > 1:
        middle = (low + high) // 2
        container.clear()
        container.update(items[low:middle])
        try:
            msgspec.convert(value, type=shape)
            low = middle
        except msgspec.ValidationError:
            high = middle
    if items:
        steps[place] = str(items[low][0])
