"""From the ids that a client names to people."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from accounts.models import User
from common import ids
from common.errors import FieldError, Invalid


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


def users_named(user_ids: Sequence[UUID], *, attr: str, texts: Sequence[str] = ()) -> list[User]:
    """The people with these ids, in that order; Invalid names each that does not exist (any more).

    By its place in `texts`, as the caller sent them, where it came in a list.
    """
    found = {user.id: user for user in User.objects.filter(id__in=user_ids, is_active=True, deleted_at=None)}
    missing = [user_id for user_id in user_ids if user_id not in found]
    if missing:
        places = {ids.parse_id(text): f"{attr}.{index}" for index, text in enumerate(texts)}
        errors = [FieldError(places.get(key, attr), "not_found", "no such user") for key in missing]
        raise Invalid(f"{attr}: no such user", errors=errors)
    return [found[user_id] for user_id in user_ids]
