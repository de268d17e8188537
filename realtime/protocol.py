"""Every frame of `parley.v1`, one typed class each (events: realtime/events.py).

Client frames decode straight into these classes; unknown fields are ignored, wrong ones refused.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from common.errors import FieldError
from realtime.objects import Message, Room, RoomMe, Session, User

SUBPROTOCOL = "parley.v1"
BEARER_SUBPROTOCOL = "bearer."

FrameId = Annotated[str, Meta(max_length=64)] | int | None
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Envelope(msgspec.Struct, frozen=True):
    """What is read of a client's frame first."""

    type: str
    id: Any = None


# --- Client → server ------------------------------------------------------------------------------


class Auth(msgspec.Struct, frozen=True):
    """`auth`: authenticates the socket, or renews it in place."""

    token: str


class RoomSince(msgspec.Struct, frozen=True):
    """A room, and the last `seq` the client holds of it."""

    room: str
    since: Seq | None = None


class Subscribe(msgspec.Struct, frozen=True):
    """`subscribe`: to rooms, or to all of mine with `since` by room."""

    rooms: list[RoomSince] | Literal["all"]
    since: dict[str, Seq | None] | None = None
    epoch: str | None = None
    max: Seq | None = None


class Unsubscribe(msgspec.Struct, frozen=True):
    """`unsubscribe`: after its ack no frame of these rooms follows."""

    rooms: list[str]


class MessageSend(msgspec.Struct, frozen=True):
    """`message.send`: as `POST rooms/{id}/messages/`."""

    room: str
    client_id: str
    body: str
    reply_to: str | None = None
    thread: str | None = None
    attachments: list[str] | None = None
    metadata: dict[str, Any] | None = None


class MessageEdit(msgspec.Struct, frozen=True):
    """`message.edit`: new text for a message of one's own."""

    room: str
    message: str
    body: str


class MessageDelete(msgspec.Struct, frozen=True):
    """`message.delete`: one's own, or anybody's as a moderator."""

    room: str
    message: str


class Typing(msgspec.Struct, frozen=True):
    """`typing`: repeated every 3 s while one types."""

    room: str
    active: bool


class Signal(msgspec.Struct, frozen=True):
    """`signal`: to the room's other sockets, never stored."""

    room: str
    name: str
    data: Any = None


class Read(msgspec.Struct, frozen=True):
    """`read`: moves my read position."""

    room: str
    seq: Seq
    force: bool | None = None


class Ping(msgspec.Struct, frozen=True):
    """`ping`, answered by `pong`."""


# --- Server → client ------------------------------------------------------------------------------


class Limits(msgspec.Struct, frozen=True):
    """The numbers of this server, as configured; what a client needs to stay within them."""

    frame_max_bytes: int
    message_max_chars: int
    metadata_max_bytes: int
    signal_max_bytes: int
    subscribe_max_rooms: int
    socket_max_rooms: int
    replay_max_events: int
    replay_max_events_per_frame: int
    sends_per_s: int
    sends_burst: int
    frames_per_s: int
    frames_burst: int
    requests_per_s: int
    requests_burst: int
    sockets_per_person: int
    ping_interval_s: int
    silence_timeout_s: int


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The first frame of an authenticated socket.

    `session` is null for API tokens, `expires_at` for those of them that last until revoked.
    """

    user: User
    session: Session | None
    expires_at: datetime | None
    epoch: str
    server_time: datetime
    limits: Limits


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """The one answer to a frame with an `id` that was carried out."""

    id: str | int
    data: Any


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to `ping`."""

    id: str | int | None


class Error(msgspec.Struct, frozen=True, tag="error"):
    """`id` is null when it answers no frame. `retry_after` in seconds."""

    id: str | int | None
    code: str
    detail: str
    errors: Sequence[FieldError] | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


class Authenticated(msgspec.Struct, frozen=True):
    """The ack of `auth`."""

    user: User
    session: Session | None
    expires_at: datetime | None


Resync = Literal["too_far_behind", "ahead", "epoch"]


class Position(msgspec.Struct, frozen=True):
    """Where a subscription starts, in the ack of `subscribe`."""

    room: UUID
    seq: int
    resync: Resync | None
    already: bool


class Refused(msgspec.Struct, frozen=True):
    """A room of `subscribe` that one may not have; `room` as the client wrote it."""

    room: str
    code: str


class Subscriptions(msgspec.Struct, frozen=True):
    """The ack of `subscribe`."""

    rooms: list[Position | Refused]


class Started(msgspec.Struct, frozen=True):
    """Where a subscription starts that the server began."""

    room: UUID
    seq: int
    resync: Resync | None


class Subscribed(msgspec.Struct, frozen=True, tag="subscribed"):
    """Subscriptions the server began: a room joined under `"all"`, the room of the URL."""

    rooms: list[Started]


class Unsubscribed(msgspec.Struct, frozen=True, tag="unsubscribed"):
    """A subscription the server ended."""

    room: UUID
    reason: str


class TypingShown(msgspec.Struct, frozen=True, tag="typing"):
    """Somebody types, or has stopped; the receiver ends it after 6 s."""

    room: UUID
    user: UUID
    active: bool


class SignalShown(msgspec.Struct, frozen=True, tag="signal"):
    """What another socket of the room signals."""

    room: UUID
    user: UUID
    name: str
    data: Any


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """A hint to one person's sockets; `data` by `notice`, below."""

    notice: str
    data: Any


class RoomAdded(msgspec.Struct, frozen=True):
    """`room.added`: one is in a room now."""

    room: Room


class RoomRemoved(msgspec.Struct, frozen=True):
    """`room.removed`: one is out of a room, for a `reason` as of `unsubscribed`."""

    room_id: UUID
    reason: str


class RoomMeMoved(msgspec.Struct, frozen=True):
    """`room.me`: my read position, unread count or settings moved, on any device."""

    room_id: UUID
    me: RoomMe


class Mentioned(msgspec.Struct, frozen=True):
    """`mention`: a message names me."""

    room_id: UUID
    message: Message


class SessionExpiring(msgspec.Struct, frozen=True):
    """`session.expiring`: the access token ends then; renew it by `auth`."""

    expires_at: datetime


NOTICES: dict[type[msgspec.Struct], str] = {
    RoomAdded: "room.added",
    RoomRemoved: "room.removed",
    RoomMeMoved: "room.me",
    Mentioned: "mention",
    SessionExpiring: "session.expiring",
}


def encode_notice(data: msgspec.Struct) -> str:
    """The JSON text of the notice whose data this is."""
    return encode_frame(Notice(NOTICES[type(data)], data))


_encoder = msgspec.json.Encoder()


def encode_frame(frame: msgspec.Struct) -> str:
    """The JSON text of a server frame."""
    return _encoder.encode(frame).decode()
