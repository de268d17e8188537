"""The log of a room: the one place that hands out a `seq`.

Whoever writes anything of a room calls `lock_rooms` first and `append` inside the same
transaction. Because the row stays locked until the commit, numbers are handed out in commit order
and without gaps: a rolled-back transaction gives its numbers back.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from common.rows import RowSet, kind_of, read_row
from common.statements import Together
from realtime.events import MOVES_ROOM, EventType
from rooms.models import LogEntry, Room

_ENTRIES = RowSet(
    "e", room_id="uuid", seq="int", type="text", at="time", actor_id="uuid", subject_id="uuid", data="json"
)
_HEADS = RowSet("h", id="uuid", last_seq="int", changed_seq="int", member_count="int", last_event_at="time")
_IDS = RowSet("k", id="uuid")
# No writer needs to know what is searched.
_ROOM = [field for field in Room._meta.concrete_fields if field.name != "search_key"]
_ROOM_FIELDS = [field.attname for field in _ROOM]
_ROOM_COLUMNS = ", ".join(str(field.column) for field in _ROOM)
_ROOM_KINDS = [kind_of(field) for field in _ROOM]
_ROW_LOCK = {"postgresql": " FOR NO KEY UPDATE"}
_COUNT = {EventType.MEMBER_JOINED: 1, EventType.MEMBER_LEFT: -1}


class Entry(msgspec.Struct):
    """A fact to be written. `seq` is 0 until `append` has handed out the number."""

    room: Room
    type: EventType
    actor_id: UUID | None
    subject_id: UUID | None = None
    data: dict[str, Any] = {}
    seq: int = 0


def lock_rooms(ids: Collection[UUID]) -> dict[UUID, Room]:
    """The rooms that exist and are not deleted, locked until the transaction ends.

    In the order of their ids, so that two batches never wait for each other. On SQLite the
    transaction itself (IMMEDIATE) is the lock.
    """
    return ask_to_lock(ids)()


def ask_to_lock(ids: Collection[UUID]) -> Callable[[], dict[UUID, Room]]:
    """As `lock_rooms`, whose result is had by calling what this returns: other statements may follow meanwhile."""
    # By hand: half of what a single send costs in Python was Django's making of this statement.
    cursor = connection.cursor()
    cursor.execute(
        f"SELECT {_ROOM_COLUMNS} FROM {Room._meta.db_table} WHERE {_IDS.named('id')} "  # noqa: S608
        f"AND deleted_at IS NULL ORDER BY id{_ROW_LOCK.get(connection.vendor, '')}",
        _IDS.params((key,) for key in ids),
    )

    def rooms() -> dict[UUID, Room]:
        with cursor:
            rows = cursor.fetchall()
        found = [Room.from_db(None, _ROOM_FIELDS, read_row(_ROOM_KINDS, row)) for row in rows]
        return {room.id: room for room in found}

    return rooms


def append(entries: Sequence[Entry], *, at: datetime, beside: Together | None = None) -> None:
    """Number `entries` in the order given and write them: two statements, however many they are.

    They are carried out at once, or with what else is `beside` them, when that is run.

    Every entry's room must be locked by `lock_rooms` (or new) in this transaction. Afterwards the
    rooms in memory are what the database holds: `last_seq`, `changed_seq`, `member_count` and
    `last_event_at` moved.
    """
    moved: dict[UUID, Room] = {}
    for entry in entries:
        room = moved.setdefault(entry.room.id, entry.room)
        room.last_seq += 1
        entry.seq = room.last_seq
        room.last_event_at = max(at, room.last_event_at)
        if entry.type in MOVES_ROOM:
            room.changed_seq = entry.seq
            room.member_count += _COUNT.get(entry.type, 0)
    writes = Together() if beside is None else beside
    writes.add(
        f"INSERT INTO {LogEntry._meta.db_table} (room_id, seq, type, at, actor_id, subject_id, data) "  # noqa: S608
        f"SELECT room_id, seq, type, at, actor_id, subject_id, data FROM {_ENTRIES.sql}",
        _ENTRIES.params(
            (e.room.id, e.seq, e.type.value, at, e.actor_id, e.subject_id, e.data) for e in entries
        ),
    )
    writes.add(
        f"UPDATE {Room._meta.db_table} AS r SET last_seq = h.last_seq, changed_seq = h.changed_seq, "  # noqa: S608
        f"member_count = h.member_count, last_event_at = h.last_event_at FROM {_HEADS.sql} WHERE r.id = h.id",
        _HEADS.params(
            (r.id, r.last_seq, r.changed_seq, r.member_count, r.last_event_at) for r in moved.values()
        ),
    )
    if beside is None:
        writes.run()
