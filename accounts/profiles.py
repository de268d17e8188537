"""Changing one's own profile."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from msgspec import UNSET, UnsetType

from accounts import guessing
from accounts.models import User
from accounts.rules import BIO_MAX_CHARS, clean_email, refuse_taken
from common.errors import AllWrong, UserDisabled
from common.text import clean_name, clean_text, clean_url, clean_username, username_key


def update_profile(
    *,
    user_id: UUID,
    username: str | UnsetType = UNSET,
    display_name: str | UnsetType | None = UNSET,
    email: str | UnsetType | None = UNSET,
    bio: str | UnsetType | None = UNSET,
    avatar: str | UnsetType | None = UNSET,
    source: str | None = None,
) -> User:
    """The person with what is given changed. No event tells: objects show a person as they are when they are sent.

    `email`, `bio` and `avatar` are taken away by None or "", and `display_name` becomes the user name. Invalid;
    AlreadyExists naming `username`, `email` or both, also where two ask at the same moment; UserDisabled where
    that, or their deletion, came between. RateLimited where other addresses are given more often than
    EMAILS_PER_HOUR, or than one may register from `source`: each tells whether it is somebody's. Locks the
    user's row.
    """
    changes: dict[str, Any] = {}
    wrong = AllWrong()
    if username is not UNSET:
        with wrong:
            changes["username"] = clean_username(username)
            changes["username_key"] = username_key(changes["username"])
    if display_name is not UNSET:
        with wrong:
            changes["display_name"] = clean_name(display_name or "", attr="display_name", blank=True)
    if email is not UNSET:
        with wrong:
            changes["email"] = address = clean_email(email)
            changes["email_key"] = address.casefold() if address else None
    if bio is not UNSET:
        with wrong:
            changes["bio"] = clean_text(bio or "", attr="bio", max_chars=BIO_MAX_CHARS)
    if avatar is not UNSET:
        with wrong:
            changes["avatar"] = clean_url(avatar, attr="avatar") if avatar else ""
    wrong.check()
    address_key = changes.get("email_key")
    if address_key and source is not None and not _is_theirs(user_id, address_key):
        guessing.other_address(user_id, source)
    user = User()
    try:
        with transaction.atomic():
            user = User.objects.select_for_update(no_key=True).get(pk=user_id)
            if not user.stands:
                raise UserDisabled
            _change(user, changes)
    except IntegrityError:
        refuse_taken(user)
        raise
    return user


def _change(user: User, changes: dict[str, Any]) -> None:
    changed = {name for name, value in changes.items() if getattr(user, name) != value}
    for name in changed:
        setattr(user, name, changes[name])
    if not user.display_name:
        user.display_name = user.username
    if changed & {"username_key", "email_key"}:
        refuse_taken(user)
    if changed:
        user.save(update_fields=changed | {"display_name", "username_look", "search_text"})


def _is_theirs(user_id: UUID, address_key: str) -> bool:
    return User.objects.filter(pk=user_id, email_key=address_key).exists()
