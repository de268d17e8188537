"""A message before it is one: what may be sent, checked without the database."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from common.errors import Invalid
from common.text import clean_client_id, clean_text, is_blank
from rooms.access import known_id


class Draft(msgspec.Struct, frozen=True):
    """A message as its author sent it, cleaned. `digest` tells a repetition from other content."""

    room_id: UUID
    author_id: UUID
    client_id: str
    body: str
    digest: str


def clean_body(text: str) -> str:
    """What a message may say, as it is stored; Invalid names `body`."""
    text = clean_text(text, attr="body", max_chars=settings.MESSAGE_MAX_CHARS)
    if is_blank(text):
        raise Invalid.field("body", "must not be blank", "blank")
    return text


def check_draft(
    *,
    room_id: str,
    author_id: UUID,
    client_id: str,
    body: str,
    reply_to: Any = None,
    thread: Any = None,
    attachments: Any = None,
    metadata: Any = None,
) -> Draft:
    """The draft, or NotFound for what is no room id, or Invalid naming the field.

    `reply_to`, `thread`, `attachments` and `metadata` are not built yet: one that holds anything
    is refused, never ignored.
    """
    room = known_id(room_id)
    client_id = clean_client_id(client_id)
    body = clean_body(body)
    for attr, value in (
        ("reply_to", reply_to),
        ("thread", thread),
        ("attachments", attachments),
        ("metadata", metadata),
    ):
        if value is not None and value != [] and value != {}:
            raise Invalid.field(attr, "not supported by this server yet")
    digest = hashlib.sha256(msgspec.json.encode([body])).hexdigest()
    return Draft(room, author_id, client_id, body, digest)
