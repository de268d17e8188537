"""The bodies that this app's calls take and answer. Unknown fields of a body are ignored.

The enums are for the document; what is taken is the services' to say.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from django.conf import settings
from msgspec import UNSET, Meta, UnsetType

from common.meaning import means
from common.text import CLIENT_ID_PATTERN, NAME_MAX_CHARS, URL_MAX_CHARS
from realtime import objects
from rooms.services.bans import REASON_MAX_CHARS
from rooms.services.rooms import TOPIC_MAX_CHARS

_PEOPLE_MAX = settings.MEMBERS_MAX_PER_REQUEST
_ROLES = ["owner", "admin", "member"]
_KIND = means("Who finds it and may come in; it never changes.", enum=["private", "public"])
_NAME = means("The name to show.", minLength=1, maxLength=NAME_MAX_CHARS)
_TOPIC = means("What it is about; null or blank: nothing.", maxLength=TOPIC_MAX_CHARS)
_Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]


class CreateRoomBody(msgspec.Struct, frozen=True):
    """`POST rooms/`. `members` are ids of people who are in it from the start, at most 100."""

    kind: Annotated[str, _KIND]
    name: Annotated[str, _NAME]
    topic: Annotated[str | None, _TOPIC] = None
    members: Annotated[
        list[_Id] | None, means("Ids of people who are in it from the start.", maxItems=_PEOPLE_MAX)
    ] = None
    client_id: Annotated[
        str | None, means("Chosen by you: the same again makes no second room.", pattern=CLIENT_ID_PATTERN)
    ] = None


class UpdateRoomBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/`: what is absent stays. `slow_mode_s` in seconds, 0 is off; `kind` never changes."""

    kind: Annotated[str | UnsetType, _KIND] = UNSET
    name: Annotated[str | UnsetType, _NAME] = UNSET
    topic: Annotated[str | UnsetType | None, _TOPIC] = UNSET
    avatar: Annotated[
        str | UnsetType | None,
        means("The http(s) URL of a picture elsewhere; null: none.", maxLength=URL_MAX_CHARS),
    ] = UNSET
    slow_mode_s: Annotated[
        int | UnsetType,
        means(
            "Seconds a plain member waits between messages; 0: none.",
            minimum=0,
            maximum=settings.SLOW_MODE_MAX_S,
        ),
    ] = UNSET


class AddMembersBody(msgspec.Struct, frozen=True):
    """`POST rooms/{id}/members/`: one `user`, or `users`; the role is `member` by default."""

    user: Annotated[str | None, means("The id of one person; or else `users`.", format="uuid")] = None
    users: Annotated[list[_Id] | None, means("The ids of several.", maxItems=_PEOPLE_MAX)] = None
    role: Annotated[str | None, means("Theirs in the room; null: `member`.", enum=_ROLES)] = None


class UpdateMemberBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/members/{user_id}/`: what is absent stays; `muted_until` null lifts a mute."""

    role: Annotated[str | UnsetType, means("What they may do from now on.", enum=_ROLES)] = UNSET
    muted_until: Annotated[
        Annotated[datetime, Meta(tz=True)] | UnsetType | None,
        means("A time to come (before the year 9999), until which they may not write; null: they may."),
    ] = UNSET


class BanBody(msgspec.Struct, frozen=True):
    """`PUT rooms/{id}/bans/{user_id}/`: without `until` it is for ever."""

    reason: Annotated[str | None, means("Why, for the moderators.", maxLength=REASON_MAX_CHARS)] = None
    until: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        means("A time to come, before the year 9999; null: for ever."),
    ] = None


class MemberList(msgspec.Struct, frozen=True):
    """The people that `users` named, in that order."""

    results: Annotated[list[objects.Member], means("The members.")]
