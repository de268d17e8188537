"""Reads of rooms, memberships and heads."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet, Subquery

from accounts.models import Block
from common.compiled import CompiledOnce
from common.errors import Blocked, Forbidden, Muted, NotAMember, NotFound
from common.ids import new_id
from common.meaning import means
from common.paging import NextCursor, write_cursor
from realtime import objects
from realtime.objects import RoomSeq
from rooms.access import known_id, room_for_member, standing_bans
from rooms.models import Epoch, Kind, Membership, Role, Room
from rooms.payloads import ban_of, member_of


class Place(NamedTuple):
    """Where one person stands in one room, and where its log stands: one snapshot.

    `joined_seq` is None for who is not in it.
    """

    room_id: UUID
    public: bool
    joined_seq: int | None
    last_seq: int
    first_seq: int
    epoch: str | None


class Standing(NamedTuple):
    """What keeps a member from speaking in a room: a mute of theirs or their owner's, which passes by itself, or, in
    a direct room, a block between the two, or between those whose bots they are."""

    muted_until: datetime | None
    blocked: bool

    def require_voice(self, at: datetime) -> None:
        """Muted or Blocked, if so at that moment."""
        if self.blocked:
            raise Blocked()
        if self.muted_until is not None and self.muted_until > at:
            raise Muted()


class MemberPage(msgspec.Struct, frozen=True):
    """A page of a room's members. `room_seq` is the head of the log from before they were read."""

    results: Annotated[list[objects.Member], means("The members, in the order of first joining.")]
    next_cursor: NextCursor
    room_seq: RoomSeq


class BanPage(msgspec.Struct, frozen=True):
    """A page of a room's bans that hold now, the newest first."""

    results: Annotated[list[objects.Ban], means("The bans, the newest first.")]
    next_cursor: NextCursor


class Head(NamedTuple):
    """The ends of a room's log."""

    last_seq: int
    first_seq: int


_EPOCH = CompiledOnce(lambda: Epoch.objects.order_by().values_list("word")[:1])


def current_epoch() -> str:
    """The word that changes when the database is restored; made on first use."""
    for (word,) in _EPOCH.rows():
        return str(word)
    return Epoch.objects.get_or_create(id=1, defaults={"word": _word()})[0].word


def new_epoch() -> str:
    """Change the epoch, after a back-up was restored; every position from before is then refused."""
    epoch, _ = Epoch.objects.update_or_create(id=1, defaults={"word": _word()})
    return epoch.word


def _word() -> str:
    return new_id().hex


def _epoch() -> Subquery:
    return Subquery(Epoch.objects.values("word")[:1])


def _places(user_id: UUID, **rooms: Any) -> QuerySet[Room, Any]:
    mine = FilteredRelation(
        "memberships", condition=Q(memberships__user_id=user_id, memberships__left_seq=None)
    )
    return (
        Room.objects.filter(**rooms, deleted_at=None)
        .annotate(mine=mine, epoch=_epoch())
        .values_list("id", "kind", "mine__joined_seq", "last_seq", "first_seq", "epoch")
    )


_PLACES = CompiledOnce(
    lambda user_id, room_ids: _places(user_id, id__in=room_ids), user_id=UUID, room_ids=list
)
_PLACE = CompiledOnce(lambda user_id, room_id: _places(user_id, id=room_id), user_id=UUID, room_id=UUID)


def places(*, user_id: UUID, room_ids: Collection[UUID]) -> dict[UUID, Place]:
    """Where `user_id` stands in each of these rooms, in one statement; deleted rooms are left out."""
    rows = _PLACES.rows(user_id=user_id, room_ids=room_ids) if room_ids else []
    return {row[0]: _place_from(*row) for row in rows}


def _place_from(
    room_id: UUID, kind: str, joined: int | None, last: int, first: int, epoch: str | None
) -> Place:
    return Place(room_id, kind == Kind.PUBLIC, joined, last, first, epoch)


def place(*, user_id: UUID, room_id: str) -> Place:
    """Where a member stands in a room, in one statement; NotAMember where it is public, else NotFound."""
    for row in _PLACE.rows(user_id=user_id, room_id=known_id(room_id)):
        found = _place_from(*row)
        if found.joined_seq is not None:
            return found
        if found.public:
            raise NotAMember()
    raise NotFound()


