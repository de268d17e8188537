"""Making, changing and deleting rooms."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from msgspec import UNSET, UnsetType

from accounts.models import User
from common import clock, ids
from common.db import in_transaction, with_retry
from common.errors import AllWrong, ClientIdConflict, Invalid, NotFound
from common.limits import ADDED_PEOPLE
from common.text import clean_client_id, clean_name, clean_text, clean_url, fold
from realtime.events import EventType
from realtime.publish import publish_on_commit
from rooms import log, notices, payloads
from rooms.access import known_id, locked_room_for_member, refusal
from rooms.models import Kind, Membership, Role, Room
from rooms.services.needs import needs
from rooms.services.people import charge_adding, distinct_ids, users_named

TOPIC_MAX_CHARS = 500
SEARCH_KEY_MAX_CHARS = 601  # a name, a topic and what parts them; but folding can make 18 characters of one


class CreatedRoom(NamedTuple):
    """`created` is False where the room was there before."""

    room: Room
    created: bool


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
    `client_id` again give the room made first, or ClientIdConflict for other content. Forbidden and RateLimited as for
    `add_members`.
    """
    wrong = AllWrong()
    with wrong:
        if kind not in (Kind.PUBLIC, Kind.PRIVATE):
            raise Invalid.field("kind", "public or private (direct rooms: PUT rooms/direct/{user_id}/)")
    with wrong:
        name = clean_name(name, attr="name")
    with wrong:
        topic = _clean_topic(topic)
    with wrong:
        client_id = None if client_id is None else clean_client_id(client_id)
    with wrong:
        user_ids = distinct_ids(members, attr="members")
    wrong.check()
    draft_hash = hashlib.sha256(
        msgspec.json.encode([kind, name, topic, sorted(map(str, user_ids))])
    ).hexdigest()

    def write() -> CreatedRoom:
        with ADDED_PEOPLE.charging() as charge, transaction.atomic():
            known = _created_before(creator_id, client_id, draft_hash)
            if known is not None:
                return CreatedRoom(known, created=False)
            users = users_named(
                [creator_id, *(i for i in user_ids if i != creator_id)],
                actor_id=creator_id,
                attr="members",
                texts=members,
            )
            charge_adding(charge, users, actor=users[0])
            at = clock.now()
            room = Room.objects.create(
                id=ids.new_id(), kind=kind, name=name, topic=topic, search_key=_search_key(name, topic),
                created_by_id=creator_id, created_at=at, client_id=client_id, draft_hash=draft_hash,
                last_event_at=at,
            )  # fmt: skip
            begin(room, users, at=at)
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
    if not Membership.objects.filter(room=room, user_id=creator_id, left_seq=None).exists():
        raise refusal(room)  # they were taken out of it since: it tells them no more than anybody
    return room


def begin(room: Room, people: Sequence[User], *, at: datetime) -> None:
    """Write the beginning of the log of a room just inserted: its making, and the joining of `people`.

    Its maker becomes the owner, in a direct room a member like the other.
    """
    creator_id = room.created_by_id
    created = log.Entry(room, EventType.ROOM_CREATED, creator_id)
    joins = [log.Entry(room, EventType.MEMBER_JOINED, creator_id, user.id) for user in people]
    log.append([created, *joins], at=at)
    memberships = [
        Membership(
            room=room, user=user, role=_role_at_first(room, user.id), joined_at=at, joined_seq=entry.seq,
            changed_seq=entry.seq, last_read_seq=entry.seq,
        )
        for user, entry in zip(people, joins, strict=True)
    ]  # fmt: skip
    Membership.objects.bulk_create(memberships)
    shown = payloads.room_of(room)
    events = [payloads.room_changed(EventType.ROOM_CREATED, created.seq, at, creator_id, shown)]
    for entry, membership, user in zip(joins, memberships, people, strict=True):
        events.append(payloads.member_event(entry, at, membership, user))
    publish_on_commit(room.id, events)
    notices.tell_in_on_commit([user.id for user in people], shown)


def _role_at_first(room: Room, user_id: UUID) -> Role:
    return Role.OWNER if user_id == room.created_by_id and room.kind != Kind.DIRECT else Role.MEMBER


