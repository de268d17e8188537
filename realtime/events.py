"""The numbered events: their names, what each holds, and their one encoding."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from realtime.objects import Member, Message, Room


class EventType(StrEnum):
    """Every event that a log can hold."""

    ROOM_CREATED = "room.created"
    ROOM_UPDATED = "room.updated"
    ROOM_DELETED = "room.deleted"
    MEMBER_JOINED = "member.joined"
    MEMBER_UPDATED = "member.updated"
    MEMBER_LEFT = "member.left"
    MESSAGE_CREATED = "message.created"
    MESSAGE_UPDATED = "message.updated"
    MESSAGE_DELETED = "message.deleted"


MOVES_ROOM = frozenset(
    {
        EventType.ROOM_CREATED, EventType.ROOM_UPDATED, EventType.ROOM_DELETED,
        EventType.MEMBER_JOINED, EventType.MEMBER_LEFT,
    }
)  # fmt: skip
"""The events that change the room object itself and so move its `changed_seq`."""


class RoomData(msgspec.Struct, frozen=True):
    """`room.created` and `room.updated`."""

    room: Room


class RoomDeletedData(msgspec.Struct, frozen=True):
    """`room.deleted` holds nothing: the room is gone."""


class MemberData(msgspec.Struct, frozen=True):
    """`member.joined` and `member.updated`."""

    member: Member


class MemberLeftData(msgspec.Struct, frozen=True):
    """`member.left`: `reason` is `left`, `removed`, `banned` or `deleted`."""

    user: UUID
    reason: str


class MessageData(msgspec.Struct, frozen=True):
    """`message.created`, `message.updated`, and `message.deleted` with the tombstone."""

    message: Message


class Event(msgspec.Struct, frozen=True):
    """A numbered event as it stands on the wire and in `GET rooms/{id}/events/`."""

    type: str
    room: UUID
    seq: int
    at: datetime
    actor: UUID | None
    data: Any


class EventPage(msgspec.Struct, frozen=True):
    """A page of a room's log; `results` hold the very frames of the socket."""

    results: Sequence[msgspec.Raw]
    room_seq: int
    epoch: str


_encoder = msgspec.json.Encoder()


def encode_event(event: Event) -> str:
    """The JSON text that every reader of this event gets."""
    return _encoder.encode(event).decode()
