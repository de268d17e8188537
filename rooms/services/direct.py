"""Direct rooms: of two people, and one a pair."""

from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.selectors import blocks_among
from common import clock, ids
from common.db import with_retry
from common.errors import Blocked, Invalid, NotFound
from common.limits import ADDED_PEOPLE
from rooms.access import known_id
from rooms.models import Kind, Room
from rooms.services.people import charge_adding, require_space, with_space
from rooms.services.rooms import CreatedRoom, begin


def open_direct_room(*, user_id: UUID, other_id: str) -> CreatedRoom:
    """The room of these two people, found or made: one a pair, also where both ask at the same moment.

    Invalid for oneself, NotFound for who is unknown or deleted, Blocked where there is none yet and either
    blocks the other; Forbidden and RateLimited as for `add_members`.
    """
    other = known_id(other_id)
    if other == user_id:
        raise Invalid.field("user_id", "somebody else")
    low, high = sorted((user_id, other))

    def found() -> Room | None:
        return Room.objects.filter(direct_low_id=low, direct_high_id=high, deleted_at=None).first()

    def write() -> CreatedRoom:
        with ADDED_PEOPLE.charging() as charge, transaction.atomic():
            charge_adding(charge, [people[other]], actor=people[user_id])
            at = clock.now()
            room = Room.objects.create(
                id=ids.new_id(), kind=Kind.DIRECT, created_by_id=user_id, created_at=at, last_event_at=at,
                direct_low_id=low, direct_high_id=high,
            )  # fmt: skip
            begin(room, [people[user_id], people[other]], at=at)
            return CreatedRoom(room, created=True)

    room = found()
    people = {
        user.id: user
        for user in with_space(User.objects.filter(id__in=(low, high), is_active=True, deleted_at=None))
    }
    if other not in people:
        raise NotFound()
    if room is not None:
        return CreatedRoom(room, created=False)
    if blocks_among([(user_id, other), (other, user_id)]):
        raise Blocked()
    require_space(list(people.values()), actor_id=user_id, attr="user_id", places={})
    try:
        return with_retry(write)
    except IntegrityError:  # the other one asked at the same moment and was first
        room = found()
        if room is None:
            raise
        return CreatedRoom(room, created=False)