def update_room(
    *,
    actor_id: UUID,
    room_id: str,
    kind: str | UnsetType = UNSET,
    name: str | UnsetType = UNSET,
    topic: str | UnsetType | None = UNSET,
    avatar: str | UnsetType | None = UNSET,
    slow_mode_s: int | UnsetType = UNSET,
) -> Room:
    """Change what is given, as an owner or admin; `room.updated` where anything differs from before.

    `topic` and `avatar` are taken away by None or "". `kind` may only be what it is. Direct rooms cannot be
    changed: Forbidden.
    """
    changes: dict[str, str | int] = {}
    wrong = AllWrong()
    if name is not UNSET:
        with wrong:
            changes["name"] = clean_name(name, attr="name")
    if topic is not UNSET:
        with wrong:
            changes["topic"] = _clean_topic(topic)
    if avatar is not UNSET:
        with wrong:
            changes["avatar"] = clean_url(avatar, attr="avatar") if avatar else ""
    if slow_mode_s is not UNSET:
        with wrong:
            if not 0 <= slow_mode_s <= settings.SLOW_MODE_MAX_S:
                raise Invalid.field("slow_mode_s", f"from 0 to {settings.SLOW_MODE_MAX_S}")
            changes["slow_mode_s"] = slow_mode_s
    wrong.check()
    key = known_id(room_id)

    def write() -> Room:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=actor_id, room_id=key)
        needs(room.kind != Kind.DIRECT and Role(mine.role).moderates)
        if kind not in (UNSET, room.kind):
            raise Invalid.field("kind", "never changes")
        changed = [field for field, value in changes.items() if getattr(room, field) != value]
        if changed:
            for field in changed:
                setattr(room, field, changes[field])
            at = clock.now()
            entry = log.Entry(room, EventType.ROOM_UPDATED, actor_id)
            log.append([entry], at=at)
            room.search_key = _search_key(room.name, room.topic)
            room.save(update_fields=[*changed, "search_key"])
            shown = payloads.room_of(room)
            publish_on_commit(room.id, [payloads.room_changed(entry.type, entry.seq, at, actor_id, shown)])
        return room

    return in_transaction(write)


def _clean_topic(topic: str | None) -> str:
    return clean_text(topic or "", attr="topic", max_chars=TOPIC_MAX_CHARS)


def _search_key(name: str, topic: str) -> str:
    return fold(f"{name}\n{topic}")[:SEARCH_KEY_MAX_CHARS]


def delete_room(*, actor_id: UUID, room_id: str) -> None:
    """End a room, as an owner: `room.deleted` is its last event, and from then on it is NotFound to everybody.

    Its rows go ROOM_PURGE_AFTER_S later (rooms.services.purge). Direct rooms cannot be deleted: Forbidden.
    """
    key = known_id(room_id)

    def write() -> None:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=actor_id, room_id=key)
        needs(room.kind != Kind.DIRECT and mine.role == Role.OWNER)
        end_room(room, actor_id=actor_id)

    in_transaction(write)


def delete_room_as_operator(*, room_id: UUID) -> None:
    """As `delete_room`, by nobody who is in it: the event's actor is null. NotFound where it is deleted."""

    def write() -> None:
        room = log.lock_rooms([room_id]).get(room_id)
        if room is None:
            raise NotFound()
        needs(room.kind != Kind.DIRECT)
        end_room(room, actor_id=None)

    in_transaction(write)


def end_room(room: Room, *, actor_id: UUID | None) -> None:
    """Mark the locked `room` as deleted and tell whoever is in it; of a great many, NOTICE_MAX_PEOPLE."""
    at = clock.now()
    entry = log.Entry(room, EventType.ROOM_DELETED, actor_id)
    log.append([entry], at=at)
    room.deleted_at = at
    room.save(update_fields=["deleted_at"])
    publish_on_commit(room.id, [payloads.room_deleted(room.id, entry.seq, at, actor_id)])
    members = (
        Membership.objects.filter(room=room, left_seq=None).order_by("id").values_list("user_id", flat=True)
    )
    notices.tell_out_on_commit(members[: settings.NOTICE_MAX_PEOPLE], room.id, "room_deleted")
