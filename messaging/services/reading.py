"""Read positions."""

from uuid import UUID

import msgspec
from django.db.models import F
from django.db.models.functions import Greatest

from common.db import with_retry
from messaging.inbox import count_unread
from rooms.access import room_for_member
from rooms.models import Membership


class Read(msgspec.Struct, frozen=True):
    """Where a reader stands now."""

    last_read_seq: int
    unread_count: int


def mark_read(*, user_id: UUID, room_id: str, seq: int, force: bool = False) -> Read:
    """Move my read position to `seq` (above the head is the head); never back unless `force`."""
    seat = room_for_member(user_id=user_id, room_id=room_id)
    target = min(seq, seat.room.last_seq)
    mine = Membership.objects.filter(pk=seat.membership.pk, left_seq=None)
    with_retry(lambda: mine.update(last_read_seq=target if force else Greatest(F("last_read_seq"), target)))
    now_at = mine.values_list("last_read_seq", flat=True).first()
    position = target if now_at is None else now_at
    return Read(position, count_unread(room_id=seat.room.id, user_id=user_id, after=position))
