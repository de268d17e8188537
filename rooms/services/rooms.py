"""Making rooms."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import IntegrityError, transaction

from common import clock, ids
from common.db import with_retry
from common.errors import ClientIdConflict, Invalid, NotFound
from common.text import clean_client_id, clean_name, clean_text
from realtime.events import EventType
from realtime.publish import memberships_moved_on_commit, publish_on_commit
from rooms import log, payloads
from rooms.models import Kind, Membership, Role, Room
from rooms.services.people import distinct_ids, users_named

TOPIC_MAX_CHARS = 500


class CreatedRoom(NamedTuple):
    """`created` is False where the same `client_id` had made the room before."""

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
    `client_id` again give the room made first, or ClientIdConflict for other content.
    """
    if kind not in (Kind.PUBLIC, Kind.PRIVATE):
        raise Invalid.field("kind", "public or private (direct rooms: PUT rooms/direct/{user_id}/)")
    name = clean_name(name, attr="name")
    topic = clean_text(topic, attr="topic", max_chars=TOPIC_MAX_CHARS)
    if client_id is not None:
        client_id = clean_client_id(client_id)
    user_ids = distinct_ids(members, attr="members")
    draft_hash = hashlib.sha256(
        msgspec.json.encode([kind, name, topic, sorted(map(str, user_ids))])
    ).hexdigest()

    def write() -> CreatedRoom:
        with transaction.atomic():
            known = _created_before(creator_id, client_id, draft_hash)
            if known is not None:
                return CreatedRoom(known, created=False)
            users = users_named(
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
