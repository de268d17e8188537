"""The numbered events: their names, what each holds, and their one encoding."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec

from common.meaning import means
from realtime.objects import Epoch, Member, Message, Room, RoomSeq


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

    room: Annotated[Room, means("The room as it is when this is sent, without `me`.")]


class RoomDeletedData(msgspec.Struct, frozen=True):
    """`room.deleted` holds nothing: the room is gone."""


class MemberData(msgspec.Struct, frozen=True):
    """`member.joined` and `member.updated`."""

    member: Annotated[Member, means("The member as they are when this is sent.")]


class MemberLeftData(msgspec.Struct, frozen=True):
    """`member.left`: `reason` is `left`, `removed` or `banned`; later releases add `deleted`."""

    user: Annotated[UUID, means("The id of who is out.")]
    reason: Annotated[str, means("How: `left`, `removed` or `banned`; not yet: `deleted`.")]


class MessageData(msgspec.Struct, frozen=True):
    """`message.created`, `message.updated`, and `message.deleted` with the tombstone."""

    message: Annotated[Message, means("The message as it is when this is sent, without `me`.")]


class Event(msgspec.Struct, frozen=True):
    """A numbered event as it stands on the wire and in `GET rooms/{id}/events/`."""

    type: str
    room: Annotated[UUID, means("The id of the room.")]
    seq: Annotated[int, means("The event's number: 1, 2, 3 … in its room, without gaps.", minimum=1)]
    at: Annotated[datetime, means("When it happened.")]
    actor: Annotated[UUID | None, means("The id of who did it; null where nobody did.")]
    data: Any


class EventPage(msgspec.Struct, frozen=True):
    """A page of a room's log; `results` hold the very frames of the socket."""

    results: Annotated[Sequence[msgspec.Raw], means("The events, in `seq` order, as on the WebSocket.")]
    room_seq: RoomSeq
    epoch: Epoch


_encoder = msgspec.json.Encoder()


def encode_event(event: Event) -> str:
    """The JSON text that every reader of this event gets."""
    return _encoder.encode(event).decode()
