"""Bots and their API tokens: made, changed and ended by their owner."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Min, Q
from msgspec import UNSET, UnsetType

from accounts import api_tokens, scopes
from accounts.access import own_bot
from accounts.models import ApiToken, User
from accounts.profiles import update_profile
from accounts.rules import BIO_MAX_CHARS, refuse_taken
from common import clock
from common.errors import AllWrong, Forbidden, Invalid, NotFound, RateLimited, UserDisabled
from common.ids import parse_id
from common.standing import Standing
from common.text import clean_name, clean_text, clean_url, clean_username, username_key
from realtime.publish import sessions_ended_on_commit, user_disabled_on_commit

_DAY = timedelta(days=1)


class IssuedToken(msgspec.Struct, frozen=True):
    """A new API token; `token` is its secret, which is kept nowhere."""

    row: ApiToken
    token: str


def create_bot(
    *, owner_id: UUID, username: str, display_name: str = "", bio: str = "", avatar: str = ""
) -> User:
    """A bot of this person, in no room and without a token. `display_name` is the user name where it is blank.

    Invalid; AlreadyExists for a taken name, also where two ask at the same moment; Forbidden where the person
    has as many as they may; RateLimited where they have made BOTS_PER_DAY within a day, those deleted since
    too: each is somebody new to a room that has banned the one before. Locks the owner's row.
    """
    bot, wrong = User(is_bot=True, owner_id=owner_id, created_at=clock.now()), AllWrong()
    with wrong:
        bot.username = clean_username(username)
        bot.username_key = username_key(bot.username)
    with wrong:
        bot.display_name = clean_name(display_name, attr="display_name", blank=True) or bot.username
    with wrong:
        bot.bio = clean_text(bio, attr="bio", max_chars=BIO_MAX_CHARS)
    with wrong:
        bot.avatar = clean_url(avatar, attr="avatar") if avatar else ""
    wrong.check()
    bot.set_unusable_password()
    try:
        with transaction.atomic():
            owner = User.objects.select_for_update(no_key=True).get(pk=owner_id)
            if not owner.is_active:  # since the request began
                raise UserDisabled
            _refuse_many(owner_id, bot.created_at)
            refuse_taken(bot)
            bot.save(force_insert=True)
    except IntegrityError:
        refuse_taken(bot)
        raise
    return bot


def _refuse_many(owner_id: UUID, now: datetime) -> None:
    lately = Q(created_at__gt=now - _DAY)
    made = User.objects.filter(owner_id=owner_id).aggregate(
        standing=Count("id", filter=Q(deleted_at=None)),
        lately=Count("id", filter=lately),
        first=Min("created_at", filter=lately),
    )
    if made["standing"] >= settings.BOTS_MAX_PER_USER:
        raise Forbidden(f"You have {settings.BOTS_MAX_PER_USER} bots, which is the most: delete one first.")
    if made["lately"] >= settings.BOTS_PER_DAY:
        most = settings.BOTS_PER_DAY
        error = RateLimited(
            f"You have made {most} bots within a day, which is the most.",
            retry_after_s=(made["first"] + _DAY - now).total_seconds(),
        )
        error.standing = Standing(False, "bots", most, most, most / _DAY.total_seconds())
        raise error


def update_bot(
    *,
    owner_id: UUID,
    bot_id: str,
    username: str | UnsetType = UNSET,
    display_name: str | UnsetType | None = UNSET,
    bio: str | UnsetType | None = UNSET,
    avatar: str | UnsetType | None = UNSET,
) -> User:
    """The bot with what is given changed, as people change their profiles (accounts/profiles.py).

    NotFound, Invalid, AlreadyExists for a taken name; Forbidden where an operator has disabled the bot. Locks
    the bot's row.
    """
    bot = own_bot(owner_id=owner_id, bot_id=bot_id)
    try:
        return update_profile(
            user_id=bot.id, username=username, display_name=display_name, bio=bio, avatar=avatar
        )
    except UserDisabled:  # that is the bot's state and not the caller's
        own_bot(owner_id=owner_id, bot_id=bot_id)  # or it was deleted between
        raise Forbidden("The bot is disabled.") from None


def delete_bot(*, owner_id: UUID, bot_id: str) -> None:
    """The bot is disabled for good, its names wiped, its tokens revoked, and its sockets are told.

    It stays a member of its rooms, shown as deleted, and its messages stay. NotFound. Locks the bot's row.
    """
    with transaction.atomic():
        bot = own_bot(owner_id=owner_id, bot_id=bot_id, lock=True)
        now = clock.now()
        bot.erase(now)
        bot.save()
        ApiToken.objects.filter(bot=bot, revoked_at=None).update(revoked_at=now)
        user_disabled_on_commit(bot.id)


def issue_token(
    *,
    owner_id: UUID,
    bot_id: str,
    allowed: Sequence[str],
    name: str = "",
    expires_at: datetime | None = None,
) -> IssuedToken:
    """A new token of the bot that may do what `allowed` names, at least one scope, until `expires_at` or for ever.

    NotFound, Invalid; Forbidden where the bot has as many as it may. Locks the bot's row.
    """
    name = clean_name(name, attr="name", blank=True)
    granted = _clean_scopes(allowed)
    now = clock.now()
    if expires_at is not None and not now < expires_at < clock.LATEST:
        raise Invalid.field("expires_at", "a time to come, before the year 9999")
    token = api_tokens.new_token()
    with transaction.atomic():
        bot = own_bot(owner_id=owner_id, bot_id=bot_id, lock=True)
        if ApiToken.objects.filter(bot=bot, revoked_at=None).count() >= settings.TOKENS_MAX_PER_BOT:
            raise Forbidden(
                f"The bot has {settings.TOKENS_MAX_PER_BOT} tokens, which is the most: revoke one first."
            )
        row = ApiToken.objects.create(
            bot=bot,
            name=name,
            token_hash=api_tokens.hash_of(token),
            scopes=granted,
            created_at=now,
            expires_at=None if expires_at is None else expires_at.astimezone(UTC),
        )
    return IssuedToken(row, token)


def revoke_token(*, owner_id: UUID, bot_id: str, token_id: str) -> None:
    """The token lets nobody in any more, and its sockets are told. NotFound, also where it was revoked before."""
    key = parse_id(token_id)
    if key is None:
        raise NotFound
    with transaction.atomic():
        bot = own_bot(owner_id=owner_id, bot_id=bot_id, lock=True)
        if not ApiToken.objects.filter(pk=key, bot=bot, revoked_at=None).update(revoked_at=clock.now()):
            raise NotFound
        sessions_ended_on_commit(bot.id, [key])


def _clean_scopes(names: Sequence[str]) -> list[str]:
    """Each once, in the order of accounts/scopes.py."""
    if not names:
        raise Invalid.field("scopes", f"at least one of {', '.join(scopes.SCOPES)}", "required")
    if len(names) > len(scopes.SCOPES):
        raise Invalid.field("scopes", f"at most {len(scopes.SCOPES)}", "too_many")
    for index, name in enumerate(names):
        if name not in scopes.SCOPES:
            raise Invalid.field(f"scopes.{index}", f"one of {', '.join(scopes.SCOPES)}")
    return [scope for scope in scopes.SCOPES if scope in names]
