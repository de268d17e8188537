"""The objects of the contract, one typed class each: REST and the socket encode the very same.

Ids are UUIDs, times aware UTC (written with `Z`). Nothing that depends on the reader stands in an
object itself, only under its one key `me`, and that over REST alone. What each field means is said to the
document by `means`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from common.meaning import means

RoomKind = Literal["public", "private", "direct"]
Role = Literal["owner", "admin", "member"]
Notifications = Literal["all", "mentions", "none"]
Scope = Literal["rooms:read", "rooms:write", "messages:read", "messages:write"]

UserId = Annotated[UUID, means("The user's id; it never changes.")]
Username = Annotated[
    str,
    means(
        "The name to log in and mention by, unique without case. It can change. Of who is deleted: `deleted-…`, 40 characters."
    ),
]
DisplayName = Annotated[str, means("The name to show; empty of who is deleted.")]
UserAvatar = Annotated[
    str | None,
    means("The URL of a picture on another host, or null; the server never opens it.", format="uri"),
]
IsBot = Annotated[bool, means("A program, made by a person.")]
Deleted = Annotated[
    bool, means("The account is gone: its names are wiped (show words of your own), what it wrote stays.")
]
ChangedSeq = Annotated[
    int, means("The room's last event that changed this object: skip older ones.", minimum=1)
]
RoomSeq = Annotated[
    int,
    means("The end of the room's log, read before the results: a subscription from there misses nothing."),
]
Epoch = Annotated[str, means("Keep it beside your positions: under another one they mean nothing.")]
RoomRole = Annotated[Role, means("What one may do in the room; `member` in direct rooms.")]
MutedUntil = Annotated[
    datetime | None, means("May not write in the room until then; a time that has passed mutes nobody.")
]


class Author(msgspec.Struct, frozen=True):
    """A user as embedded in messages and members."""

    id: UserId
    username: Username
    display_name: DisplayName
    avatar: UserAvatar
    is_bot: IsBot
    deleted: Deleted


class User(msgspec.Struct, frozen=True):
    """A user's public profile."""

    id: UserId
    username: Username
    display_name: DisplayName
    avatar: UserAvatar
    bio: Annotated[str, means("What they say of themselves; may be empty.")]
    is_bot: IsBot
    deleted: Deleted


class OwnUser(User, frozen=True, kw_only=True):
    """One's own profile: `User` with what only oneself sees."""

    email: Annotated[str | None, means("One's address, to log in by too; nobody else sees it.")]
    created_at: Annotated[datetime, means("When the account was made.")]


class Session(msgspec.Struct, frozen=True):
    """One log-in on one device; `current` is the one that asks."""

    id: Annotated[UUID, means("The session's id, which its tokens carry.")]
    device: Annotated[str, means("What the log-in called itself; may be empty.")]
    created_at: Annotated[datetime, means("When it was logged in.")]
    last_seen_at: Annotated[datetime, means("When it last refreshed its tokens.")]
    current: Annotated[bool, means("It is the one that asks.")]


class ApiToken(msgspec.Struct, frozen=True):
    """A bot's token, without the token itself. `expires_at` null: until it is revoked.

    `last_used_at` is exact to a minute or so.
    """

    id: Annotated[UUID, means("The token's id, to revoke it by.")]
    name: Annotated[str, means("What its maker called it; may be empty.")]
    scopes: Annotated[tuple[Scope, ...], means("What it may do.")]
    created_at: Annotated[datetime, means("When it was made.")]
    expires_at: Annotated[datetime | None, means("From when it is refused; null: it lasts until revoked.")]
    last_used_at: Annotated[datetime | None, means("When it last came, to a minute or so; null: never.")]


class IssuedApiToken(ApiToken, frozen=True, kw_only=True):
    """A bot's token just made: the one time that `token` is shown."""

    token: Annotated[str, means("The token itself, `parley_…`, shown this one time.")]


class Member(msgspec.Struct, frozen=True):
    """A person in a room. `changed_seq` is the room's last event that changed this member."""

    user: Annotated[Author, means("Who it is.")]
    role: RoomRole
    muted_until: MutedUntil
    joined_at: Annotated[datetime, means("When they came in, the last time.")]
    changed_seq: ChangedSeq


class Ban(msgspec.Struct, frozen=True):
    """Who may not come into a room; `until` null is for ever, `created_by` the moderator's id."""

    user: Annotated[Author, means("Who is banned.")]
    reason: Annotated[str, means("Why, in the moderator's words; may be empty.")]
    until: Annotated[datetime | None, means("Till when; null is for ever.")]
    created_at: Annotated[datetime, means("Since when.")]
    created_by: Annotated[UUID, means("The moderator's id.")]


