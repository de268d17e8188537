"""A message before it is one: what may be sent, checked without the database."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from common.errors import Invalid
from common.ids import parse_id
from common.text import clean_client_id, clean_text, is_blank
from messaging.mentions import names_in
from messaging.metadata import clean_metadata
from rooms.access import known_id


class Draft(msgspec.Struct, frozen=True):
    """A message as its author sent it, cleaned. `digest` tells a repetition from other content.

    `names` are those that the text may name (messaging/mentions.py).
    """

    room_id: UUID
    author_id: UUID
    client_id: str
    body: str
    digest: str
    names: tuple[tuple[str, ...], ...] = ()
    reply_to: UUID | None = None
    metadata: dict[str, Any] = {}


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
    reply_to: str | None = None,
    thread: Any = None,
    attachments: Any = None,
    metadata: dict[str, Any] | None = None,
) -> Draft:
    """The draft, or NotFound for what is no room id, or Invalid naming the field.

    `thread` and `attachments` are not built yet: one that holds anything is refused, never ignored.
    """
    room = known_id(room_id)
    client_id = clean_client_id(client_id)
    body = clean_body(body)
    for attr, value in (("thread", thread), ("attachments", attachments)):
        if value is not None and value != [] and value != {}:
            raise Invalid.field(attr, "not supported by this server yet")
    replied = None if reply_to is None else parse_id(reply_to)
    if replied is None and reply_to is not None:
        raise no_such_reply()
    metadata = clean_metadata(metadata) if metadata else {}
    digest = _digest(body, replied, metadata)
    return Draft(room, author_id, client_id, body, digest, names_in(body), replied, metadata)


def no_such_reply() -> Invalid:
    """`reply_to` names no message of the room."""
    return Invalid.field("reply_to", "no such message in this room", "not_found")


def _digest(body: str, reply_to: UUID | None, metadata: dict[str, Any]) -> str:
    """What the draft holds, as a hash that is kept for ever: what it lacks is no part of it, so that it stays
    the same when drafts can hold more."""
    said: list[Any] = [body]
    if reply_to is not None or metadata:
        more = {"reply_to": reply_to, "metadata": metadata}
        said.append({name: value for name, value in more.items() if value})
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()
