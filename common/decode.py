"""JSON from outside into typed structs: strict, and every refusal a clear `invalid`."""

from typing import Any, TypeVar

import msgspec

from common.errors import Invalid

T = TypeVar("T")


def decode_json(data: bytes | str) -> Any:
    """Any JSON value. No NaN, Infinity, 1e400, unpaired surrogates, or nesting that exhausts the stack."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("The body is not JSON.") from None


def decode_struct(data: bytes | str, shape: type[T]) -> T:
    """`data` as a `shape`; the error names the path of the first field that is wrong."""
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("The frame is not JSON.") from None


def convert_struct(value: Any, shape: type[T]) -> T:
    """A decoded JSON value as a `shape`, without coercion: "1" is no number and 1 is not true."""
    try:
        return msgspec.convert(value, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


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
        return Invalid.field(attr, said)
    if said.startswith("Object missing required field `"):
        return Invalid.field(said.split("`")[1], "required", "required")
    return Invalid(said)
