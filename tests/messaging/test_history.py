"""Reading messages by `seq`: every page, with what lies on both sides of it."""

import pytest

from rooms.models import Epoch
from tests.filling import fill


@pytest.fixture
def room(ada, bob):
    """A room with the messages 4 … 13, two joinings among their numbers' neighbours."""
    room = ada.room(bob)
    assert fill(room, ada, bob, count=10) == list(range(4, 14))
    return room


def page(person, room, query=""):
    """The page as (first number, last number, how many, has_before, has_after)."""
    found = person.see(f"rooms/{room}/messages/?{query}")
    seqs = [message["seq"] for message in found["results"]]
    assert seqs == sorted(set(seqs))
    assert found["room_seq"] == person.see(f"rooms/{room}/")["last_seq"]
    assert found["epoch"] == Epoch.objects.get().word
    ends = (seqs[0], seqs[-1]) if seqs else (None, None)
    return (*ends, len(seqs), found["has_before"], found["has_after"])


NOTHING = (None, None, 0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (4, 13, 10, False, False)),
        ("limit=10", (4, 13, 10, False, False)),
        ("limit=9", (5, 13, 9, True, False)),
        ("limit=1", (13, 13, 1, True, False)),
        ("before=14", (4, 13, 10, False, False)),
        ("before=13&limit=3", (10, 12, 3, True, True)),
        ("before=7&limit=3", (4, 6, 3, False, True)),
        ("before=7&limit=4", (4, 6, 3, False, True)),
        ("before=5", (4, 4, 1, False, True)),
        ("before=4", (*NOTHING, False, True)),
        ("before=1", (*NOTHING, False, True)),
        ("before=0", (*NOTHING, False, True)),
        ("before=9223372036854775807&limit=1", (13, 13, 1, True, False)),
        ("after=3", (4, 13, 10, False, False)),
        ("after=0&limit=2", (4, 5, 2, False, True)),
        ("after=4&limit=2", (5, 6, 2, True, True)),
        ("after=11&limit=2", (12, 13, 2, True, False)),
        ("after=11&limit=1", (12, 12, 1, True, True)),
        ("after=13", (*NOTHING, True, False)),
        ("after=14", (*NOTHING, True, False)),
        ("after=9223372036854775807", (*NOTHING, True, False)),
        ("around=8&limit=4", (6, 9, 4, True, True)),
        ("around=8&limit=5", (6, 10, 5, True, True)),
        ("around=4&limit=4", (4, 7, 4, False, True)),
        ("around=0&limit=4", (4, 7, 4, False, True)),
        ("around=13&limit=4", (11, 13, 3, True, False)),
        ("around=9223372036854775807&limit=4", (12, 13, 2, True, False)),
        ("around=8", (4, 13, 10, False, False)),
        ("around=8&limit=1", (8, 8, 1, True, True)),
    ],
)
def test_each_page_and_what_lies_beside_it(bob, room, query, expected):
    assert page(bob, room, query) == expected


@pytest.mark.parametrize("query", ["", "before=5", "after=0", "around=3", "after=9223372036854775807"])
def test_a_room_without_messages_has_nothing_on_either_side(ada, query):
    assert page(ada, ada.room(), query) == (*NOTHING, False, False)


def test_reading_back_page_by_page_meets_every_message_once(ada, room):
    seqs, query = [], "limit=3"
    while True:
        found = ada.see(f"rooms/{room}/messages/?{query}")
        seqs = [message["seq"] for message in found["results"]] + seqs
        if not found["has_before"]:
            break
        query = f"limit=3&before={seqs[0]}"
    assert seqs == list(range(4, 14))


def test_reading_on_page_by_page_meets_every_message_once(ada, room):
    seqs, more = [3], True
    while more:
        found = ada.see(f"rooms/{room}/messages/?limit=3&after={seqs[-1]}")
        seqs += [message["seq"] for message in found["results"]]
        more = found["has_after"]
    assert seqs == list(range(3, 14))


def test_the_messages_of_other_rooms_are_not_among_them(ada, bob, room):
    other = ada.room(bob)
    fill(other, ada, count=30)
    assert page(bob, room) == (4, 13, 10, False, False)
    assert page(bob, room, "after=12") == (13, 13, 1, True, False)


def test_a_page_is_fifty_messages_and_at_most_two_hundred(ada):
    room = ada.room()
    fill(room, ada, count=250)
    assert page(ada, room)[2] == 50
    assert page(ada, room, "limit=1000000000") == (53, 252, 200, True, False)


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("before=5&after=6", {"after"}),
        ("before=5&around=5", {"around"}),
        ("after=1&around=1&before=1", {"after", "around"}),
    ],
)
def test_only_one_place_may_be_asked_for(ada, room, query, wrong):
    answer = ada.get(f"rooms/{room}/messages/?{query}")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", wrong)


def test_threads_are_refused_until_they_are_built(ada, room):
    answer = ada.get(f"rooms/{room}/messages/?thread=x")
    assert (answer.code, answer.attrs) == ("invalid", {"thread"})
