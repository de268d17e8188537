"""From a token to who sends it: the only way in, for REST and socket alike. And from a person to what is theirs."""

from datetime import datetime
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet

from accounts import api_tokens, payloads, tokens
from accounts.models import ApiToken, Session, User
from accounts.token_uses import token_uses
from common import clock
from common.compiled import CompiledJoin
from common.errors import (
    Invalid,
    NotFound,
    ParleyError,
    SessionEnded,
    TokenExpired,
    TokenInvalid,
    UserDisabled,
)
from common.ids import parse_id
from realtime import objects

_OWNER_STANDS = Q(bot__owner__is_active=True, bot__owner__deleted_at=None)


class Identity(msgspec.Struct, frozen=True):
    """Who sends, without the ORM.

    `payer_id` is on whom limits count: a bot's owner. `credential_id` is the session's or the API token's; the
    session is None for API tokens. The token is good until `expires_at` (None: until revoked). `scopes` are what an API token may do; None is everything.
    """

    user_id: UUID
    payer_id: UUID
    credential_id: UUID
    expires_at: datetime | None
    user: objects.User
    session: objects.Session | None
    scopes: frozenset[str] | None = None

    @property
    def session_id(self) -> UUID | None:
        """The session's id; None for an API token."""
        return None if self.session is None else self.credential_id


_SESSION = CompiledJoin(
    Session, "user", lambda session_id: Session.objects.filter(pk=session_id), session_id=UUID
)


def identify(token: str) -> tuple[Identity, User]:
    """Who sends `token`, a session's or a bot's, as the database says now, in one query.

    TokenExpired, TokenInvalid (also where the session is not that user's), SessionEnded (also where
    there is no such session), UserDisabled.
    """
    if token.startswith(api_tokens.PREFIX):
        return _identify_bot(token)
    claims = tokens.read_access(token)
    session = _SESSION.first(session_id=claims.session_id)
    if session is None:
        raise SessionEnded
    user = session.user
    if user.id != claims.user_id:
        raise TokenInvalid
    if not session.stands:
        raise SessionEnded
    if not user.stands:
        raise UserDisabled
    return (
        Identity(
            user_id=user.id,
            payer_id=user.payer_id,
            credential_id=session.id,
            expires_at=claims.expires_at,
            user=payloads.profile_of(user),
            session=payloads.session_of(session, session.id),
        ),
        user,
    )


def _identify_bot(token: str) -> tuple[Identity, User]:
    """As `identify`, for an API token. TokenInvalid where there is none, SessionEnded where it was revoked.

    A bot does nothing while its owner is disabled.
    """
    if not api_tokens.written_like_one(token):
        raise TokenInvalid
    found = (
        ApiToken.objects.select_related("bot")
        .annotate(owner_stands=_OWNER_STANDS)
        .filter(token_hash=api_tokens.hash_of(token))
        .first()
    )
    if found is None:
        raise TokenInvalid
    bot = found.bot
    if not (bot.stands and found.owner_stands):
        raise UserDisabled
    if found.revoked_at is not None:
        raise SessionEnded("The API token was revoked.")
    if found.expires_at is not None and found.expires_at <= clock.now():
        raise TokenExpired
    token_uses.note([found.id])
    return (
        Identity(
            user_id=bot.id,
            payer_id=bot.payer_id,
            credential_id=found.id,
            expires_at=found.expires_at,
            user=payloads.profile_of(bot),
            session=None,
            scopes=frozenset(found.scopes),
        ),
        bot,
    )


def own_sessions(user_id: UUID) -> QuerySet[Session]:
    """The sessions of this person that stand: not ended, and their refresh token has not run out."""
    return Session.objects.filter(user_id=user_id, ended_at=None, refresh_expires_at__gt=clock.now())


def named_by(token: str) -> UUID | None:
    """The user whom a session's access token names, by its signature alone; None for any other token.

    Without the database, so it does not say that they may come in.
    """
    try:
        return tokens.read_access(token).user_id
    except ParleyError:
        return None


def other_user(*, user_id: UUID, other_id: str) -> User:
    """Somebody else, a deleted one too, by the id in a URL. Invalid for oneself, NotFound for nobody."""
    key = parse_id(other_id)
    if key == user_id:
        raise Invalid.field("user_id", "somebody else")
    found = None if key is None else User.objects.filter(pk=key).first()
    if found is None:
        raise NotFound
    return found


def own_bot(*, owner_id: UUID, bot_id: str, lock: bool = False) -> User:
    """The bot of this person; NotFound for another's, for a deleted one, and for what is no bot.

    With `lock`, inside a transaction, its row is locked.
    """
    key = parse_id(bot_id)
    if key is None:
        raise NotFound
    rows = User.objects.select_for_update(no_key=True) if lock else User.objects.all()
    bot = rows.filter(pk=key, owner_id=owner_id, is_bot=True, deleted_at=None).first()
    if bot is None:
        raise NotFound
    return bot
