"""The objects of the contract, one typed class each: REST and the socket encode the very same.

Ids are UUIDs, times aware UTC (written with `Z`). Nothing that depends on the reader stands in an
object itself, only under its one key `me`, and that over REST alone.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

RoomKind = Literal["public", "private", "direct"]
Role = Literal["owner", "admin", "member"]
Notifications = Literal["all", "mentions", "none"]
Scope = Literal["rooms:read", "rooms:write", "messages:read", "messages:write"]


class Author(msgspec.Struct, frozen=True):
    """A user as embedded in messages and members."""

    id: UUID
    username: str
    display_name: str
    avatar: str | None
    is_bot: bool
    deleted: bool


class User(msgspec.Struct, frozen=True):
    """A user's public profile."""

    id: UUID
    username: str
    display_name: str
    avatar: str | None
    bio: str
    is_bot: bool
    deleted: bool


class OwnUser(User, frozen=True, kw_only=True):
    """One's own profile: `User` with what only oneself sees."""

    email: str | None
    created_at: datetime


class Session(msgspec.Struct, frozen=True):
    """One log-in on one device; `current` is the one that asks."""

    id: UUID
    device: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


class ApiToken(msgspec.Struct, frozen=True):
    """A bot's token, without the token itself. `expires_at` null: until it is revoked.

    `last_used_at` is exact to a minute or so.
    """

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class IssuedApiToken(ApiToken, frozen=True, kw_only=True):
    """A bot's token just made: the one time that `token` is shown."""

    token: str


class Member(msgspec.Struct, frozen=True):
    """A person in a room. `changed_seq` is the room's last event that changed this member."""

    user: Author
    role: Role
    muted_until: datetime | None
    joined_at: datetime
    changed_seq: int


class Ban(msgspec.Struct, frozen=True):
    """Who may not come into a room; `until` null is for ever, `created_by` the moderator's id."""

    user: Author
    reason: str
    until: datetime | None
    created_at: datetime
    created_by: UUID


class RoomMe(msgspec.Struct, frozen=True):
    """What a room is to the reader. `unread_count` counts up to 100, which reads "or more".

    `hidden`, in direct rooms alone: left out of the list of mine until the next message.
    """

    role: Role
    last_read_seq: int
    unread_count: int
    mention_count: int
    notifications: Notifications
    favourite: bool
    muted_until: datetime | None
    hidden: bool | UnsetType = UNSET


class MessageReaction(msgspec.Struct, frozen=True):
    """How many gave one emoji."""

    emoji: str
    count: int


class Attachment(msgspec.Struct, frozen=True):
    """A file of a message; `size` in bytes, `width` and `height` in pixels for images."""

    id: UUID
    name: str
    type: str
    size: int
    width: int | None
    height: int | None
    has_thumbnail: bool


class MessageMe(msgspec.Struct, frozen=True):
    """What a message is to the reader: the emojis they gave."""

    reactions: tuple[str, ...]


class Message(msgspec.Struct, frozen=True):
    """A message, or its tombstone. `seq` is that of its `message.created` and never changes."""

    id: UUID
    room: UUID
    seq: int
    changed_seq: int
    client_id: str
    author: Author
    body: str
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    reply_to: UUID | None
    thread: UUID | None
    reply_count: int
    last_reply_at: datetime | None
    mentions: tuple[UUID, ...]
    reactions: tuple[MessageReaction, ...]
    attachments: tuple[Attachment, ...]
    metadata: dict[str, Any]
    pinned: bool
    me: MessageMe | UnsetType = UNSET


class Room(msgspec.Struct, frozen=True):
    """A room. `changed_seq` moves with `room.*`, `member.joined` and `member.left`.

    `me` (null for who is not in it) and in lists `last_message` come over REST only; `members`
    only in direct rooms.
    """

    id: UUID
    kind: RoomKind
    name: str | None
    topic: str
    avatar: str | None
    created_by: UUID
    created_at: datetime
    last_seq: int
    first_seq: int
    changed_seq: int
    member_count: int
    slow_mode_s: int
    members: tuple[Author, ...] | UnsetType = UNSET
    me: RoomMe | UnsetType | None = UNSET
    last_message: Message | UnsetType | None = UNSET
