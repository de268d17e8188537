"""Reads the log and renders it: each event with the state its object has now."""

from collections.abc import Collection
from datetime import datetime
from sys import getsizeof
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from common.compiled import CompiledOnce
from common.errors import Resync
from common.rows import read_json
from messaging.models import Message
from messaging.payloads import FIELDS, message_changed, messages_from
from realtime import objects
from realtime.events import EventPage, EventType
from realtime.publish import RoomEvent
from rooms import payloads
from rooms.models import LogEntry, Membership, Room
from rooms.selectors import current_epoch, place

_OF_ROOMS = frozenset({EventType.ROOM_CREATED, EventType.ROOM_UPDATED})
_OF_MEMBERS = frozenset({EventType.MEMBER_JOINED, EventType.MEMBER_UPDATED})
_OF_MESSAGES = frozenset({EventType.MESSAGE_CREATED, EventType.MESSAGE_UPDATED, EventType.MESSAGE_DELETED})


def _entries(room_id: UUID, after: int, limit: int) -> QuerySet[LogEntry, Any]:
    rows = LogEntry.objects.filter(room_id=room_id, seq__gt=after).order_by("seq")
    data = Cast("data", TextField())  # which psycopg would read in Python, and hardly any event has some
    return rows.values_list("seq", "type", "at", "actor_id", "subject_id", data)[:limit]


_ENTRIES = CompiledOnce(_entries, room_id=UUID, after=int, limit=int)
_MESSAGES = CompiledOnce(lambda ids: Message.objects.filter(id__in=ids).values_list(*FIELDS), ids=list)


def read_events(room_id: UUID, after: int, limit: int, max_bytes: int) -> list[RoomEvent]:
    """The events `after + 1 …` of a room, at most `limit`, ready to be sent; no access check.

    Fewer where they would take more than `max_bytes` of memory, but one if there is one. At most four statements.
    The objects are read after the log, so they are never older than it.
    """
    entries = _ENTRIES.rows(room_id=room_id, after=after, limit=limit)
    wanted: dict[str, list[Any]] = {}
    for entry in entries:
        wanted.setdefault(entry[1], []).append(entry[4])
    messages = _messages({key for kind in _OF_MESSAGES for key in wanted.get(kind, ())})
    members = _members(room_id, {key for kind in _OF_MEMBERS for key in wanted.get(kind, ())})
    room = payloads.room_of(Room.objects.get(id=room_id)) if wanted.keys() & _OF_ROOMS else None

    def shown(
        seq: int, kind: str, at: datetime, actor_id: UUID | None, subject_id: UUID | None, data: Any
    ) -> RoomEvent:
        event = EventType(kind)
        if event in _OF_MESSAGES:
            return message_changed(event, seq, at, actor_id, messages[subject_id])
        if event in _OF_MEMBERS:
            return payloads.member_changed(event, room_id, seq, at, actor_id, members[subject_id])
        if event == EventType.MEMBER_LEFT:
            assert subject_id is not None
            return payloads.member_left(room_id, seq, at, actor_id, subject_id, read_json(data)["reason"])
        if event == EventType.ROOM_DELETED:
            return payloads.room_deleted(room_id, seq, at, actor_id)
        assert room is not None
        return payloads.room_changed(event, seq, at, actor_id, room)

    events: list[RoomEvent] = []
    left = max_bytes
    for entry in entries:
        event = shown(*entry)
        left -= getsizeof(event.frame)  # of one emoji in a text, all its characters take four bytes
        if events and left < 0:
            break
        events.append(event)
    return events


def _messages(message_ids: Collection[UUID]) -> dict[UUID | None, objects.Message]:
    if not message_ids:
        return {}
    return {message.id: message for message in messages_from(_MESSAGES.rows(ids=message_ids))}


def _members(room_id: UUID, user_ids: Collection[UUID]) -> dict[UUID | None, objects.Member]:
    if not user_ids:
        return {}
    rows = Membership.objects.filter(room_id=room_id, user_id__in=user_ids).select_related("user")
    return {row.user_id: payloads.member_of(row, row.user) for row in rows}


def event_page(*, user_id: UUID, room_id: str, since: int, limit: int, epoch: str | None) -> EventPage:
    """A page of the log for a member; Resync with its reason where it cannot be read from `since`."""
    mine = place(user_id=user_id, room_id=room_id)
    known = mine.epoch or current_epoch()
    if epoch is not None and epoch != known:
        raise Resync(reason="epoch")
    if since > mine.last_seq:
        raise Resync(reason="ahead")
    if since < mine.first_seq - 1:
        raise Resync(reason="pruned")
    events = read_events(mine.room_id, since, limit, settings.PAGE_MAX_BYTES)
    return EventPage([msgspec.Raw(event.frame.encode()) for event in events], mine.last_seq, known)
