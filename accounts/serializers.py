"""The bodies that this app's calls take and answer. Unknown fields of a body are ignored."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from accounts.rules import BIO_MAX_CHARS, EMAIL_MAX_CHARS, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS
from accounts.scopes import SCOPES
from common.meaning import means
from common.paging import NextCursor
from common.text import NAME_MAX_CHARS, URL_MAX_CHARS, USERNAME_MAX_CHARS
from realtime import objects

_USERNAME = means(
    "Letters, digits and `_ . -` of one script; unique without case.",
    minLength=1,
    maxLength=USERNAME_MAX_CHARS,
)
_DISPLAY_NAME = means("The name to show; null or blank: the user name.", maxLength=NAME_MAX_CHARS)
_EMAIL = means("An address to log in by too, unique; null or blank: none.", maxLength=EMAIL_MAX_CHARS)
_BIO = means("What one says of oneself; null or blank: nothing.", maxLength=BIO_MAX_CHARS)
_AVATAR = means("The http(s) URL of a picture elsewhere; null or blank: none.", maxLength=URL_MAX_CHARS)
_DEVICE = means("What to call this log-in in the list of sessions.", maxLength=NAME_MAX_CHARS)
_NEW_PASSWORD = means("Not a common one.", minLength=PASSWORD_MIN_CHARS, maxLength=PASSWORD_MAX_CHARS)
_ACCESS = means("The access token, to send with every call; it lasts minutes.")
_REFRESH = means("The refresh token, good once, for the next pair.")


class RegisterBody(msgspec.Struct, frozen=True):
    """`POST auth/register/`. A null or blank `display_name` is the user name."""

    username: Annotated[str, _USERNAME]
    password: Annotated[str, _NEW_PASSWORD]
    email: Annotated[str | None, _EMAIL] = None
    display_name: Annotated[str | None, _DISPLAY_NAME] = None
    device: Annotated[str | None, _DEVICE] = None


class TokenBody(msgspec.Struct, frozen=True):
    """`POST auth/token/`. `username` may be the e-mail address; `device` is a name for people."""

    username: Annotated[str, means("The user name, or the e-mail address.", maxLength=EMAIL_MAX_CHARS)]
    password: Annotated[str, means("The password.", maxLength=PASSWORD_MAX_CHARS)]
    device: Annotated[str | None, _DEVICE] = None


class RefreshBody(msgspec.Struct, frozen=True):
    """`POST auth/token/refresh/`."""

    refresh: Annotated[str, means("The newest refresh token of the session.")]


class TokenPair(msgspec.Struct, frozen=True):
    """The session's newest pair of tokens."""

    access: Annotated[str, _ACCESS]
    refresh: Annotated[str, _REFRESH]


class OpenedSession(msgspec.Struct, frozen=True):
    """A new session: its tokens, who logged in, and the session itself."""

    access: Annotated[str, _ACCESS]
    refresh: Annotated[str, _REFRESH]
    user: Annotated[objects.OwnUser, means("Who logged in.")]
    session: Annotated[objects.Session, means("The session that began.")]


class SessionPage(msgspec.Struct, frozen=True):
    """A page of one's own sessions; `next_cursor` is null at the end."""

    results: Annotated[list[objects.Session], means("The sessions, the latest log-in first.")]
    next_cursor: NextCursor


class PasswordChangeBody(msgspec.Struct, frozen=True):
    """`POST auth/password/change/`."""

    old: Annotated[str, means("The password as it is.", maxLength=PASSWORD_MAX_CHARS)]
    new: Annotated[str, _NEW_PASSWORD]


class UpdateProfileBody(msgspec.Struct, frozen=True):
    """`PATCH users/me/`: what is absent stays. Null or "" takes away; a blank `display_name` is the user name."""

    username: Annotated[str | UnsetType, _USERNAME] = UNSET
    display_name: Annotated[str | UnsetType | None, _DISPLAY_NAME] = UNSET
    email: Annotated[str | UnsetType | None, _EMAIL] = UNSET
    bio: Annotated[str | UnsetType | None, _BIO] = UNSET
    avatar: Annotated[str | UnsetType | None, _AVATAR] = UNSET


class UserPage(msgspec.Struct, frozen=True):
    """A page of public profiles; `next_cursor` is null at the end."""

    results: Annotated[list[objects.User], means("The profiles.")]
    next_cursor: NextCursor


class CreateBotBody(msgspec.Struct, frozen=True):
    """`POST bots/`. A null or blank `display_name` is the user name."""

    username: Annotated[str, _USERNAME]
    display_name: Annotated[str | None, _DISPLAY_NAME] = None
    bio: Annotated[str | None, _BIO] = None
    avatar: Annotated[str | None, _AVATAR] = None


class UpdateBotBody(msgspec.Struct, frozen=True):
    """`PATCH bots/{id}/`: what is absent stays. Null or "" takes away; a blank `display_name` is the user name."""

    username: Annotated[str | UnsetType, _USERNAME] = UNSET
    display_name: Annotated[str | UnsetType | None, _DISPLAY_NAME] = UNSET
    bio: Annotated[str | UnsetType | None, _BIO] = UNSET
    avatar: Annotated[str | UnsetType | None, _AVATAR] = UNSET


class IssueTokenBody(msgspec.Struct, frozen=True):
    """`POST bots/{id}/tokens/`. `name` is for people; without `expires_at` the token lasts until it is revoked.

    The enum is for the document; what is taken is the service's to say.
    """

    scopes: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"enum": list(SCOPES)})]],
        means("What the token may do.", minItems=1, maxItems=len(SCOPES)),
    ]
    name: Annotated[str | None, means("What to call it, for people.", maxLength=NAME_MAX_CHARS)] = None
    expires_at: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        means("A time to come, before the year 9999; null: it lasts until revoked."),
    ] = None


class ApiTokenPage(msgspec.Struct, frozen=True):
    """A page of a bot's tokens; `next_cursor` is null at the end."""

    results: Annotated[list[objects.ApiToken], means("The tokens.")]
    next_cursor: NextCursor
