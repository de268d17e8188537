"""The list of my rooms, and what each of them is to me. Costs do not grow with the number of messages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from msgspec import UNSET, Meta

from common.meaning import means
from common.paging import NextCursor, number_that_fit, write_cursor
from messaging import payloads
from messaging.models import Message
from realtime import objects
from rooms.access import room_for_member
from rooms.models import Kind, Membership, Room
from rooms.payloads import room_of, rooms_of

UNREAD_MAX = 100
"""Counting stops here: 100 reads "or more"."""

# Counting inside a limited sub-query: with 10 or 10 million unread messages it reads 100 rows.
_UNREAD = f"""
(SELECT COUNT(*) FROM (
    SELECT 1 FROM messaging_message x
    WHERE x.room_id = rooms_membership.room_id AND x.seq > rooms_membership.last_read_seq
      AND x.deleted_at IS NULL AND x.thread_id IS NULL AND x.author_id <> rooms_membership.user_id
    LIMIT {UNREAD_MAX}) AS counted)
"""  # noqa: S608

_MENTIONS = f"""
(SELECT COUNT(*) FROM (
    SELECT 1 FROM messaging_mention x
    WHERE x.room_id = rooms_membership.room_id AND x.user_id = rooms_membership.user_id
      AND x.seq > rooms_membership.last_read_seq
    LIMIT {UNREAD_MAX}) AS counted)
"""  # noqa: S608


class RoomPage(msgspec.Struct, frozen=True):
    """A page of my rooms, the latest event of any kind first."""

    results: Annotated[list[objects.Room], means("The rooms.")]
    next_cursor: NextCursor


class RoomKey(msgspec.Struct, frozen=True, array_like=True):
    """The place of a room in the list of mine."""

    last_event_at: Annotated[datetime, Meta(tz=True)]
    id: UUID

    def __post_init__(self) -> None:
        """ValueError for a forged moment that is none in UTC, which the database would choke on."""
        try:
            self.last_event_at.astimezone(UTC)
        except OverflowError:
            raise ValueError("out of range") from None


def my_rooms(
    *, user_id: UUID, kind: str | None, after: RoomKey | None, limit: int, with_messages: bool = True
) -> RoomPage:
    """One page of my rooms, but for hidden ones, with `me` and `last_message`: two statements, however many rooms,
    and one more for who is in direct rooms. Fewer than `limit` where they are more than PAGE_MAX_BYTES.

    Without `with_messages`, for who may not read messages, `last_message` is null everywhere.
    """
    mine = _with_unread(Membership.objects.filter(user_id=user_id, left_seq=None, room__deleted_at=None))
    mine = mine.filter(Q(hidden_seq=None) | Q(heard=True))
    if kind is not None:
        mine = mine.filter(room__kind=kind)
    if after is not None:
        mine = mine.filter(
            Q(room__last_event_at__lt=after.last_event_at)
            | Q(room__last_event_at=after.last_event_at, room_id__lt=after.id)
        )
    page = list(_with_newest(mine).order_by("-room__last_event_at", "-room__id")[: limit + 1])
    rooms = that_fit(_listed(page[:limit], with_messages=with_messages))
    last = page[len(rooms) - 1].room if len(page) > len(rooms) else None
    cursor = write_cursor(last.last_event_at, last.id) if last else None
    return RoomPage(rooms, cursor)


def that_fit(rooms: list[objects.Room]) -> list[objects.Room]:
    """The first of them, as many as PAGE_MAX_BYTES hold: their newest messages can be long."""
    sizes = (payloads.size_of(room.last_message) if room.last_message else 0 for room in rooms)
    return rooms[: number_that_fit(sizes, settings.PAGE_MAX_BYTES)]


def in_list(mine: QuerySet[Membership], *, with_messages: bool) -> list[objects.Room]:
    """The rooms of these memberships, each as lists show it to its member."""
    return _listed(list(_with_newest(_with_unread(mine))), with_messages=with_messages)


def _with_newest(mine: QuerySet[Membership]) -> QuerySet[Membership]:
    newest = Message.objects.filter(room_id=OuterRef("room_id")).order_by("-seq").values("id")[:1]
    return mine.annotate(newest=Subquery(newest))


def _listed(mine: Sequence[Membership], *, with_messages: bool) -> list[objects.Room]:
    keys = [m.newest for m in mine]  # type: ignore[attr-defined]
    wanted = Message.objects.filter(id__in=[key for key in keys if key is not None and with_messages])
    found = {message.id: message for message in payloads.for_reader(payloads.read_messages(wanted))}
    return [
        msgspec.structs.replace(room, last_message=found.get(key))
        for key, room in zip(keys, _rooms_with_me(mine), strict=True)
    ]


def my_room(*, user_id: UUID, room_id: str) -> objects.Room:
    """One room of mine, with `me`; NotAMember or NotFound for whoever is not in it."""
    seat = room_for_member(user_id=user_id, room_id=room_id)
    return _rooms_with_me([_with_unread(Membership.objects.filter(pk=seat.membership.pk)).get()])[0]


def written_room(*, user_id: UUID, room: Room) -> objects.Room:
    """The room just made, joined or changed, with `me`; null for whoever was taken out again meanwhile."""
    mine = _with_unread(Membership.objects.filter(room=room, user_id=user_id, left_seq=None)).first()
    return msgspec.structs.replace(room_of(room), me=None) if mine is None else _rooms_with_me([mine])[0]


def me_now(membership_id: int) -> objects.RoomMe | None:
    """What a room is to one of its members now, by the key of their membership; None where it has ended."""
    mine = _with_unread(Membership.objects.filter(pk=membership_id, left_seq=None)).first()
    return None if mine is None else _me_of(mine)


def _with_unread(mine: QuerySet[Membership]) -> QuerySet[Membership]:
    """With what is counted, and whether there was a message since the room was hidden."""
    since_hidden = Message.objects.filter(room_id=OuterRef("room_id"), seq__gt=OuterRef("hidden_seq"))
    return mine.select_related("room").annotate(
        unread=RawSQL(_UNREAD, []),  # noqa: S611  no input in it
        mentions=RawSQL(_MENTIONS, []),  # noqa: S611  nor here
        heard=Exists(since_hidden),
    )


def _rooms_with_me(mine: Sequence[Membership]) -> list[objects.Room]:
    rooms = rooms_of([membership.room for membership in mine])
    return [
        msgspec.structs.replace(room, me=_me_of(membership))
        for room, membership in zip(rooms, mine, strict=True)
    ]


def _me_of(membership: Membership) -> objects.RoomMe:
    hidden = membership.hidden_seq is not None and not membership.heard  # type: ignore[attr-defined]
    return objects.RoomMe(
        role=membership.role,  # type: ignore[arg-type]  # held by a constraint
        last_read_seq=membership.last_read_seq,
        unread_count=membership.unread,  # type: ignore[attr-defined]
        mention_count=membership.mentions,  # type: ignore[attr-defined]
        notifications=membership.notifications,  # type: ignore[arg-type]  # held by a constraint
        favourite=membership.favourite,
        muted_until=membership.muted_until,
        hidden=hidden if membership.room.kind == Kind.DIRECT else UNSET,
    )
