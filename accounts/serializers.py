"""The bodies that this app's calls take and answer. Unknown fields of a body are ignored."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from accounts.scopes import SCOPES
from realtime import objects


class RegisterBody(msgspec.Struct, frozen=True):
    """`POST auth/register/`. A null or blank `display_name` is the user name."""

    username: str
    password: str
    email: str | None = None
    display_name: str | None = None
    device: str | None = None


class TokenBody(msgspec.Struct, frozen=True):
    """`POST auth/token/`. `username` may be the e-mail address; `device` is a name for people."""

    username: str
    password: str
    device: str | None = None


class RefreshBody(msgspec.Struct, frozen=True):
    """`POST auth/token/refresh/`."""

    refresh: str


class TokenPair(msgspec.Struct, frozen=True):
    """The session's newest pair of tokens."""

    access: str
    refresh: str


class OpenedSession(msgspec.Struct, frozen=True):
    """A new session: its tokens, who logged in, and the session itself."""

    access: str
    refresh: str
    user: objects.OwnUser
    session: objects.Session


class SessionPage(msgspec.Struct, frozen=True):
    """A page of one's own sessions; `next_cursor` is null at the end."""

    results: list[objects.Session]
    next_cursor: str | None


class PasswordChangeBody(msgspec.Struct, frozen=True):
    """`POST auth/password/change/`."""

    old: str
    new: str


class UpdateProfileBody(msgspec.Struct, frozen=True):
    """`PATCH users/me/`: what is absent stays. Null or "" takes away; a blank `display_name` is the user name."""

    username: str | UnsetType = UNSET
    display_name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    bio: str | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET


class UserPage(msgspec.Struct, frozen=True):
    """A page of public profiles; `next_cursor` is null at the end."""

    results: list[objects.User]
    next_cursor: str | None


class CreateBotBody(msgspec.Struct, frozen=True):
    """`POST bots/`. A null or blank `display_name` is the user name."""

    username: str
    display_name: str | None = None
    bio: str | None = None
    avatar: str | None = None


class UpdateBotBody(msgspec.Struct, frozen=True):
    """`PATCH bots/{id}/`: what is absent stays. Null or "" takes away; a blank `display_name` is the user name."""

    username: str | UnsetType = UNSET
    display_name: str | UnsetType | None = UNSET
    bio: str | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET


class IssueTokenBody(msgspec.Struct, frozen=True):
    """`POST bots/{id}/tokens/`. `name` is for people; without `expires_at` the token lasts until it is revoked.

    The enum is for the document; what is taken is the service's to say.
    """

    scopes: list[Annotated[str, Meta(extra_json_schema={"enum": list(SCOPES)})]]
    name: str | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class ApiTokenPage(msgspec.Struct, frozen=True):
    """A page of a bot's tokens; `next_cursor` is null at the end."""

    results: list[objects.ApiToken]
    next_cursor: str | None
