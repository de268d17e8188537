"""What an application keeps beside a message: any JSON object, small and shallow, given back as it came."""

from typing import Any

import msgspec
from django.conf import settings

from common.errors import Invalid

NONE = "{}"
"""What is stored for a message without any."""


def clean_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """The object as sent; Invalid where it is too large, too deep or has NUL in a text."""
    if len(msgspec.json.encode(value)) > settings.METADATA_MAX_BYTES:
        raise Invalid.field("metadata", f"at most {settings.METADATA_MAX_BYTES} bytes of JSON", "too_long")
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, str):
            if "\x00" in found:
                raise Invalid.field("metadata", "NUL is not text", "bad_character")
            continue
        if not isinstance(found, (dict, list)):
            continue
        if depth > settings.METADATA_MAX_DEPTH:
            raise Invalid.field("metadata", f"nested at most {settings.METADATA_MAX_DEPTH} deep", "too_deep")
        inside = [*found, *found.values()] if isinstance(found, dict) else found
        waiting += [(item, depth + 1) for item in inside]
    return value


def write_metadata(value: dict[str, Any]) -> str:
    """As it is stored: text, because PostgreSQL's jsonb would change numbers and the order of names."""
    return msgspec.json.encode(value).decode() if value else NONE


def read_metadata(text: str) -> dict[str, Any]:
    """The inverse of `write_metadata`."""
    if text == NONE:
        return {}
    value: dict[str, Any] = msgspec.json.decode(text)
    return value
