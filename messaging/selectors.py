"""Reads of messages, by `seq`. Each page costs the same at both ends of a room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from common.errors import Forbidden, NotFound
from common.paging import write_cursor
from messaging import payloads
from messaging.models import Message, MessageEdit
from realtime import objects
from rooms.access import Seat, known_id, room_for_member
from rooms.selectors import current_epoch


class MessageVersion(msgspec.Struct, frozen=True):
    """What a message said from `written_at` until the next version, the last one until now."""

    body: str
    written_at: datetime


class MessageVersionPage(msgspec.Struct, frozen=True):
    """A page of what a message said, the oldest first; nothing of a deleted one."""

    results: Sequence[MessageVersion]
    next_cursor: str | None


class MessagePage(msgspec.Struct, frozen=True):
    """Messages in `seq` order. `room_seq` is the head of the log from before they were read."""

    results: Sequence[objects.Message]
    has_before: bool
    has_after: bool
    room_seq: int
    epoch: str


def history(
    *,
    user_id: UUID,
    room_id: str,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int,
) -> MessagePage:
    """`limit` messages next to a `seq`, the newest without one. At most one of the three is given.

    `before` and `after` exclude their number; `around` has half of the page on each side of it.
    """
    seat = room_for_member(user_id=user_id, room_id=room_id)
    epoch = current_epoch()
    room = Message.objects.filter(room_id=seat.room.id)
    if after is not None:
        page = payloads.read_messages(room.filter(seq__gt=after).order_by("seq")[: limit + 1])
        has_after, page = len(page) > limit, page[:limit]
        has_before = room.filter(seq__lt=page[0].seq if page else after + 1).exists()
    elif around is not None:
        older = payloads.read_messages(room.filter(seq__lt=around).order_by("-seq")[: limit // 2 + 1])
        has_before, older = len(older) > limit // 2, older[: limit // 2]
        rest = limit - len(older)
        newer = payloads.read_messages(room.filter(seq__gte=around).order_by("seq")[: rest + 1])
        has_after, newer = len(newer) > rest, newer[:rest]
        page = [*reversed(older), *newer]
    else:
        upto = room if before is None else room.filter(seq__lt=before)
        page = payloads.read_messages(upto.order_by("-seq")[: limit + 1])
        has_before, page = len(page) > limit, page[:limit]
        page.reverse()
        has_after = before is not None and room.filter(seq__gt=page[-1].seq if page else before - 1).exists()
    return MessagePage(payloads.for_reader(page), has_before, has_after, seat.room.last_seq, epoch)


def message(*, user_id: UUID, room_id: str, message_id: str) -> objects.Message:
    """One message under its own room's URL; NotFound under another's."""
    seat = room_for_member(user_id=user_id, room_id=room_id)
    return payloads.for_reader([_message(seat, message_id)])[0]


def versions(
    *, user_id: UUID, room_id: str, message_id: str, after: int | None, limit: int
) -> MessageVersionPage:
    """A page of what a message said, for its author and whoever moderates the room; Forbidden for others."""
    seat = room_for_member(user_id=user_id, room_id=room_id)
    now = _message(seat, message_id)
    if now.author.id != user_id and not seat.moderates:
        raise Forbidden()
    if now.deleted_at is not None:
        return MessageVersionPage([], None)
    # With what it says now in the same statement: an edit meanwhile is all in the page or not at all.
    rows = list(
        MessageEdit.objects.filter(message_id=now.id, id__gt=after or 0)
        .order_by("id")
        .values_list("id", "body", "written_at", "message__body", "message__edited_at")[: limit + 1]
    )
    found = [MessageVersion(body, written_at) for _, body, written_at, _, _ in rows[:limit]]
    if len(rows) >= limit:
        return MessageVersionPage(found, write_cursor(rows[limit - 1][0]))
    if rows:
        now = msgspec.structs.replace(now, body=rows[-1][3], edited_at=rows[-1][4])
    return MessageVersionPage([*found, MessageVersion(now.body, now.edited_at or now.created_at)], None)


def _message(seat: Seat, message_id: str) -> objects.Message:
    found = payloads.read_messages(Message.objects.filter(id=known_id(message_id), room_id=seat.room.id))
    if not found:
        raise NotFound()
    return found[0]
