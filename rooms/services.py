"""Everything that changes a room or who is in it. Each call is one transaction under the room's lock."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from common import clock, ids
from common.db import with_retry
from common.errors import ClientIdConflict, FieldError, Forbidden, Invalid, LastOwner, NotFound
from common.text import clean_client_id, clean_name, clean_text
from realtime import objects
from realtime.events import EventType
from realtime.publish import RoomEvent, memberships_moved_on_commit, publish_on_commit
from rooms import log, payloads
from rooms.access import known_id, locked_room_for_member
from rooms.models import Kind, Membership, Role, Room

TOPIC_MAX_CHARS = 500

T = TypeVar("T")


class CreatedRoom(NamedTuple):
    """`created` is False where the same `client_id` had made the room before."""

    room: Room
    created: bool


class Added(NamedTuple):
    """The people asked for, in that order, and whether any of them is newly in."""

    members: list[objects.Member]
    any_new: bool


def create_room(
    *,
    creator_id: UUID,
    kind: str,
    name: str,
    topic: str = "",
    members: Sequence[str] = (),
    client_id: str | None = None,
) -> CreatedRoom:
    """A new public or private room with its creator as owner and `members` in it.

    Its log begins with `room.created`, then a `member.joined` each. The same creator and
    `client_id` again give the room made first, or ClientIdConflict for other content.
    """
    if kind not in (Kind.PUBLIC, Kind.PRIVATE):
        raise Invalid.field("kind", "public or private (direct rooms: PUT rooms/direct/{user_id}/)")
    name = clean_name(name, attr="name")
    topic = clean_text(topic, attr="topic", max_chars=TOPIC_MAX_CHARS)
    if client_id is not None:
        client_id = clean_client_id(client_id)
    user_ids = _distinct_ids(members, attr="members")
    draft_hash = hashlib.sha256(
        msgspec.json.encode([kind, name, topic, sorted(map(str, user_ids))])
    ).hexdigest()

    def write() -> CreatedRoom:
        with transaction.atomic():
            known = _created_before(creator_id, client_id, draft_hash)
            if known is not None:
                return CreatedRoom(known, created=False)
            users = _users(
                [creator_id, *(i for i in user_ids if i != creator_id)], attr="members", texts=members
            )
            at = clock.now()
            room = Room.objects.create(
                id=ids.new_id(), kind=kind, name=name, topic=topic, created_by_id=creator_id, created_at=at,
                client_id=client_id, draft_hash=draft_hash, last_event_at=at,
            )  # fmt: skip
            created = log.Entry(room, EventType.ROOM_CREATED, creator_id)
            joins = [log.Entry(room, EventType.MEMBER_JOINED, creator_id, user.id) for user in users]
            log.append([created, *joins], at=at)
            memberships = [
                Membership(
                    room=room, user=user, role=Role.OWNER if user.id == creator_id else Role.MEMBER,
                    joined_at=at, joined_seq=entry.seq, changed_seq=entry.seq, last_read_seq=entry.seq,
                )
                for user, entry in zip(users, joins, strict=True)
            ]  # fmt: skip
            Membership.objects.bulk_create(memberships)
            shown = payloads.room_of(room)
            events = [payloads.room_changed(EventType.ROOM_CREATED, created.seq, at, creator_id, shown)]
            for entry, membership, user in zip(joins, memberships, users, strict=True):
                events.append(payloads.joined_event(entry, at, membership, user))
                memberships_moved_on_commit(user.id)
            publish_on_commit(room.id, events)
            return CreatedRoom(room, created=True)

    try:
        return with_retry(write)
    except IntegrityError:  # the same client_id at the same moment: one was first
        known = _created_before(creator_id, client_id, draft_hash)
        if known is None:
            raise
        return CreatedRoom(known, created=False)


def _created_before(creator_id: UUID, client_id: str | None, draft_hash: str) -> Room | None:
    if client_id is None:
        return None
    room = Room.objects.filter(created_by_id=creator_id, client_id=client_id).first()
    if room is None:
        return None
    if room.deleted_at is not None:
        raise NotFound()
    if room.draft_hash != draft_hash:
        raise ClientIdConflict()
    return room


def add_member(*, actor_id: UUID, room_id: str, user: str, role: str = Role.MEMBER) -> Added:
    """As `add_members`, for one; errors name `user`."""
    if ids.parse_id(user) is None:
        raise Invalid.field("user", "no such user", "not_found")
    return _add(actor_id=actor_id, room_id=room_id, users=[user], role=role, attr="user")


def add_members(*, actor_id: UUID, room_id: str, users: Sequence[str], role: str = Role.MEMBER) -> Added:
    """Put people into a room, as its owner or an admin; whoever is in already stays as they are.

    A role is given only below one's own, but an owner may make owners.
    """
    return _add(actor_id=actor_id, room_id=room_id, users=users, role=role, attr="users")


def _add(*, actor_id: UUID, room_id: str, users: Sequence[str], role: str, attr: str) -> Added:
    if role not in Role.values:
        raise Invalid.field("role", "owner, admin or member")
    user_ids = _distinct_ids(users, attr=attr)
    if not user_ids:
        raise Invalid.field("users", "at least one")
    key = known_id(room_id)

    def write() -> Added:
        rooms = log.lock_rooms([key])
        room, mine = locked_room_for_member(rooms, user_id=actor_id, room_id=key)
        _needs(room.kind != Kind.DIRECT and Role(mine.role).rank > 0)
        _needs(mine.role == Role.OWNER or Role(role).rank < Role(mine.role).rank)
        people = _users(user_ids, attr=attr, texts=users if attr == "users" else ())
        return _enter(room, people, actor_id=actor_id, role=Role(role))

    return _in_transaction(write)


def join_room(*, user_id: UUID, room_id: str) -> Room:
    """Enter a public room; nothing happens to who is in it already. A private one: NotFound."""
    key = known_id(room_id)

    def write() -> Room:
        room = log.lock_rooms([key]).get(key)
        is_in = Membership.objects.filter(room_id=key, user_id=user_id, left_seq=None).exists()
        if room is None or not (room.kind == Kind.PUBLIC or is_in):
            raise NotFound()
        _enter(room, _users([user_id], attr="user"), actor_id=user_id, role=Role.MEMBER)
        return room

    return _in_transaction(write)


def leave_room(*, user_id: UUID, room_id: str) -> None:
    """Go out of a room. The last owner hands it over first; nobody leaves a direct room."""
    key = known_id(room_id)

    def write() -> None:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=user_id, room_id=key)
        _needs(room.kind != Kind.DIRECT)
        _exit(room, mine, actor_id=user_id, reason="left")

    _in_transaction(write)


def remove_member(*, actor_id: UUID, room_id: str, user_id: str) -> None:
    """Take somebody of a lower role out of a room; oneself is leaving."""
    key = known_id(room_id)

    def write() -> None:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=actor_id, room_id=key)
        _needs(room.kind != Kind.DIRECT)
        target_id = known_id(user_id)
        if target_id == actor_id:
            _exit(room, mine, actor_id=actor_id, reason="left")
            return
        _needs(Role(mine.role).rank > 0)
        target = Membership.objects.filter(room=room, user_id=target_id, left_seq=None).first()
        if target is None:
            raise NotFound()
        _needs(Role(mine.role).rank > Role(target.role).rank)
        _exit(room, target, actor_id=actor_id, reason="removed")

    _in_transaction(write)


def _enter(room: Room, people: list[User], *, actor_id: UUID, role: Role) -> Added:
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
        events.append(payloads.joined_event(entry, at, membership, by_id[entry.subject_id]))
        memberships_moved_on_commit(entry.subject_id)
    publish_on_commit(room.id, events)
    return Added([payloads.member_of(known[user.id], user) for user in people], bool(entries))


def _seat(membership: Membership, seq: int, at: datetime, role: Role) -> None:
    """What a joining sets, the first or a later one: nothing of an earlier stay is kept but a mute."""
    membership.role = role
    if membership.muted_until is not None and membership.muted_until <= at:
        membership.muted_until = None
    membership.joined_at = at
    membership.joined_seq = membership.changed_seq = membership.last_read_seq = seq
    membership.left_seq = None


def _exit(room: Room, membership: Membership, *, actor_id: UUID, reason: str) -> None:
    """End a membership of the locked `room`; its row keeps the state as it was just before."""
    if membership.role == Role.OWNER:
        others = Membership.objects.filter(room=room, role=Role.OWNER, left_seq=None)
        if not others.exclude(pk=membership.pk).exists():
            raise LastOwner()
    at = clock.now()
    entry = log.Entry(room, EventType.MEMBER_LEFT, actor_id, membership.user_id, {"reason": reason})
    log.append([entry], at=at)
    membership.left_seq = entry.seq
    membership.save(update_fields=["left_seq"])
    publish_on_commit(
        room.id, [payloads.member_left(room.id, entry.seq, at, actor_id, membership.user_id, reason)]
    )
    memberships_moved_on_commit(membership.user_id)


def _in_transaction(write: Callable[[], T]) -> T:
    def run() -> T:
        with transaction.atomic():
            return write()

    return with_retry(run)


def _needs(allowed: bool) -> None:
    if not allowed:
        raise Forbidden()


def _distinct_ids(texts: Sequence[str], *, attr: str) -> list[UUID]:
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


def _users(user_ids: Sequence[UUID], *, attr: str, texts: Sequence[str] = ()) -> list[User]:
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
