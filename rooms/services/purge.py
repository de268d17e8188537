"""The end of deleted rooms: their rows go, a few at a time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import CASCADE, ForeignObjectRel, Model, QuerySet

from common import clock
from common.db import in_transaction
from rooms.models import LogEntry, Room


def purge_deleted_rooms() -> Iterator[int]:
    """Delete for good what was deleted ROOM_PURGE_AFTER_S ago: at each step at most PURGE_BATCH_ROWS rows, whose
    number is yielded, in one short transaction.

    Everything that refers to a room goes, whichever app it is of. Any number of processes may do this at once:
    each step locks its room and passes over those that another has locked. What is left, the next run finds.
    """
    while (room_id := in_transaction(_next_room)) is not None:
        for some in (_log_of, _all_else_of, _room_itself):
            while (gone := _step(room_id, some)) > 0:
                yield gone


def _next_room() -> UUID | None:
    room = _purgeable().order_by("deleted_at").first()
    return None if room is None else room.id


def _purgeable() -> QuerySet[Room]:
    before = clock.now() - timedelta(seconds=settings.ROOM_PURGE_AFTER_S)
    return Room.objects.select_for_update(skip_locked=True).filter(deleted_at__lte=before).only("id")


def _step(room_id: UUID, some: Callable[[UUID], int]) -> int:
    """What `some` deletes of the room; 0 where another process is at it, or has finished it."""

    def write() -> int:
        return some(room_id) if list(_purgeable().filter(pk=room_id)) else 0

    return in_transaction(write)


def _log_of(room_id: UUID) -> int:
    """Its key has two columns, so its rows go by their range."""
    log = LogEntry.objects.filter(room_id=room_id)
    seqs = list(log.order_by("seq").values_list("seq", flat=True)[: settings.PURGE_BATCH_ROWS])
    if seqs:
        log.filter(seq__lte=seqs[-1]).delete()
    return len(seqs)


def _all_else_of(room_id: UUID) -> int:
    return _delete_referring(Room, [room_id])


def _delete_referring(model: type[Model], keys: Sequence[Any]) -> int:
    """Delete rows that refer to these, first what refers to those; at most PURGE_BATCH_ROWS, 0 where there are none."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ForeignObjectRel) or relation.on_delete is not CASCADE:
            continue
        child = relation.related_model
        if child in (model, LogEntry):
            continue
        rows = child._base_manager.filter(**{f"{relation.field.name}__in": keys})
        found = list(rows.values_list("pk", flat=True)[: settings.PURGE_BATCH_ROWS])
        if found:
            return _delete_referring(child, found) or child._base_manager.filter(pk__in=found).delete()[0]
    return 0


def _room_itself(room_id: UUID) -> int:
    return Room.objects.filter(pk=room_id).delete()[0]
