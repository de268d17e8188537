"""A query made once asks what its queryset asks, whatever its parameters are."""

from uuid import UUID, uuid4

import pytest

from common.compiled import CompiledJoin, CompiledOnce
from common.rows import read_json
from messaging.models import Message
from rooms.models import Membership, Room
from tests.statements import asked

COLUMNS = (
    "id",
    "room_id",
    "seq",
    "body",
    "created_at",
    "edited_at",
    "mentions",
    "pinned",
    "author__username",
)


def page(room_id, seq, limit):
    return (
        Message.objects.filter(room_id=room_id, seq__gt=seq, room__id=room_id)
        .order_by("seq")
        .values_list(*COLUMNS)[:limit]
    )


PAGE = CompiledOnce(page, room_id=UUID, seq=int, limit=int)
ROOMS = CompiledOnce(
    lambda ids, kind: (
        Room.objects.filter(id__in=ids, last_seq__gt=kind).order_by("id").values_list("id", "kind")
    ),
    ids=list,
    kind=int,
)
SEAT = CompiledJoin(
    Membership,
    "room",
    lambda room_id, user_id: Membership.objects.filter(room_id=room_id, user_id=user_id, left_seq=None),
    room_id=UUID,
    user_id=UUID,
)


@pytest.fixture
def rooms(ada, bob):
    made = [ada.room(members=[bob.id]) for _ in range(3)]
    for room in made:
        for number in range(5):
            ada.send(room, body=f"{number} @bob")
    return [UUID(room) for room in made]


def test_rows_are_those_of_the_queryset(rooms):
    for room_id in (*rooms, uuid4()):
        for seq in (0, 3, 2**63 - 1):
            for limit in (0, 1, 4, 100):
                rows = PAGE.rows(room_id=room_id, seq=seq, limit=limit)
                assert [(*row[:6], read_json(row[6]), *row[7:]) for row in rows] == list(
                    page(room_id, seq, limit)
                )


def test_a_list_may_be_of_any_length(rooms):
    for ids in ([], rooms[:1], rooms, {*rooms, uuid4()}, [uuid4() for _ in range(2_000)]):
        assert [row[0] for row in ROOMS.rows(ids=ids, kind=0)] == sorted(set(ids) & set(rooms))
    assert ROOMS.rows(ids=rooms, kind=1_000) == []


def test_a_row_with_what_its_foreign_key_names_is_one_statement(rooms, ada):
    found = []
    assert len(asked(lambda: found.append(SEAT.first(room_id=rooms[0], user_id=ada.user.id)))) == 1
    assert len(asked(lambda: found.append(found[0].room))) == 0
    expected = Membership.objects.select_related("room").get(room_id=rooms[0], user_id=ada.user.id)
    for one, other in ((found[0], expected), (found[1], expected.room)):
        for field in one._meta.concrete_fields:
            assert getattr(one, field.attname) == getattr(other, field.attname), field
    assert not found[0]._state.adding
    assert SEAT.first(room_id=rooms[0], user_id=uuid4()) is None
