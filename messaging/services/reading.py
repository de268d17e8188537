"""Read positions."""

from typing import Annotated
from uuid import UUID

import msgspec
from django.db.models import Q

from common.db import with_retry
from common.meaning import means
from messaging.inbox import me_now
from realtime.protocol import RoomMeMoved
from realtime.publish import notify_on_commit
from rooms.access import refusal, room_for_member
from rooms.models import Membership


class Read(msgspec.Struct, frozen=True):
    """Where a reader stands now."""

    last_read_seq: Annotated[int, means("My read position now.", minimum=0)]
    unread_count: Annotated[
        int, means('Others\' messages after it; 100 reads "100 or more".', minimum=0, maximum=100)
    ]


def mark_read(*, user_id: UUID, room_id: str, seq: int, force: bool = False) -> Read:
    """Move my read position to `seq` (above the head is the head); never back unless `force`.

    Where it moved, all my sockets are told (`room.me`).
    """
    seat = room_for_member(user_id=user_id, room_id=room_id)
    target = min(seq, seat.room.last_seq)
    elsewhere = ~Q(last_read_seq=target) if force else Q(last_read_seq__lt=target)
    mine = Membership.objects.filter(elsewhere, pk=seat.membership.pk, left_seq=None)
    moved = with_retry(lambda: mine.update(last_read_seq=target))
    me = me_now(seat.membership.pk)
    if me is None:  # taken out meanwhile
        raise refusal(seat.room)
    if moved:
        notify_on_commit([user_id], RoomMeMoved(seat.room.id, me))
    return Read(me.last_read_seq, me.unread_count)
