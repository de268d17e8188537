"""The bodies that this app's calls take and answer. Unknown fields of a body are ignored.

The enums are for the document; what is taken is the services' to say.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from realtime import objects


class CreateRoomBody(msgspec.Struct, frozen=True):
    """`POST rooms/`. `members` are ids of people who are in it from the start, at most 100."""

    kind: Annotated[str, Meta(extra_json_schema={"enum": ["private", "public"]})]
    name: str
    topic: str | None = None
    members: list[str] | None = None
    client_id: str | None = None


class UpdateRoomBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/`: what is absent stays. `slow_mode_s` in seconds, 0 is off; `kind` never changes."""

    kind: Annotated[str, Meta(extra_json_schema={"enum": ["private", "public"]})] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    topic: str | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET
    slow_mode_s: int | UnsetType = UNSET


class AddMembersBody(msgspec.Struct, frozen=True):
    """`POST rooms/{id}/members/`: one `user`, or `users`; the role is `member` by default."""

    user: str | None = None
    users: list[str] | None = None
    role: Annotated[str, Meta(extra_json_schema={"enum": ["owner", "admin", "member"]})] | None = None


class UpdateMemberBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/members/{user_id}/`: what is absent stays; `muted_until` null lifts a mute."""

    role: Annotated[str, Meta(extra_json_schema={"enum": ["owner", "admin", "member"]})] | UnsetType = UNSET
    muted_until: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET


class BanBody(msgspec.Struct, frozen=True):
    """`PUT rooms/{id}/bans/{user_id}/`: without `until` it is for ever."""

    reason: str | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


class MemberList(msgspec.Struct, frozen=True):
    """The people that `users` named, in that order."""

    results: list[objects.Member]
