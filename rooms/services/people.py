"""From the ids that a client names to people."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from common import ids
from common.errors import Banned, FieldError, Forbidden, Invalid, RateLimited
from common.rates import Charge
from rooms.access import standing_bans
from rooms.models import Membership, Room

_FULL = {True: "full", False: "full_for_others"}  # by whether it is they who act


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
    user_ids: Sequence[UUID],
    *,
    actor_id: UUID,
    attr: str,
    texts: Sequence[str] = (),
    room: Room | None = None,
) -> list[User]:
    """The people with these ids, in that order; Invalid names each that does not exist (any more).

    By its place in `texts`, as the caller sent them, where it came in a list. With `room`, Banned names each who
    may not come into it: they, or the person whose bot they are, are banned. Forbidden where one who is not in `room`
    has no space for another one (`require_space`). One statement.
    """
    users = with_space(User.objects.filter(id__in=user_ids, is_active=True, deleted_at=None))
    if room is not None:
        here = Membership.objects.filter(room=room, user=OuterRef("pk"), left_seq=None)
        users = users.annotate(is_in=Exists(here))
        bans = standing_bans(room.id).filter(Q(user=OuterRef("pk")) | Q(user=OuterRef("owner")))
        users = users.annotate(banned=Exists(bans))
    found = {user.id: user for user in users}
    missing = [user_id for user_id in user_ids if user_id not in found]
    banned = [user_id for user_id, user in found.items() if getattr(user, "banned", False)]
    places = {ids.parse_id(text): f"{attr}.{index}" for index, text in enumerate(texts)}
    if not missing and not banned:
        people = [found[user_id] for user_id in user_ids]
        require_space([user for user in people if is_new(user)], actor_id=actor_id, attr=attr, places=places)
        return people
    if missing:
        errors = [FieldError(places.get(key, attr), "not_found", "no such user") for key in missing]
        raise Invalid(f"{attr}: no such user", errors=errors)
    raise Banned(
        errors=[FieldError(places.get(key, attr), "banned", "banned from this room") for key in banned]
    )


def is_new(user: User) -> bool:
    """Whether somebody whom `users_named` found is not in the room yet."""
    return not getattr(user, "is_in", False)


def with_space(users: QuerySet[User]) -> QuerySet[User]:
    """With what `require_space` goes by. Read from an index; rooms that are deleted and not yet purged count."""
    mine = Membership.objects.filter(user=OuterRef("pk"), left_seq=None)
    own, others = settings.ROOMS_PER_PERSON, settings.ROOMS_PER_PERSON_BY_OTHERS
    return users.annotate(full=Exists(mine[own - 1 : own]), full_for_others=Exists(mine[others - 1 : others]))


def require_space(
    users: Sequence[User],
    *,
    actor_id: UUID,
    attr: str,
    places: Mapping[UUID | None, str],
) -> None:
    """Forbidden where one of them is in as many rooms as they may be; others are named without the reason.

    That is ROOMS_PER_PERSON, and already ROOMS_PER_PERSON_BY_OTHERS where it is not they who act, so that nobody's
    space can be filled up for them. What comes in at the same moment elsewhere is not seen: a few more are possible.
    """
    suspects = [user for user in users if getattr(user, _FULL[user.id == actor_id])]
    if not suspects:
        return
    rows = Membership.objects.filter(user__in=suspects, left_seq=None, room__deleted_at=None)
    rooms = dict(rows.values_list("user").annotate(number=Count("*")))
    if rooms.get(actor_id, 0) >= settings.ROOMS_PER_PERSON:
        raise Forbidden(f"You are in as many rooms as you may be ({settings.ROOMS_PER_PERSON}); leave one.")
    full = [
        user.id
        for user in suspects
        if user.id != actor_id and rooms.get(user.id, 0) >= settings.ROOMS_PER_PERSON_BY_OTHERS
    ]
    if full:
        errors = [FieldError(places.get(key, attr), "forbidden", "cannot be put into a room") for key in full]
        raise Forbidden("Somebody cannot be put into a room.", errors=errors)


def charge_adding(charge: Charge, users: Sequence[User], *, actor: User) -> None:
    """RateLimited where the actor, or with them their owner and other bots, puts more people into rooms than
    ADDED_PEOPLE_PER_MINUTE; themselves they may."""
    number = sum(user.id != actor.id and is_new(user) for user in users)
    for left in range(number, 0, -1):
        standing = charge(actor.payer_id)
        if not standing.allowed:
            detail = "You put too many people into rooms; wait a little."
            raise RateLimited.by(standing, detail, number=left)  # all or none: those charged are given back