def standing(*, user_id: UUID, room_id: UUID) -> Standing:
    """A member's standing, in one statement; NotAMember where the room is public, else NotFound."""
    mine = FilteredRelation(
        "memberships", condition=Q(memberships__user_id=user_id, memberships__left_seq=None)
    )
    blocks = Block.objects.filter(
        (_is("blocker", "direct_low") & _is("blocked", "direct_high"))
        | (_is("blocker", "direct_high") & _is("blocked", "direct_low"))
    )
    owners = Membership.objects.filter(room=OuterRef("pk"), user__bots=user_id)
    found = (
        Room.objects.filter(id=room_id, deleted_at=None)
        .annotate(mine=mine, blocked=Exists(blocks), owners_mute=Subquery(owners.values("muted_until")))
        .values_list("kind", "mine__id", "mine__muted_until", "blocked", "owners_mute")
        .first()
    )
    if found is None or found[1] is None:
        raise NotAMember() if found is not None and found[0] == Kind.PUBLIC else NotFound()
    return Standing(
        max((until for until in (found[2], found[4]) if until is not None), default=None), found[3]
    )


def _is(field: str, member: str) -> Q:
    """This one of the pair, or the person whose bot they are."""
    return Q(**{field: OuterRef(member)}) | Q(**{field: OuterRef(f"{member}__owner")})


def _places_of(user_ids: list[UUID]) -> QuerySet[Membership, Any]:
    return (
        Membership.objects.filter(user_id__in=user_ids, left_seq=None, room__deleted_at=None)
        .annotate(epoch=_epoch())
        .order_by("room_id")
        .values_list(
            "user_id", "room_id", "room__kind", "joined_seq", "room__last_seq", "room__first_seq", "epoch"
        )
    )


_PLACES_OF = CompiledOnce(_places_of, user_ids=list)


def places_of(user_ids: Collection[UUID]) -> dict[UUID, list[Place]]:
    """Every room that each of these people is in, in one statement."""
    found: dict[UUID, list[Place]] = {user_id: [] for user_id in user_ids}
    rows = _PLACES_OF.rows(user_ids=user_ids) if user_ids else []
    for user_id, *row in rows:
        found[user_id].append(_place_from(*row))
    return found


_HEADS = CompiledOnce(
    lambda room_ids: Room.objects.filter(id__in=room_ids).values_list("id", "last_seq", "first_seq"),
    room_ids=list,
)


def heads(room_ids: Collection[UUID]) -> dict[UUID, Head]:
    """The ends of these rooms' logs, deleted rooms too: their last event is still to be told."""
    rows = _HEADS.rows(room_ids=room_ids) if room_ids else []
    return {room_id: Head(last, first) for room_id, last, first in rows}


def members_page(*, user_id: UUID, room_id: str, after: int | None, limit: int) -> MemberPage:
    """A page of who is in the room, in the order of their first joining."""
    room = room_for_member(user_id=user_id, room_id=room_id).room
    rows = Membership.objects.filter(room=room, left_seq=None).select_related("user").order_by("id")
    page = list(rows.filter(id__gt=after or 0)[: limit + 1])
    cursor = write_cursor(page[limit - 1].pk) if len(page) > limit else None
    return MemberPage([member_of(m, m.user) for m in page[:limit]], cursor, room.last_seq)


def member(*, user_id: UUID, room_id: str, member_id: str) -> objects.Member:
    """One member; NotFound where they are not in the room."""
    room = room_for_member(user_id=user_id, room_id=room_id).room
    found = (
        Membership.objects.filter(room=room, user_id=known_id(member_id), left_seq=None)
        .select_related("user")
        .first()
    )
    if found is None:
        raise NotFound()
    return member_of(found, found.user)


def bans_page(*, user_id: UUID, room_id: str, after: int | None, limit: int) -> BanPage:
    """Who is banned from a room, for its owners and admins; Forbidden for its other members."""
    room, mine = room_for_member(user_id=user_id, room_id=room_id)
    if room.kind == Kind.DIRECT or not Role(mine.role).moderates:
        raise Forbidden()
    rows = standing_bans(room.id).select_related("user").order_by("-id")
    if after is not None:
        rows = rows.filter(id__lt=after)
    page = list(rows[: limit + 1])
    cursor = write_cursor(page[limit - 1].pk) if len(page) > limit else None
    return BanPage([ban_of(ban, ban.user) for ban in page[:limit]], cursor)
