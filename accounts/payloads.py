"""Rows of this app as the objects of the contract."""

from uuid import UUID

import msgspec

from accounts.models import ApiToken, Session, User
from realtime import objects


def author_of(user: User) -> objects.Author:
    """`user` as embedded in messages and members."""
    return objects.Author(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        avatar=user.avatar or None,
        is_bot=user.is_bot,
        deleted=user.deleted_at is not None,
    )


def profile_of(user: User) -> objects.User:
    """`user` as everybody may see them."""
    return objects.User(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        avatar=user.avatar or None,
        bio=user.bio,
        is_bot=user.is_bot,
        deleted=user.deleted_at is not None,
    )


def own_profile_of(user: User) -> objects.OwnUser:
    """`user` as they see themselves."""
    return objects.OwnUser(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        avatar=user.avatar or None,
        bio=user.bio,
        is_bot=user.is_bot,
        deleted=user.deleted_at is not None,
        email=user.email,
        created_at=user.created_at,
    )


def session_of(session: Session, current_id: UUID | None) -> objects.Session:
    """`session`; `current_id` is the session that asks (None for a bot's token)."""
    return objects.Session(
        id=session.id,
        device=session.device,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        current=session.id == current_id,
    )


def api_token_of(token: ApiToken) -> objects.ApiToken:
    """`token` as its bot's owner sees it."""
    return objects.ApiToken(
        id=token.id,
        name=token.name,
        scopes=tuple(token.scopes),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def issued_token_of(token: ApiToken, secret: str) -> objects.IssuedApiToken:
    """`token` with its secret, for the one answer that shows it."""
    return objects.IssuedApiToken(**msgspec.structs.asdict(api_token_of(token)), token=secret)
