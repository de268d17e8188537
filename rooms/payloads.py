"""Rows of this app as the objects of the contract."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import UNSET

from accounts.models import User
from accounts.payloads import author_of
from realtime import objects
from realtime.events import (
    Event,
    EventType,
    MemberData,
    MemberLeftData,
    RoomData,
    RoomDeletedData,
    encode_event,
)
from realtime.publish import RoomEvent
from rooms.log import Entry
from rooms.models import Ban, Kind, Membership, Room


def rooms_of(rooms: Sequence[Room]) -> list[objects.Room]:
    """The rooms, in their order, as every reader sees them; without `me`.

    One statement for the people of all direct rooms among them, none where there are none.
    """
    pairs = [_pair(room) for room in rooms]
    people = User.objects.in_bulk({user_id for pair in pairs for user_id in pair})
    return [
        objects.Room(
            id=room.id,
            kind=room.kind,  # type: ignore[arg-type]  # held by a constraint
            name=None if room.kind == Kind.DIRECT else room.name,
            topic=room.topic,
            avatar=room.avatar or None,
            created_by=room.created_by_id,
            created_at=room.created_at,
            last_seq=room.last_seq,
            first_seq=room.first_seq,
            changed_seq=room.changed_seq,
            member_count=room.member_count,
            slow_mode_s=room.slow_mode_s,
            members=tuple(author_of(people[user_id]) for user_id in pair) or UNSET,
        )
        for room, pair in zip(rooms, pairs, strict=True)
    ]


def room_of(room: Room) -> objects.Room:
    """As `rooms_of`, for one."""
    return rooms_of([room])[0]


def _pair(room: Room) -> tuple[UUID, ...]:
    """The two people of a direct room, nobody of another."""
    if room.direct_low_id is None or room.direct_high_id is None:
        return ()
    return room.direct_low_id, room.direct_high_id


def member_of(membership: Membership, user: User) -> objects.Member:
    """A person in a room; of one who has left, as they were just before."""
    return objects.Member(
        user=author_of(user),
        role=membership.role,  # type: ignore[arg-type]  # held by a constraint
        muted_until=membership.muted_until,
        joined_at=membership.joined_at,
        changed_seq=membership.changed_seq,
    )


def room_changed(
    kind: EventType, seq: int, at: datetime, actor: UUID | None, room: objects.Room
) -> RoomEvent:
    """The event `room.created` or `room.updated`."""
    return RoomEvent(seq, encode_event(Event(kind, room.id, seq, at, actor, RoomData(room))))


def room_deleted(room_id: UUID, seq: int, at: datetime, actor: UUID | None) -> RoomEvent:
    """The event `room.deleted`; every subscription ends with it."""
    frame = encode_event(Event(EventType.ROOM_DELETED, room_id, seq, at, actor, RoomDeletedData()))
    return RoomEvent(seq, frame, reason="room_deleted")


def member_changed(
    kind: EventType, room_id: UUID, seq: int, at: datetime, actor: UUID | None, member: objects.Member
) -> RoomEvent:
    """The event `member.joined` or `member.updated`."""
    frame = encode_event(Event(kind, room_id, seq, at, actor, MemberData(member)))
    return RoomEvent(seq, frame, member=member.user.id)


def member_left(
    room_id: UUID, seq: int, at: datetime, actor: UUID | None, user_id: UUID, reason: str
) -> RoomEvent:
    """The event `member.left`; it tells the hub whose subscriptions end with it."""
    data = MemberLeftData(user_id, reason)
    frame = encode_event(Event(EventType.MEMBER_LEFT, room_id, seq, at, actor, data))
    return RoomEvent(seq, frame, member=user_id, reason=reason)


def member_event(entry: Entry, at: datetime, membership: Membership, user: User) -> RoomEvent:
    """`member.joined` or `member.updated` for an entry just appended."""
    member = member_of(membership, user)
    return member_changed(entry.type, entry.room.id, entry.seq, at, entry.actor_id, member)


def ban_of(ban: Ban, user: User) -> objects.Ban:
    """A ban as moderators see it."""
    return objects.Ban(
        user=author_of(user),
        reason=ban.reason,
        until=ban.until,
        created_at=ban.created_at,
        created_by=ban.created_by_id,
    )
