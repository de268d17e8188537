"""Reads of messages, by `seq`. Each page costs the same at both ends of a room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import QuerySet, Subquery

from common.compiled import CompiledOnce
from common.errors import Forbidden, NotFound
from common.meaning import means
from common.paging import NextCursor, number_that_fit, write_cursor
from messaging import payloads
from messaging.models import Message, MessageEdit
from realtime import objects
from realtime.objects import Epoch, RoomSeq
from rooms.access import Seat, known_id, room_for_member
from rooms.selectors import current_epoch, place


class MessageVersion(msgspec.Struct, frozen=True):
    """What a message said from `written_at` until the next version, the last one until now."""

    body: Annotated[str, means("What it said.")]
    written_at: Annotated[datetime, means("Since when.")]


class MessageVersionPage(msgspec.Struct, frozen=True):
    """A page of what a message said, the oldest first; nothing of a deleted one."""

    results: Annotated[Sequence[MessageVersion], means("The versions, the oldest first.")]
    next_cursor: NextCursor


class MessagePage(msgspec.Struct, frozen=True):
    """Messages in `seq` order. `room_seq` is the head of the log from before they were read."""

    results: Annotated[Sequence[objects.Message], means("The messages, in `seq` order.")]
    has_before: Annotated[bool, means("There are older ones.")]
    has_after: Annotated[bool, means("There are newer ones.")]
    room_seq: RoomSeq
    epoch: Epoch


def _nearest(room_id: UUID, seq: int, where: str, order: str) -> QuerySet[Message, Any]:
    # In order, so that PostgreSQL takes the index, wherever in the table the room's messages are.
    return Message.objects.filter(room_id=room_id, **{where: seq}).order_by(order).values_list("seq")[:1]


def _rows(order: str, where: str, other: tuple[str, str]) -> CompiledOnce:
    """Messages on one side of a `seq`, the nearest first; last in each row the nearest `seq` that is not there."""

    def page(room_id: UUID, seq: int, limit: int) -> QuerySet[Message, Any]:
        rows = Message.objects.filter(room_id=room_id, **{where: seq}).order_by(order)
        return rows.values_list(*payloads.FIELDS, Subquery(_nearest(room_id, seq, *other)))[:limit]

    return CompiledOnce(page, room_id=UUID, seq=int, limit=int)


def _any(where: str, order: str) -> CompiledOnce:
    return CompiledOnce(lambda room_id, seq: _nearest(room_id, seq, where, order), room_id=UUID, seq=int)


_END = 2**63 - 1  # above any `seq`
_FROM, _UP_TO = ("seq__gte", "seq"), ("seq__lte", "-seq")
_BEFORE, _AFTER = _rows("-seq", "seq__lt", _FROM), _rows("seq", "seq__gt", _UP_TO)
_ANY_FROM, _ANY_UP_TO = _any(*_FROM), _any(*_UP_TO)


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

    `before` and `after` exclude their number; `around` has half of the page on each side of it. Fewer than `limit`
    where they are more than PAGE_MAX_BYTES.
    """
    mine = place(user_id=user_id, room_id=room_id)
    epoch = mine.epoch or current_epoch()
    room = mine.room_id
    if after is not None:
        page, has_after, has_before = _first(_AFTER, room, after, limit, settings.PAGE_MAX_BYTES)
        if not page:
            has_before = bool(_ANY_UP_TO.rows(room_id=room, seq=after))
    elif around is not None:
        half = settings.PAGE_MAX_BYTES // 2
        older, has_before, _ = _first(_BEFORE, room, around, limit // 2, half)
        rest = settings.PAGE_MAX_BYTES - sum(map(payloads.size_of, older))
        newer, has_after, _ = _first(_AFTER, room, around - 1, limit - len(older), max(half, rest))
        page = [*reversed(older), *newer]
    else:
        seq = _END if before is None else before
        page, has_before, has_after = _first(_BEFORE, room, seq, limit, settings.PAGE_MAX_BYTES)
        page.reverse()
        if not page and before is not None:
            has_after = bool(_ANY_FROM.rows(room_id=room, seq=before))
    return MessagePage(payloads.for_reader(page), has_before, has_after, mine.last_seq, epoch)


def _first(
    messages: CompiledOnce, room_id: UUID, seq: int, limit: int, max_bytes: int
) -> tuple[list[objects.Message], bool, bool]:
    """The first of these messages, at most `limit` and about `max_bytes`; whether there are more, and whether there
    are some on the other side of `seq`, which without a message is not known."""
    rows = messages.rows(room_id=room_id, seq=seq, limit=limit + 1)
    found = payloads.messages_from(rows)
    fit = number_that_fit(map(payloads.size_of, found[:limit]), max_bytes)
    return found[:fit], len(found) > fit, bool(rows) and rows[0][-1] is not None


def message(*, user_id: UUID, room_id: str, message_id: str) -> objects.Message:
    """One message under its own room's URL; NotFound under another's."""
    seat = room_for_member(user_id=user_id, room_id=room_id)
    return payloads.for_reader([_message(seat, message_id)])[0]


def versions(
    *, user_id: UUID, room_id: str, message_id: str, after: int | None, limit: int
) -> MessageVersionPage:
    """A page of what a message said, for its author and whoever moderates the room; Forbidden for others.

    Fewer than `limit` where they are more than PAGE_MAX_BYTES.
    """
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
    # With space for what it says now: at the end that comes on top.
    fit = number_that_fit(
        (len(msgspec.json.encode(version)) for version in (*found, MessageVersion(now.body, now.created_at))),
        settings.PAGE_MAX_BYTES,
    )
    if len(rows) >= limit or fit < len(found) + 1:
        fit = min(fit, len(found))
        return MessageVersionPage(found[:fit], write_cursor(rows[fit - 1][0]))
    if rows:
        now = msgspec.structs.replace(now, body=rows[-1][3], edited_at=rows[-1][4])
    return MessageVersionPage([*found, MessageVersion(now.body, now.edited_at or now.created_at)], None)


def _message(seat: Seat, message_id: str) -> objects.Message:
    found = payloads.read_messages(Message.objects.filter(id=known_id(message_id), room_id=seat.room.id))
    if not found:
        raise NotFound()
    return found[0]
