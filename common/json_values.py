"""JSON that we keep or pass on without knowing what it means: small, and shallow, for every client's reader."""

import sys
from typing import Any

import msgspec
from django.conf import settings

from common.errors import Invalid

_INTEGER_MAX = int(sys.float_info.max)


def clean_value(value: Any, *, attr: str, max_bytes: int) -> bytes:
    """The JSON of a decoded value, without spaces.

    Invalid naming `attr` where it is larger, nested deeper than JSON_MAX_DEPTH, has NUL in a text, or a whole number
    beyond all doubles: a reader's parser makes Infinity of it, or refuses the whole frame. (Others do not decode.)
    """
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, str):
            if "\x00" in found:
                raise Invalid.field(attr, "NUL is not text", "bad_character")
            continue
        if isinstance(found, int) and abs(found) > _INTEGER_MAX:
            raise Invalid.field(attr, "a number that no double holds", "out_of_range")
        if not isinstance(found, (dict, list)):
            continue
        if depth > settings.JSON_MAX_DEPTH:
            raise Invalid.field(attr, f"nested at most {settings.JSON_MAX_DEPTH} deep", "too_deep")
        inside = [*found, *found.values()] if isinstance(found, dict) else found
        waiting += [(item, depth + 1) for item in inside]
    text = msgspec.json.encode(value)  # no sooner: what is nested very deep cannot be encoded
    if len(text) > max_bytes:
        raise Invalid.field(attr, f"at most {max_bytes} bytes of JSON", "too_long")
    return text
