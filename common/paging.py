"""Keyset pages: an opaque cursor that names the last row seen, never an offset. Bounded in rows and in bytes."""

import base64
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from common.errors import Invalid
from common.meaning import means

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
INT64_MAX = 2**63 - 1

T = TypeVar("T")
NextCursor = Annotated[str | None, means("For the next page, as `?cursor=`; null at the end.")]
"""Of every page of a list."""


def read_int(query: Mapping[str, Any], name: str, *, low: int = 0, high: int = INT64_MAX) -> int | None:
    """The query parameter `name` as a plain decimal integer in [low, high], None where absent or empty."""
    text = query.get(name)
    if not text:  # empty: clients send what is not set like this
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and low <= int(text) <= high):
        raise Invalid.field(name, f"an integer from {low} to {high}")
    return int(text)


def read_limit(query: Mapping[str, Any]) -> int:
    """`?limit=`: 50 by default; more than 200 is 200; 0 and what is no number are `invalid`."""
    text = query.get("limit")
    if not text:
        return LIMIT_DEFAULT
    if text.isascii() and text.isdigit() and text.strip("0"):
        return LIMIT_MAX if len(text) > 9 else min(int(text), LIMIT_MAX)
    raise Invalid.field("limit", f"an integer from 1 to {LIMIT_MAX}")


def number_that_fit(sizes: Iterable[int], max_bytes: int) -> int:
    """How many of the first things, of these sizes, make a page of at most `max_bytes`; one whatever its size."""
    total = number = 0
    for size in sizes:
        total += size
        if number and total > max_bytes:
            break
        number += 1
    return number


def write_cursor(*key: Any) -> str:
    """The cursor after the row with this sort key; opaque, and safe in a URL."""
    return (
        base64.urlsafe_b64encode(msgspec.json.encode(key[0] if len(key) == 1 else key)).decode().rstrip("=")
    )


def read_cursor(query: Mapping[str, Any], shape: type[T]) -> T | None:
    """The sort key in `?cursor=`, None where absent or empty; anything else than ours is `invalid`."""
    text = query.get("cursor")
    if not text:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=shape)
    except (ValueError, msgspec.MsgspecError):
        raise Invalid.field("cursor", "not a cursor of this list") from None
