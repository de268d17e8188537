"""The list of public rooms, for whoever looks for one."""

from uuid import UUID

import msgspec
from django.conf import settings

from common.errors import Invalid
from common.paging import write_cursor
from common.searches import searching
from common.text import clean_text, fold
from messaging.inbox import RoomPage, in_list, that_fit
from rooms.models import Kind, Membership, Room
from rooms.payloads import rooms_of


def public_rooms(
    *,
    user_id: UUID,
    payer_id: UUID,
    search: str,
    after: UUID | None,
    limit: int,
    with_messages: bool = True,
) -> RoomPage:
    """A page of the public rooms, the newest first, with `me` and `last_message` for those I am in, else null.

    With `search`, those whose name and topic hold each of its words, whatever their case, at most
    ROOM_SEARCH_MAX_CHARS and ROOM_SEARCH_MAX_WORDS; it is bounded as common.searches says. So that a word nobody uses costs no more than another, a page looks through
    ROOM_SEARCH_MAX_ROWS rooms and may then have few or no results, and a cursor all the same. `with_messages` as
    for my_rooms.
    """
    words = _words(search)
    rooms = Room.objects.filter(kind=Kind.PUBLIC, deleted_at=None).order_by("-id")
    if after is not None:
        rooms = rooms.filter(id__lt=after)
    end: UUID | None = None
    if words:
        most = settings.ROOM_SEARCH_MAX_ROWS
        with searching(payer_id):
            end = next(iter(rooms.values_list("id", flat=True)[most - 1 : most]), None)
            for word in words:
                rooms = rooms.filter(search_key__contains=word)
            if end is not None:
                rooms = rooms.filter(id__gte=end)
            page = list(rooms[: limit + 1])
    else:
        page = list(rooms[: limit + 1])
    if len(page) > limit:
        page = page[:limit]
        end = page[-1].id
    memberships = Membership.objects.filter(user_id=user_id, room__in=page, left_seq=None)
    mine = {room.id: room for room in in_list(memberships, with_messages=with_messages)}
    found = [
        msgspec.structs.replace(
            room,
            me=mine[room.id].me if room.id in mine else None,
            last_message=mine[room.id].last_message if room.id in mine else None,
        )
        for room in rooms_of(page)
    ]
    results = that_fit(found)
    if len(results) < len(found):
        end = results[-1].id
    return RoomPage(results, write_cursor(end) if end is not None else None)


def _words(search: str) -> list[str]:
    """What is searched for, each word once; Invalid."""
    text = clean_text(search, attr="search", max_chars=settings.ROOM_SEARCH_MAX_CHARS)
    words = list(dict.fromkeys(fold(text).split()))
    if len(words) > settings.ROOM_SEARCH_MAX_WORDS:
        raise Invalid.field("search", f"at most {settings.ROOM_SEARCH_MAX_WORDS} words", "too_many")
    return words
