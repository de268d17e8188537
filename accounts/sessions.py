"""The life of a session: it is opened, moves on to its next pair of tokens, and ends."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from accounts import tokens
from accounts.access import own_sessions
from accounts.models import Session, User
from common import clock
from common.errors import BadCredentials, NotFound, SessionEnded
from common.ids import parse_id
from common.rows import RowSet
from realtime.publish import sessions_ended_on_commit

_NEW = RowSet(
    "s", id="uuid", user_id="uuid", hash="text", device="text", at="time", refresh_jti="text",
    refresh_expires_at="time", access_jti="text", issued_at="time", used_refresh="json",
)  # fmt: skip
_VOID_KEPT = 50  # of a session, the newest: each is 45 bytes of its row

_ROW_LOCK = {"postgresql": " FOR SHARE OF u"}


def open_session(user: User, device: str) -> Session:
    """A new session of `user`, who has just shown who they are.

    BadCredentials where their password is another one by now: whoever changes it ends the sessions
    there are, and one more must not begin with the old one. One statement, so that it cannot. Where more than
    SESSIONS_PER_PERSON stand then, those not used for longest are ended.
    """
    now = clock.now()
    session = Session(user=user, device=device, created_at=now, last_seen_at=now)
    tokens.renew(session, now)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Session._meta.db_table} (id, user_id, device, created_at, last_seen_at, refresh_jti, "  # noqa: S608
            "refresh_expires_at, access_jti, issued_at, used_refresh) "
            "SELECT s.id, s.user_id, s.device, s.at, s.at, s.refresh_jti, s.refresh_expires_at, s.access_jti, "
            f"s.issued_at, s.used_refresh FROM {_NEW.sql} JOIN {User._meta.db_table} u "
            f"ON u.id = s.user_id AND u.password = s.hash{_ROW_LOCK.get(connection.vendor, '')} "
            # The new one is among them or not, as the database likes.
            "RETURNING (SELECT COUNT(*) FROM accounts_session other WHERE other.user_id = accounts_session.user_id "
            "AND other.ended_at IS NULL AND other.refresh_expires_at > accounts_session.created_at)",
            _NEW.params([
                (
                    session.id, user.id, user.password, device, now, session.refresh_jti,
                    session.refresh_expires_at, session.access_jti, session.issued_at, session.used_refresh,
                )
            ]),
        )  # fmt: skip
        standing = cursor.fetchone()
    if standing is None:
        raise BadCredentials
    session._state.adding = False
    if standing[0] >= settings.SESSIONS_PER_PERSON:
        _end_oldest(user.id, but=session.id)
    return session


def _end_oldest(user_id: UUID, *, but: UUID) -> None:
    others = own_sessions(user_id).exclude(pk=but).order_by("-last_seen_at", "-id")
    ids = list(others.values_list("id", flat=True)[settings.SESSIONS_PER_PERSON - 1 :])
    with transaction.atomic():
        rows = Session.objects.select_for_update(no_key=True).filter(pk__in=ids, ended_at=None)
        _end_locked(user_id, rows.order_by("id").values_list("id", flat=True))


def _end_locked(user_id: UUID, ids: Collection[UUID]) -> None:
    if ids:
        Session.objects.filter(pk__in=list(ids)).update(ended_at=clock.now())
        sessions_ended_on_commit(user_id, list(ids))


def rotate(session: Session, now: datetime, *, grace: bool = True) -> None:
    """The newest refresh token becomes a used one; used ones whose grace is over are forgotten.

    Without `grace` all used ones are void.
    """
    used = {jti: at for jti, at in session.used_refresh.items() if in_grace(at, now) or is_void(at)}
    used[session.refresh_jti] = now.timestamp()
    session.used_refresh = used if grace else _voided(used, now)
    session.last_seen_at = now
    tokens.renew(session, now)
    session.save(
        update_fields=[
            "used_refresh", "last_seen_at", "issued_at", "refresh_jti", "refresh_expires_at", "access_jti",
        ]
    )  # fmt: skip


def in_grace(first_used: float | None, now: datetime) -> bool:
    """Whether a token first used then, in seconds since 1970, still answers."""
    return first_used is not None and now.timestamp() - first_used <= settings.REFRESH_GRACE_S


def is_void(first_used: float | None) -> bool:
    """Whether it is a token that answers no more and whose use ends nothing: it may be a second tab's."""
    return first_used is not None and first_used <= 0


def _voided(used: dict[str, float], now: datetime) -> dict[str, float]:
    """`used` with all of them void: the time is that of then, negative. The _VOID_KEPT newest stay void for good."""
    void = [(at if is_void(at) else -now.timestamp(), jti) for jti, at in used.items()]
    return {jti: at for at, jti in sorted(void)[:_VOID_KEPT]}


def end(session: Session, now: datetime) -> None:
    """The locked `session` is ended, and its sockets are told."""
    session.end(now)
    session.save(update_fields=["ended_at"])
    sessions_ended_on_commit(session.user_id, [session.id])


def end_session(*, user_id: UUID, session_id: str) -> None:
    """One session of this person is ended, the one that asks too; NotFound where it does not stand.

    Locks its row.
    """
    key = parse_id(session_id)
    with transaction.atomic():
        session = (
            None
            if key is None
            else own_sessions(user_id).select_for_update(no_key=True).filter(pk=key).first()
        )
        if session is None:
            raise NotFound
        end(session, clock.now())


def end_other_sessions(*, user_id: UUID, but: UUID) -> None:
    """Every session of this person is ended, but that one, whose used refresh tokens are void.

    Locks their rows, in the order of their ids.
    """
    with transaction.atomic():
        session = _end_others(user_id, but)
        if session is not None and session.used_refresh:
            session.used_refresh = _voided(session.used_refresh, clock.now())
            session.save(update_fields=["used_refresh"])


def go_on_alone(*, user_id: UUID, session_id: UUID) -> Session:
    """As `end_other_sessions`, and that one has its next pair of tokens. SessionEnded where it does not stand."""
    with transaction.atomic():
        session = _end_others(user_id, session_id)
        if session is None:
            raise SessionEnded
        rotate(session, clock.now(), grace=False)
        return session


def _end_others(user_id: UUID, but: UUID) -> Session | None:
    rows = Session.objects.select_for_update(no_key=True).filter(user_id=user_id, ended_at=None)
    standing = {session.id: session for session in rows.order_by("id")}
    session = standing.pop(but, None)
    _end_locked(user_id, standing.keys())
    return session
