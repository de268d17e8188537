"""The bodies that this app's calls take and answer. Unknown fields of a body are ignored."""

import msgspec
from msgspec import UNSET, UnsetType

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
