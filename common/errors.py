"""Every error a client can meet: one class a code, the same over REST and WebSocket.

`code` is what clients switch on and never changes; `detail` is English for people. The REST map is
backend/errors.py, the socket's is gateway/frames.py; there is no third.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Annotated, ClassVar

import msgspec

from common.meaning import means
from common.standing import Standing


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: `attr` is its path with dots (`rooms.0.since`)."""

    attr: Annotated[str, means("The field: its path with dots, places in lists from 0.")]
    code: Annotated[str, means("What is wrong, to switch on: `required`, `blank`, `too_long`, `invalid`, ….")]
    detail: Annotated[str, means("The same in English, for people.")]


class ParleyError(Exception):
    """The base of them all. Subclasses fix `code`, the REST `status` and the problem's `title`."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side."

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after_s: float | None = None,
        reason: str | None = None,
    ) -> None:
        """`detail` defaults to the title; `reason` is only for `resync`; `retry_after_s` in seconds."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.reason = reason


class InternalError(ParleyError):
    """Our own fault; the log has the rest under the request's id."""


class Invalid(ParleyError):
    code, status, title = "invalid", 400, "The request is not valid."

    @classmethod
    def field(cls, attr: str, detail: str, code: str = "invalid") -> "Invalid":
        """The usual case: one field is wrong."""
        return cls(f"{attr}: {detail}", errors=[FieldError(attr, code, detail)])


class AllWrong:
    """What is wrong with several fields, told at once: `with wrong:` around each, then `wrong.check()`."""

    def __init__(self) -> None:
        self._found: list[Invalid] = []

    def __enter__(self) -> None:
        """The block may find a field wrong: it goes on after it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Whether the error is kept for `check`."""
        if not isinstance(error, Invalid) or not error.errors:
            return False
        self._found.append(error)
        return True

    def check(self) -> None:
        """Invalid with every field that was found wrong, in order; nothing where none was."""
        if self._found:
            errors = [one for found in self._found for one in found.errors]
            raise Invalid("; ".join(found.detail for found in self._found), errors=errors)


class NotAuthenticated(ParleyError):
    code, status, title = "not_authenticated", 401, "Send an access token."


class TokenExpired(ParleyError):
    code, status, title = "token_expired", 401, "The token has expired."


class TokenInvalid(ParleyError):
    code, status, title = "token_invalid", 401, "The token is not valid."


class SessionEnded(ParleyError):
    code, status, title = "session_ended", 401, "The session has ended; log in again."


class BadCredentials(ParleyError):
    code, status, title = "bad_credentials", 401, "Name or password is wrong."


class UserDisabled(ParleyError):
    code, status, title = "user_disabled", 401, "The account is disabled."


class Forbidden(ParleyError):
    code, status, title = "forbidden", 403, "You may not do this."


class NotAMember(ParleyError):
    code, status, title = "not_a_member", 403, "You are not a member of this room."


class Muted(ParleyError):
    code, status, title = "muted", 403, "You are muted in this room."


class Banned(ParleyError):
    code, status, title = "banned", 403, "You are banned from this room."


class Blocked(ParleyError):
    code, status, title = "blocked", 403, "One of you blocks the other."


class ScopeMissing(ParleyError):
    code, status, title = "scope_missing", 403, "The token lacks the scope for this."


class NotFound(ParleyError):
    code, status, title = "not_found", 404, "There is nothing here."


class MethodNotAllowed(ParleyError):
    code, status, title = "method_not_allowed", 405, "This method is not allowed here."


class ClientIdConflict(ParleyError):
    code, status, title = "client_id_conflict", 409, "This client_id was used for other content."


class MessageDeleted(ParleyError):
    code, status, title = "message_deleted", 409, "The message is deleted."


class LastOwner(ParleyError):
    code, status, title = "last_owner", 409, "The last owner hands the room over first."


class AlreadyExists(ParleyError):
    code, status, title = "already_exists", 409, "It exists already."


class Resync(ParleyError):
    code, status, title = "resync", 410, "These events cannot be replayed; load the room anew."


class TooLarge(ParleyError):
    code, status, title = "too_large", 413, "The request is too large."


class UnsupportedType(ParleyError):
    code, status, title = "unsupported_type", 415, "This content type is not understood."


class SlowMode(ParleyError):
    code, status, title = "slow_mode", 429, "The room is in slow mode."


class RateLimited(ParleyError):
    """`standing` says with which limit, for the RateLimit headers."""

    code, status, title = "rate_limited", 429, "Too many requests."
    standing: Standing | None = None

    @classmethod
    def by(cls, standing: Standing, detail: str = "", *, number: int = 1) -> "RateLimited":
        """The refusal of one more, or of a call that needs so many more."""
        error = cls(detail, retry_after_s=standing.wait_s(number))
        error.standing = standing
        return error


class Unavailable(ParleyError):
    code, status, title = "unavailable", 503, "Not available just now; try again."


class StorageUnavailable(ParleyError):
    code, status, title = "storage_unavailable", 503, "Nothing can be stored just now; try again."


class UnknownType(ParleyError):
    """Socket only: there is no frame of this type."""

    code, status, title = "unknown_type", 400, "There is no frame of this type."


class TooManyConnections(ParleyError):
    """Socket only: the person, or the address before it said who it is, has as many sockets as it may."""

    code, status, title = "too_many_connections", 429, "There are too many sockets; close another."


class TooManyRooms(ParleyError):
    """Socket only: the socket has as many subscriptions as it may."""

    code, status, title = "too_many_rooms", 400, "This socket is subscribed to as many rooms as it may."


REST_ERRORS: tuple[type[ParleyError], ...] = (
    Invalid, NotAuthenticated, TokenExpired, TokenInvalid, SessionEnded, BadCredentials, UserDisabled,
    Forbidden, NotAMember, Muted, Banned, Blocked, ScopeMissing, NotFound, MethodNotAllowed,
    ClientIdConflict, MessageDeleted, LastOwner, AlreadyExists, Resync, TooLarge, UnsupportedType,
    SlowMode, RateLimited, Unavailable, StorageUnavailable, InternalError,
)  # fmt: skip
"""Every class that a REST answer can carry; the OpenAPI document lists their codes."""
