"""The one door from a client's id to a row.

A private room, and all in it, answers to whoever is not in it exactly like an id that never was:
the same error, after the same queries.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from common import clock
from common.compiled import CompiledJoin
from common.errors import NotAMember, NotFound
from common.ids import parse_id
from rooms.models import Ban, Kind, Membership, Role, Room


class Seat(NamedTuple):
    """A person's place in a room they are in."""

    room: Room
    membership: Membership

    @property
    def moderates(self) -> bool:
        """Whether they may act on others' messages. In a direct room nobody does."""
        return self.room.kind != Kind.DIRECT and Role(self.membership.role).moderates


def known_id(text: str) -> UUID:
    """The id in `text`; NotFound where it is not written like one."""
    found = parse_id(text)
    if found is None:
        raise NotFound()
    return found


def _mine(room_id: UUID, user_id: UUID) -> QuerySet[Membership]:
    return Membership.objects.filter(room_id=room_id, user_id=user_id, left_seq=None, room__deleted_at=None)


_MINE = CompiledJoin(Membership, "room", _mine, room_id=UUID, user_id=UUID)


def room_for_member(*, user_id: UUID, room_id: str) -> Seat:
    """The room and my membership; NotAMember where it is public, else NotFound."""
    key = known_id(room_id)
    membership = _MINE.first(room_id=key, user_id=user_id)
    if membership is not None:
        return Seat(membership.room, membership)
    raise refusal(Room.objects.filter(id=key, deleted_at=None).only("kind").first())


def refusal(room: Room | None) -> NotAMember | NotFound:
    """What whoever is not in `room` is told."""
    return NotAMember() if room is not None and room.kind == Kind.PUBLIC else NotFound()


def locked_room_for_member(rooms: dict[UUID, Room], *, user_id: UUID, room_id: UUID) -> Seat:
    """As `room_for_member`, for a writer that has locked the room (`rooms` is what it locked); with who I am."""
    room = rooms.get(room_id)
    found = Membership.objects.select_related("user")
    membership = found.filter(room_id=room_id, user_id=user_id, left_seq=None).first()
    if room is None or membership is None:
        raise refusal(room)
    return Seat(room, membership)


def is_muted(seat: Seat, at: datetime) -> bool:
    """Whether this member, read with their user, may not speak then: they or, as a bot, their owner. One statement
    for a bot, none for a person."""
    until = seat.membership.muted_until
    if until is not None and until > at:
        return True
    owner_id = seat.membership.user.owner_id
    if owner_id is None:
        return False
    return Membership.objects.filter(room=seat.room, user_id=owner_id, muted_until__gt=at).exists()


def standing_bans(room_id: UUID) -> QuerySet[Ban]:
    """The bans of a room that hold now: a time that has passed bans nobody."""
    return Ban.objects.filter(Q(until=None) | Q(until__gt=clock.now()), room_id=room_id)