class RoomMe(msgspec.Struct, frozen=True):
    """What a room is to the reader. `unread_count` counts up to 100, which reads "or more".

    `hidden`, in direct rooms alone: left out of the list of mine until the next message.
    """

    role: RoomRole
    last_read_seq: Annotated[
        int,
        means(
            "My read position: everything up to this `seq` is read. It begins at one's joining.", minimum=0
        ),
    ]
    unread_count: Annotated[
        int, means('Others\' messages after it; 100 reads "100 or more".', minimum=0, maximum=100)
    ]
    mention_count: Annotated[
        int, means('Messages after it that mention me; 100 reads "100 or more".', minimum=0, maximum=100)
    ]
    notifications: Annotated[Notifications, means("What my devices should ring for.")]
    favourite: Annotated[bool, means("I marked it.")]
    muted_until: MutedUntil
    hidden: Annotated[
        bool | UnsetType, means("Left out of my list until its next message; in direct rooms alone.")
    ] = UNSET


class MessageReaction(msgspec.Struct, frozen=True):
    """How many gave one emoji."""

    emoji: Annotated[str, means("The emoji.")]
    count: Annotated[int, means("How many gave it.", minimum=1)]


class Attachment(msgspec.Struct, frozen=True):
    """A file of a message; `size` in bytes, `width` and `height` in pixels for images."""

    id: Annotated[UUID, means("The file's id.")]
    name: Annotated[str, means("The file's name.")]
    type: Annotated[str, means("Its media type, as `image/png`.")]
    size: Annotated[int, means("Bytes.", minimum=0)]
    width: Annotated[int | None, means("Pixels, of an image.", minimum=1)]
    height: Annotated[int | None, means("Pixels, of an image.", minimum=1)]
    has_thumbnail: Annotated[bool, means("There is a small picture of it.")]


class MessageMe(msgspec.Struct, frozen=True):
    """What a message is to the reader: the emojis they gave."""

    reactions: Annotated[tuple[str, ...], means("The emojis I gave. Not yet: always empty.")]


class Message(msgspec.Struct, frozen=True):
    """A message, or its tombstone. `seq` is that of its `message.created` and never changes."""

    id: Annotated[UUID, means("The message's id.")]
    room: Annotated[UUID, means("The id of its room.")]
    seq: Annotated[int, means("Its place in the room: the number of its `message.created`.", minimum=1)]
    changed_seq: ChangedSeq
    client_id: Annotated[
        str, means("What its author's client called it; the same again is the same message.")
    ]
    author: Annotated[Author, means("Who wrote it, as they are when it is sent.")]
    body: Annotated[str, means('The text, as written; "" in a tombstone.')]
    created_at: Annotated[datetime, means("When it was stored.")]
    edited_at: Annotated[datetime | None, means("When its text last changed; null: never.")]
    deleted_at: Annotated[datetime | None, means("When it was deleted; null: it is not.")]
    reply_to: Annotated[UUID | None, means("The id of the message of the same room that it replies to.")]
    thread: Annotated[UUID | None, means("The id of its thread's root. Not yet: always null.")]
    reply_count: Annotated[int, means("Replies in its thread. Not yet: always 0.", minimum=0)]
    last_reply_at: Annotated[datetime | None, means("When the last of them came. Not yet: always null.")]
    mentions: Annotated[tuple[UUID, ...], means("The ids of the members it names, in order of appearance.")]
    reactions: Annotated[tuple[MessageReaction, ...], means("The emojis given. Not yet: always empty.")]
    attachments: Annotated[tuple[Attachment, ...], means("Its files. Not yet: always empty.")]
    metadata: Annotated[dict[str, Any], means("The application's own JSON, as it was sent.")]
    pinned: Annotated[bool, means("It is pinned in its room. Not yet: always false.")]
    me: Annotated[MessageMe | UnsetType, means("What it is to the reader; over REST alone.")] = UNSET


class Room(msgspec.Struct, frozen=True):
    """A room. `changed_seq` moves with `room.*`, `member.joined` and `member.left`.

    `me` (null for who is not in it) and in lists `last_message` come over REST only; `members`
    only in direct rooms.
    """

    id: Annotated[UUID, means("The room's id.")]
    kind: Annotated[RoomKind, means("Who finds it and may come in; it never changes.")]
    name: Annotated[str | None, means("The name to show; null in direct rooms.")]
    topic: Annotated[str, means("What it is about; may be empty.")]
    avatar: Annotated[
        str | None, means("The URL of a picture on another host; the server never opens it.", format="uri")
    ]
    created_by: Annotated[UUID, means("The id of who made it.")]
    created_at: Annotated[datetime, means("When it was made.")]
    last_seq: Annotated[int, means("The end of its log: the number of its latest event.", minimum=1)]
    first_seq: Annotated[int, means("The first event its log still has.", minimum=1)]
    changed_seq: ChangedSeq
    member_count: Annotated[int, means("People and bots in it.", minimum=0)]
    slow_mode_s: Annotated[int, means("Seconds a plain member waits between messages; 0: none.", minimum=0)]
    members: Annotated[tuple[Author, ...] | UnsetType, means("The two people of a direct room.")] = UNSET
    me: Annotated[
        RoomMe | UnsetType | None,
        means("What it is to the reader, null where they are not in it; over REST."),
    ] = UNSET
    last_message: Annotated[
        Message | UnsetType | None, means("The latest message, or its tombstone; null: none. In lists alone.")
    ] = UNSET
