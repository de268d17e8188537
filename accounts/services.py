"""Registering, logging in, refreshing and logging out."""

from uuid import UUID

import msgspec
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts import guessing, hashers, sessions, tokens
from accounts.models import Session, User
from accounts.rules import EMAIL_MAX_CHARS, clean_email, clean_new_password, clean_password, refuse_taken
from common import clock
from common.errors import AllWrong, BadCredentials, SessionEnded, TokenInvalid, UserDisabled
from common.text import clean_name, clean_text, clean_username, username_key


class Opened(msgspec.Struct, frozen=True):
    """A session just opened, with its first pair of tokens."""

    user: User
    session: Session
    access: str
    refresh: str


def register(
    *,
    username: str,
    password: str,
    email: str | None = None,
    display_name: str = "",
    device: str = "",
    source: str | None = None,
) -> Opened:
    """A new user, logged in. `display_name` is the user name as sent where it is blank.

    Invalid; AlreadyExists naming `username`, `email` or both, also where two ask at the same moment;
    Unavailable where too many passwords wait to be hashed. RateLimited where too many have come from
    `source` (common.addresses; None is nobody's), whatever became of them: each tells whether a name is taken.
    """
    user, wrong = User(), AllWrong()
    with wrong:
        user.username = clean_username(username)
        user.username_key = username_key(user.username)
    with wrong:
        user.email = clean_email(email)
        user.email_key = user.email.casefold() if user.email else None
    with wrong:
        user.display_name = clean_name(display_name, attr="display_name", blank=True) or user.username
    with wrong:
        device = clean_name(device, attr="device", blank=True)
    with wrong:
        password = clean_new_password(password, user)
    wrong.check()
    if source is not None:
        guessing.registration(source)
    with hashers.turn():
        refuse_taken(user)
        user.set_password(password)  # before the transaction: SQLite's lets nobody else write meanwhile
    user.created_at = clock.now()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            return _open(user, device)
    except IntegrityError:
        refuse_taken(user)
        raise


def log_in(*, username: str, password: str, device: str = "", source: str | None = None) -> Opened:
    """A new session of who has this user name (or e-mail) and password; the errors of `user_by_password`."""
    device = clean_name(device, attr="device", blank=True)
    return _open(user_by_password(username=username, password=password, source=source), device)


def user_by_password(*, username: str, password: str, source: str | None = None) -> User:
    """Who has this user name (or e-mail) and password.

    Hashes exactly one password, whether or not there is such a user. BadCredentials; UserDisabled
    where the password was right; Invalid for text that is none; Unavailable where too many wait. RateLimited,
    with nothing hashed, where too many guesses at this name, or any, have come from `source`
    (common.addresses; None is nobody's), and where this person has logged in too often.
    """
    name = clean_text(username, attr="username", max_chars=EMAIL_MAX_CHARS).strip()
    password = clean_password(password)
    # A user name holds no "@", so a text is never one person's name and another's address.
    by, key = ("email_key", name.casefold()) if "@" in name else ("username_key", username_key(name))
    guesses = guessing.Guesses(key, source)
    guesses.refuse_early()
    with hashers.turn(), guesses.one():
        user = User.objects.filter(**{by: key}).first()
        if user is None:
            make_password(password)
            raise BadCredentials
        with guessing.right_password(user.id, source):
            if not user.check_password(password):
                raise BadCredentials
    if not user.stands:
        raise UserDisabled
    return user


def refresh(*, token: str) -> tokens.Pair:
    """The session's next pair of tokens for its newest refresh token.

    A token used before, within REFRESH_GRACE_S of its first use, gets the newest pair again, byte
    for byte; so do parallel calls with one token. Any later, somebody has a copy: the session is
    ended, for good although this raises. One that was voided (accounts/sessions.py) is TokenInvalid, and
    nothing happens to the session. TokenExpired, TokenInvalid, SessionEnded, UserDisabled.
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
        if not session.user.stands:
            raise UserDisabled
        now = clock.now()
        if claims.jti == session.refresh_jti:
            sessions.rotate(session, now)
            return tokens.pair_of(session)
        first_used = session.used_refresh.get(claims.jti)
        if sessions.in_grace(first_used, now):
            return tokens.pair_of(session)
        if sessions.is_void(first_used):
            raise TokenInvalid(
                "This refresh token is from before the password was changed, or others thrown out."
            )
        sessions.end(session, now)
    raise SessionEnded("This refresh token was used before; log in again.")


def log_out(*, session_id: UUID) -> None:
    """The session is ended and its sockets are told; nothing happens where it was already."""
    with transaction.atomic():
        session = Session.objects.select_for_update(no_key=True).filter(pk=session_id, ended_at=None).first()
        if session is not None:
            sessions.end(session, clock.now())


def _open(user: User, device: str) -> Opened:
    session = sessions.open_session(user, device)
    pair = tokens.pair_of(session)
    return Opened(user=user, session=session, access=pair.access, refresh=pair.refresh)
