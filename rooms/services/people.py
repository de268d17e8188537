"""From the ids that a client names to people."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from common import ids
from common.errors import Banned, FieldError, Invalid
from rooms.access import standing_bans
from rooms.models import Room


def distinct_ids(texts: Sequence[str], *, attr: str) -> list[UUID]:
    """The ids in `texts` without repetitions, in order; Invalid names the one that is none."""
    if len(texts) > settings.MEMBERS_MAX_PER_REQUEST:
        raise Invalid.field(attr, f"at most {settings.MEMBERS_MAX_PER_REQUEST}", "too_many")
    found: dict[UUID, None] = {}
    for index, text in enumerate(texts):
        key = ids.parse_id(text)
        if key is None:
            raise Invalid.field(f"{attr}.{index}", "no such user", "not_found")
        found[key] = None
    return list(found)


def users_named(
    user_ids: Sequence[UUID], *, attr: str, texts: Sequence[str] = (), room: Room | None = None
) -> list[User]:
    """The people with these ids, in that order; Invalid names each that does not exist (any more).

    By its place in `texts`, as the caller sent them, where it came in a list. With `room`, Banned names each who
    may not come into it: they, or the person whose bot they are, are banned. One statement.
    """
    users = User.objects.filter(id__in=user_ids, is_active=True, deleted_at=None)
    if room is not None:
        bans = standing_bans(room.id).filter(Q(user=OuterRef("pk")) | Q(user=OuterRef("owner")))
        users = users.annotate(banned=Exists(bans))
    found = {user.id: user for user in users}
    missing = [user_id for user_id in user_ids if user_id not in found]
    banned = [user_id for user_id, user in found.items() if getattr(user, "banned", False)]
    if not missing and not banned:
        return [found[user_id] for user_id in user_ids]
    places = {ids.parse_id(text): f"{attr}.{index}" for index, text in enumerate(texts)}
    if missing:
        errors = [FieldError(places.get(key, attr), "not_found", "no such user") for key in missing]
        raise Invalid(f"{attr}: no such user", errors=errors)
    raise Banned(
        errors=[FieldError(places.get(key, attr), "banned", "banned from this room") for key in banned]
    )
