"""Registering, logging in, and the life of a session."""

from datetime import datetime
from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts import hashers, tokens
from accounts.models import Session, User
from common import clock
from common.errors import (
    AlreadyExists,
    BadCredentials,
    FieldError,
    Invalid,
    SessionEnded,
    TokenInvalid,
    UserDisabled,
)
from common.text import clean_name, clean_text, clean_username, username_key
from realtime.publish import session_ended_on_commit

EMAIL_MAX_CHARS = 254  # RFC 5321, as RFC 3696's erratum 1690 counts
PASSWORD_MAX_CHARS = 128  # hashing is dear: nobody makes us hash a megabyte


class Opened(msgspec.Struct, frozen=True):
    """A session just opened, with its first pair of tokens."""

    user: User
    session: Session
    access: str
    refresh: str


def register(
    *, username: str, password: str, email: str | None = None, display_name: str = "", device: str = ""
) -> Opened:
    """A new user, logged in. `display_name` is the user name as sent where it is blank.

    Invalid; AlreadyExists naming `username`, `email` or both, also where two ask at the same moment;
    Unavailable where too many passwords wait to be hashed.
    """
    user = User(username=clean_username(username))
    user.username_key = username_key(user.username)
    user.email = _clean_email(email)
    user.email_key = user.email.casefold() if user.email else None
    user.display_name = clean_name(display_name, attr="display_name", blank=True) or user.username
    device = clean_name(device, attr="device", blank=True)
    password = _clean_new_password(password, user)
    with hashers.turn():
        _refuse_taken(user)
        user.set_password(password)  # before the transaction: SQLite's lets nobody else write meanwhile
    user.created_at = clock.now()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            return _open(user, device)
    except IntegrityError:
        _refuse_taken(user)
        raise


def log_in(*, username: str, password: str, device: str = "") -> Opened:
    """A new session of who has this user name (or e-mail) and password.

    Hashes exactly one password, whether or not there is such a user. BadCredentials; UserDisabled
    where the password was right; Invalid for text that is none; Unavailable where too many wait.
    """
    name = clean_text(username, attr="username", max_chars=EMAIL_MAX_CHARS).strip()
    password = clean_text(password, attr="password", max_chars=PASSWORD_MAX_CHARS)
    device = clean_name(device, attr="device", blank=True)
    # A user name holds no "@", so a text is never one person's name and another's address.
    known = {"email_key": name.casefold()} if "@" in name else {"username_key": username_key(name)}
    with hashers.turn():
        user = User.objects.filter(**known).first()
        if user is None:
            make_password(password)
            raise BadCredentials
        if not user.check_password(password):
            raise BadCredentials
    if not user.is_active or user.deleted_at is not None:
        raise UserDisabled
    return _open(user, device)


def refresh(*, token: str) -> tokens.Pair:
    """The session's next pair of tokens for its newest refresh token.

    A token used before, within REFRESH_GRACE_S of its first use, gets the newest pair again, byte
    for byte; so do parallel calls with one token. Any later, somebody has a copy: the session is
    ended, for good although this raises. TokenExpired, TokenInvalid, SessionEnded, UserDisabled.
    Locks the session's row.
    """
    claims = tokens.read_refresh(token)
    with transaction.atomic():
        session = (
            Session.objects.select_related("user")
            .select_for_update(of=("self",), no_key=True)
            .filter(pk=claims.session_id)
            .first()
        )
        if session is None:
            raise SessionEnded
        if session.user_id != claims.user_id:
            raise TokenInvalid
        if not session.stands:
            raise SessionEnded
        if not session.user.is_active or session.user.deleted_at is not None:
            raise UserDisabled
        now = clock.now()
        if claims.jti == session.refresh_jti:
            _rotate(session, now)
            return tokens.pair_of(session)
        if _in_grace(session.used_refresh.get(claims.jti), now):
            return tokens.pair_of(session)
        _end(session, now)
    raise SessionEnded("This refresh token was used before; log in again.")


def log_out(*, session_id: UUID) -> None:
    """The session is ended and its sockets are told; nothing happens where it was already."""
    with transaction.atomic():
        session = Session.objects.select_for_update(no_key=True).filter(pk=session_id, ended_at=None).first()
        if session is not None:
            _end(session, clock.now())


def _open(user: User, device: str) -> Opened:
    now = clock.now()
    session = Session(user=user, device=device, created_at=now, last_seen_at=now)
    tokens.renew(session, now)
    session.save(force_insert=True)
    pair = tokens.pair_of(session)
    return Opened(user=user, session=session, access=pair.access, refresh=pair.refresh)


def _rotate(session: Session, now: datetime) -> None:
    """The newest refresh token becomes a used one; used ones whose grace is over are forgotten."""
    used = {jti: at for jti, at in session.used_refresh.items() if _in_grace(at, now)}
    used[session.refresh_jti] = now.timestamp()
    session.used_refresh = used
    session.last_seen_at = now
    tokens.renew(session, now)
    session.save(
        update_fields=[
            "used_refresh", "last_seen_at", "issued_at", "refresh_jti", "refresh_expires_at", "access_jti",
        ]
    )  # fmt: skip


def _in_grace(first_used: float | None, now: datetime) -> bool:
    """Whether a token first used then, in seconds since 1970, still answers."""
    return first_used is not None and now.timestamp() - first_used <= settings.REFRESH_GRACE_S


def _end(session: Session, now: datetime) -> None:
    session.end(now)
    session.save(update_fields=["ended_at"])
    session_ended_on_commit(session.user_id, session.id)


def _clean_email(email: str | None) -> str | None:
    """The address as stored; None where none, or only blanks, were given."""
    email = clean_text(email or "", attr="email", max_chars=EMAIL_MAX_CHARS).strip()
    if not email:
        return None
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid.field("email", "not an e-mail address") from None
    if len(email.casefold()) > EMAIL_MAX_CHARS:  # "ß" becomes "ss"
        raise Invalid.field("email", f"at most {EMAIL_MAX_CHARS} characters", "too_long")
    return email


def _clean_new_password(password: str, user: User) -> str:
    """The password in NFC (RFC 8265: keyboards differ); Invalid with every rule it breaks."""
    password = clean_text(password, attr="password", max_chars=PASSWORD_MAX_CHARS)
    try:
        validate_password(password, user)
    except ValidationError as error:
        broken = [
            FieldError("password", str(rule.code or "invalid"), message)
            for rule in error.error_list
            for message in rule.messages
        ]
        raise Invalid("password: " + " ".join(rule.detail for rule in broken), errors=broken) from None
    return password


def _refuse_taken(user: User) -> None:
    """AlreadyExists where another user has this name or this address."""
    same = Q(username_key=user.username_key)
    if user.email_key is not None:
        same |= Q(email_key=user.email_key)
    taken = User.objects.filter(same).values_list("username_key", "email_key")
    errors = []
    if any(name == user.username_key for name, _ in taken):
        errors.append(FieldError("username", "already_exists", "this name is taken"))
    if user.email_key is not None and any(email == user.email_key for _, email in taken):
        errors.append(FieldError("email", "already_exists", "this address is taken"))
    if errors:
        raise AlreadyExists(" ".join(f"{error.attr}: {error.detail}." for error in errors), errors=errors)
