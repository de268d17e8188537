"""Coming into a room and going out of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from accounts.models import User
from common import clock, ids
from common.db import in_charged_transaction, in_transaction
from common.errors import Invalid, LastOwner, NotFound, RateLimited
from common.limits import ADDED_PEOPLE, JOINS
from common.rates import Charge
from realtime import objects
from realtime.events import EventType
from realtime.publish import RoomEvent, publish_on_commit
from rooms import log, notices, payloads
from rooms.access import known_id, locked_room_for_member
from rooms.models import Kind, Membership, Role, Room
from rooms.services.needs import needs
from rooms.services.people import charge_adding, distinct_ids, users_named


class Added(NamedTuple):
    """The people asked for, in that order, and whether any of them is newly in."""

    members: list[objects.Member]
    any_new: bool


def add_member(*, actor_id: UUID, room_id: str, user: str, role: str = Role.MEMBER) -> Added:
    """As `add_members`, for one; errors name `user`."""
    if ids.parse_id(user) is None:
        raise Invalid.field("user", "no such user", "not_found")
    return _add(actor_id=actor_id, room_id=room_id, users=[user], role=role, attr="user")


def add_members(*, actor_id: UUID, room_id: str, users: Sequence[str], role: str = Role.MEMBER) -> Added:
    """Put people into a room, as its owner or an admin; whoever is in already stays as they are.

    A role is given only below one's own, but an owner may make owners. Nobody is put in where one of them is
    banned (Banned names them) or has no space for another room (Forbidden names them), or where the actor has added as
    many as they may: RateLimited.
    """
    return _add(actor_id=actor_id, room_id=room_id, users=users, role=role, attr="users")


def _add(*, actor_id: UUID, room_id: str, users: Sequence[str], role: str, attr: str) -> Added:
    if role not in Role.values:
        raise Invalid.field("role", "owner, admin or member")
    user_ids = distinct_ids(users, attr=attr)
    if not user_ids:
        raise Invalid.field("users", "at least one")
    key = known_id(room_id)

    def write(charge: Charge) -> Added:
        rooms = log.lock_rooms([key])
        room, mine = locked_room_for_member(rooms, user_id=actor_id, room_id=key)
        needs(room.kind != Kind.DIRECT and Role(mine.role).moderates)
        needs(mine.role == Role.OWNER or Role(role).rank < Role(mine.role).rank)
        texts = users if attr == "users" else ()
        people = users_named(user_ids, actor_id=actor_id, attr=attr, texts=texts, room=room)
        charge_adding(charge, people, actor=mine.user)
        return enter(room, people, actor_id=actor_id, role=Role(role))

    return in_charged_transaction(ADDED_PEOPLE, write)


def join_room(*, user_id: UUID, room_id: str) -> Room:
    """Enter a public room; nothing happens to who is in it already. A private one: NotFound. Banned. Forbidden for who
    is in ROOMS_PER_PERSON.

    As each coming and going is two events to all, so often as JOINS_PER_ROOM_PER_HOUR: RateLimited.
    """
    key = known_id(room_id)

    def write(charge: Charge) -> Room:
        room = log.lock_rooms([key]).get(key)
        is_in = Membership.objects.filter(room_id=key, user_id=user_id, left_seq=None).exists()
        if room is None or not (room.kind == Kind.PUBLIC or is_in):
            raise NotFound()
        people = users_named([user_id], actor_id=user_id, attr="user", room=room)
        if not is_in:
            standing = charge(f"{people[0].payer_id}:{key}")
            if not standing.allowed:
                raise RateLimited.by(standing, "You came into this room too often; wait a little.")
            enter(room, people, actor_id=user_id, role=Role.MEMBER)
        return room

    return in_charged_transaction(JOINS, write)


def leave_room(*, user_id: UUID, room_id: str) -> None:
    """Go out of a room. The last owner hands it over first; nobody leaves a direct room."""
    key = known_id(room_id)

    def write() -> None:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=user_id, room_id=key)
        needs(room.kind != Kind.DIRECT)
        go_out(room, mine, actor_id=user_id, reason="left")

    in_transaction(write)


def remove_member(*, actor_id: UUID, room_id: str, user_id: str) -> None:
    """Take somebody of a lower role out of a room; oneself is leaving."""
    key = known_id(room_id)

    def write() -> None:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=actor_id, room_id=key)
        needs(room.kind != Kind.DIRECT)
        target_id = known_id(user_id)
        if target_id == actor_id:
            go_out(room, mine, actor_id=actor_id, reason="left")
            return
        needs(Role(mine.role).moderates)
        target = Membership.objects.filter(room=room, user_id=target_id, left_seq=None).first()
        if target is None:
            raise NotFound()
        needs(Role(mine.role).rank > Role(target.role).rank)
        go_out(room, target, actor_id=actor_id, reason="removed")

    in_transaction(write)


def enter(room: Room, people: list[User], *, actor_id: UUID, role: Role) -> Added:
    """Make `people` members of the locked `room`; a constant number of statements."""
    at = clock.now()
    known = {m.user_id: m for m in Membership.objects.filter(room=room, user__in=people)}
    entries: list[log.Entry] = []
    for user in people:
        before = known.get(user.id)
        if before is None or before.left_seq is not None:
            entries.append(log.Entry(room, EventType.MEMBER_JOINED, actor_id, user.id))
    if entries:
        log.append(entries, at=at)
    fresh: list[Membership] = []
    back: list[Membership] = []
    for entry in entries:
        assert entry.subject_id is not None
        membership = known.get(entry.subject_id)
        if membership is None:
            membership = Membership(room=room, user_id=entry.subject_id)
            fresh.append(membership)
        else:
            back.append(membership)
        _seat(membership, entry.seq, at, role)
        known[entry.subject_id] = membership
    Membership.objects.bulk_create(fresh)
    Membership.objects.bulk_update(
        back, ["role", "muted_until", "joined_at", "joined_seq", "changed_seq", "left_seq", "last_read_seq"]
    )
    by_id = {user.id: user for user in people}
    events: list[RoomEvent] = []
    for entry in entries:
        assert entry.subject_id is not None
        membership = known[entry.subject_id]
        events.append(payloads.member_event(entry, at, membership, by_id[entry.subject_id]))
    if entries:
        publish_on_commit(room.id, events)
        came = [entry.subject_id for entry in entries if entry.subject_id is not None]
        notices.tell_in_on_commit(came, payloads.room_of(room))
    return Added([payloads.member_of(known[user.id], user) for user in people], bool(entries))


def _seat(membership: Membership, seq: int, at: datetime, role: Role) -> None:
    """What a joining sets, the first or a later one: nothing of an earlier stay is kept but a mute."""
    membership.role = role
    if membership.muted_until is not None and membership.muted_until <= at:
        membership.muted_until = None
    membership.joined_at = at
    membership.joined_seq = membership.changed_seq = membership.last_read_seq = seq
    membership.left_seq = None


def go_out(room: Room, membership: Membership, *, actor_id: UUID, reason: str) -> None:
    """End a membership of the locked `room`; its row keeps the state as it was just before."""
    needs_another_owner(room, membership)
    at = clock.now()
    entry = log.Entry(room, EventType.MEMBER_LEFT, actor_id, membership.user_id, {"reason": reason})
    log.append([entry], at=at)
    membership.left_seq = entry.seq
    membership.save(update_fields=["left_seq"])
    publish_on_commit(
        room.id, [payloads.member_left(room.id, entry.seq, at, actor_id, membership.user_id, reason)]
    )
    notices.tell_out_on_commit([membership.user_id], room.id, reason)


def needs_another_owner(room: Room, membership: Membership) -> None:
    """LastOwner where this member of the locked `room` is its only owner."""
    if membership.role == Role.OWNER:
        others = Membership.objects.filter(room=room, role=Role.OWNER, left_seq=None)
        if not others.exclude(pk=membership.pk).exists():
            raise LastOwner()
