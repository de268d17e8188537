"""From a token to who sends it: the only way in, for REST and socket alike."""

from datetime import datetime
from uuid import UUID

import msgspec

from accounts import payloads, tokens
from accounts.models import Session, User
from common.errors import SessionEnded, TokenInvalid, UserDisabled
from realtime import objects


class Identity(msgspec.Struct, frozen=True):
    """Who sends, without the ORM. `expires_at` is the token's; the session is None for bots' tokens."""

    user_id: UUID
    session_id: UUID | None
    expires_at: datetime
    user: objects.User
    session: objects.Session | None


def identify(token: str) -> tuple[Identity, User]:
    """Who sends `token`, as the database says now, in one query.

    TokenExpired, TokenInvalid (also where the session is not that user's), SessionEnded (also where
    there is no such session), UserDisabled.
    """
    claims = tokens.read_access(token)
    session = Session.objects.select_related("user").filter(pk=claims.session_id).first()
    if session is None:
        raise SessionEnded
    user = session.user
    if user.id != claims.user_id:
        raise TokenInvalid
    if not session.stands:
        raise SessionEnded
    if not user.is_active or user.deleted_at is not None:
        raise UserDisabled
    return (
        Identity(
            user_id=user.id,
            session_id=session.id,
            expires_at=claims.expires_at,
            user=payloads.profile_of(user),
            session=payloads.session_of(session, session.id),
        ),
        user,
    )
