"""What an application keeps beside a message: any JSON object, small and shallow, given back as it came."""

from typing import Any

import msgspec
from django.conf import settings

from common.json_values import clean_value

NONE = "{}"
"""What is stored for a message without any."""


def clean_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """The object as sent; Invalid where it is too large, too deep or has NUL in a text."""
    clean_value(value, attr="metadata", max_bytes=settings.METADATA_MAX_BYTES)
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
