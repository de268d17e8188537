"""Ids: UUIDv7, opaque to clients, written in lower case with hyphens."""

import uuid

from uuid_utils.compat import uuid7

_CANONICAL_LENGTH = 36


def new_id() -> uuid.UUID:
    """A new UUIDv7, roughly ordered by time so that indexes stay compact.

    74 bits are random; beside another of the same millisecond 32, so no id is ever a secret.
    """
    return uuid7()


def parse_id(text: str) -> uuid.UUID | None:
    """The id written in `text`, or None where it is not written as we write ids.

    Strict on purpose: one thing has one name, so `{…}`, upper case and missing hyphens are
    unknown ids, not other spellings of a known one.
    """
    if len(text) != _CANONICAL_LENGTH:
        return None
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
