"""A message before it is one: what may be sent, checked without the database."""

import hashlib
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils.crypto import salted_hmac

from common.errors import Invalid
from common.ids import parse_id
from common.text import clean_client_id, clean_text, is_blank
from messaging.mentions import names_in
from messaging.metadata import clean_metadata
from rooms.access import known_id


class Draft(msgspec.Struct, frozen=True):
    """A message as its author sent it, cleaned. `digest` tells a repetition from other content (`is_repetition`).

    `names` are those that the text may name (messaging/mentions.py), `socket` the connection it came by, if any.
    """

    room_id: UUID
    author_id: UUID
    client_id: str
    body: str
    digest: str
    names: tuple[tuple[str, ...], ...] = ()
    reply_to: UUID | None = None
    metadata: dict[str, Any] = {}
    socket: str = ""


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
    thread: str | None = None,
    attachments: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    socket: str = "",
) -> Draft:
    """The draft, or NotFound for what is no room id, or Invalid naming the field.

    `thread` and `attachments` are not built yet: one with a value is refused, never ignored.
    """
    room = known_id(room_id)
    client_id = clean_client_id(client_id)
    body = clean_body(body)
    if thread is not None or attachments:
        attr = "attachments" if thread is None else "thread"
        raise Invalid.field(attr, "not supported by this server yet")
    replied = None if reply_to is None else parse_id(reply_to)
    if replied is None and reply_to is not None:
        raise no_such_reply()
    metadata = clean_metadata(metadata) if metadata else {}
    place = room, author_id, client_id
    digest = _sealed(settings.SECRET_KEY, *place, _content(body, replied, metadata))
    return Draft(*place, body, digest, names_in(body), replied, metadata, socket)


def is_repetition(draft: Draft, stored: str) -> bool:
    """Whether a message of the draft's room, author and `client_id`, whose digest was stored, is the same one.

    Under this SECRET_KEY or one of SECRET_KEY_FALLBACKS; or by the bare digest that messages were stored with once.
    """
    if stored == draft.digest:
        return True
    content = _content(draft.body, draft.reply_to, draft.metadata)
    place = draft.room_id, draft.author_id, draft.client_id
    return stored == content or any(
        stored == _sealed(secret, *place, content) for secret in settings.SECRET_KEY_FALLBACKS
    )


def no_such_reply() -> Invalid:
    """`reply_to` names no message of the room."""
    return Invalid.field("reply_to", "no such message in this room", "not_found")


def _content(body: str, reply_to: UUID | None, metadata: dict[str, Any]) -> str:
    """What the draft holds, as a hash: what it lacks is no part of it, so that it stays the same when drafts can
    hold more."""
    said: list[Any] = [body]
    if reply_to is not None or metadata:
        more = {"reply_to": reply_to, "metadata": metadata}
        said.append({name: value for name, value in more.items() if value})
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def _sealed(secret: str, room_id: UUID, author_id: UUID, client_id: str, content: str) -> str:
    """The digest that is kept for ever, after the message is deleted too: who has the database and not the key
    can neither try texts against it nor tell which messages said the same."""
    seal = hashlib.blake2b(room_id.bytes, digest_size=32, key=_key(secret))
    seal.update(author_id.bytes)
    seal.update(content.encode())
    seal.update(client_id.encode())
    return seal.hexdigest()


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return salted_hmac("parley.drafts", "digest", secret=secret, algorithm="sha256").digest()
