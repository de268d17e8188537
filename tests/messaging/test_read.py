"""Read positions and what is unread."""

import pytest

from messaging.models import Message
from rooms.models import LogEntry
from tests.filling import fill


@pytest.fixture
def room(ada, bob):
    """Bob has not read ada's five messages, 4 … 8."""
    room = ada.room(bob)
    fill(room, ada, count=5)
    return room


def mine(person, room):
    me = person.see(f"rooms/{room}/")["me"]
    return me["last_read_seq"], me["unread_count"]


def test_reading_moves_my_position_and_nobody_elses(ada, bob, room):
    assert mine(bob, room) == (3, 5)
    assert bob.read(room, 6) == {"last_read_seq": 6, "unread_count": 2}
    assert mine(bob, room) == (6, 2)
    assert mine(ada, room) == (8, 0)


@pytest.mark.parametrize("seq", [8, 9, 2**31, 2**63 - 1])
def test_above_the_head_is_the_head(bob, room, seq):
    assert bob.read(room, seq) == {"last_read_seq": 8, "unread_count": 0}


def test_it_never_goes_back_unless_forced(bob, room):
    bob.read(room, 7)
    assert bob.read(room, 5) == {"last_read_seq": 7, "unread_count": 1}
    assert bob.read(room, 5, force=False) == {"last_read_seq": 7, "unread_count": 1}
    assert bob.read(room, 5, force=None) == {"last_read_seq": 7, "unread_count": 1}
    assert bob.read(room, 5, force=True) == {"last_read_seq": 5, "unread_count": 3}
    assert bob.read(room, 0, force=True) == {"last_read_seq": 0, "unread_count": 5}
    assert bob.read(room, 99, force=True) == {"last_read_seq": 8, "unread_count": 0}


def test_reading_is_no_event(bob, room):
    before = bob.see(f"rooms/{room}/")
    bob.read(room, 8)
    assert LogEntry.objects.filter(room_id=room).count() == 8
    assert bob.see(f"rooms/{room}/") | {"me": 0} == before | {"me": 0}


def test_ones_own_messages_joinings_and_tombstones_do_not_count(ada, bob, eve, room):
    bob.send(room)
    assert mine(bob, room) == (9, 0)
    ada.add(room, eve)
    eve.leave(room)
    assert mine(bob, room) == (9, 0)
    message = ada.send(room)
    assert mine(bob, room)[1] == 1
    Message.objects.filter(pk=message["id"]).update(deleted_at=ada.user.created_at)
    assert mine(bob, room)[1] == 0
    assert bob.read(room, 0, force=True)["unread_count"] == 5


def test_replies_in_threads_do_not_count(ada, bob, room):
    reply = ada.send(room)
    Message.objects.filter(pk=reply["id"]).update(thread_id=reply["id"])
    assert mine(bob, room)[1] == 5


def test_counting_stops_at_a_hundred(ada, bob, room):
    fill(room, ada, count=94)
    assert mine(bob, room)[1] == 99
    fill(room, ada, count=1)
    assert mine(bob, room)[1] == 100
    fill(room, ada, bob, count=101)
    ada.send(room)
    bob.read(room, 3, force=True)
    assert mine(bob, room) == (3, 100)
    assert bob.see("rooms/")["results"][0]["me"]["unread_count"] == 100
    assert bob.read(room, 3, force=True)["unread_count"] == 100


def test_the_list_counts_like_the_room(bob, room):
    assert bob.see("rooms/")["results"][0]["me"] == bob.see(f"rooms/{room}/")["me"]


@pytest.mark.parametrize("seq", [-1, 2**63, 10**30, "1", "", True, None, 1.5, [1], {}])
def test_a_seq_that_is_none_is_invalid(bob, room, seq):
    answer = bob.post(f"rooms/{room}/read/", {"seq": seq})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"seq"})


@pytest.mark.parametrize("force", ["true", 1, 0, "", []])
def test_force_is_true_or_false(bob, room, force):
    assert bob.post(f"rooms/{room}/read/", {"seq": 1, "force": force}).attrs == {"force"}


def test_seq_is_required(bob, room):
    assert bob.post(f"rooms/{room}/read/", {"force": True}).attrs == {"seq"}
