"""Rows of messages as the objects of the contract."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import TextField
from django.db.models.functions import Cast

from messaging.drafts import Draft
from messaging.metadata import read_metadata
from realtime import objects
from realtime.events import Event, EventType, MessageData, encode_event
from realtime.publish import RoomEvent

_FRAME_BYTES = 1_000  # of a message, beside text and metadata; it has ids, names and times

NO_REACTIONS = objects.MessageMe(reactions=())

# What a message is read with: plain values, because a model instance a row costs several times more; and the
# mentions as text, because psycopg reads JSON in Python, row by row, though nearly always there are none.
FIELDS = (
    "id", "room_id", "seq", "changed_seq", "client_id", "body", "created_at", "edited_at", "deleted_at",
    "reply_to_id", "thread_id", "reply_count", "last_reply_at", Cast("mentions", TextField()), "metadata", "pinned",
    "author_id", "author__username", "author__display_name", "author__avatar", "author__is_bot",
    "author__deleted_at",
)  # fmt: skip
_MENTIONS = msgspec.json.Decoder(tuple[UUID, ...])


def author_from(
    user_id: UUID,
    username: str,
    display_name: str,
    avatar: str,
    is_bot: bool,
    deleted_at: datetime | str | None,
) -> objects.Author:
    """An author out of plain columns, in the order in which queries name them."""
    return objects.Author(
        user_id, username, display_name, avatar or None, bool(is_bot), deleted_at is not None
    )


def read_messages(rows: Any) -> list[objects.Message]:
    """The messages of a queryset of Message, in its order; one statement with their authors."""
    return messages_from(rows.values_list(*FIELDS))


def messages_from(rows: Iterable[Sequence[Any]]) -> list[objects.Message]:
    """The messages of rows of FIELDS."""
    return [_message_from(row) for row in rows]


def _message_from(row: Sequence[Any]) -> objects.Message:
    return objects.Message(
        id=row[0],
        room=row[1],
        seq=row[2],
        changed_seq=row[3],
        client_id=row[4],
        author=author_from(*row[16:22]),
        body=row[5],
        created_at=row[6],
        edited_at=row[7],
        deleted_at=row[8],
        reply_to=row[9],
        thread=row[10],
        reply_count=row[11],
        last_reply_at=row[12],
        mentions=() if row[13] == "[]" else _MENTIONS.decode(row[13]),
        reactions=(),
        attachments=(),
        metadata=read_metadata(row[14]),
        pinned=row[15],
    )


def new_message(key: UUID, draft: Draft, seq: int, author: objects.Author, at: datetime) -> objects.Message:
    """A message as it is when it is first stored, without a model instance: one a message of a batch would
    cost more than all else in Python."""
    return objects.Message(
        id=key,
        room=draft.room_id,
        seq=seq,
        changed_seq=seq,
        client_id=draft.client_id,
        author=author,
        body=draft.body,
        created_at=at,
        edited_at=None,
        deleted_at=None,
        reply_to=draft.reply_to,
        thread=None,
        reply_count=0,
        last_reply_at=None,
        mentions=(),
        reactions=(),
        attachments=(),
        metadata=draft.metadata,
        pinned=False,
    )


def size_of(message: objects.Message) -> int:
    """About how many bytes of JSON a message is: what its author decides is exact, the rest a little too much."""
    own = len(msgspec.json.encode(message.body))
    return own + (len(msgspec.json.encode(message.metadata)) if message.metadata else 0) + _FRAME_BYTES


def for_reader(messages: Iterable[objects.Message]) -> list[objects.Message]:
    """The messages as REST shows them, with what they are to the reader under `me`."""
    return [msgspec.structs.replace(message, me=NO_REACTIONS) for message in messages]


def message_changed(
    kind: EventType, seq: int, at: datetime, actor: UUID | None, message: objects.Message
) -> RoomEvent:
    """The event `message.created`, `message.updated` or `message.deleted`."""
    return RoomEvent(seq, encode_event(Event(kind, message.room, seq, at, actor, MessageData(message))))
