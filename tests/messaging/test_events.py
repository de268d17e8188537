"""The log over REST."""

import pytest
from django.core.management import call_command

from rooms.models import LogEntry, Room
from tests.filling import fill


@pytest.fixture
def room(ada, bob):
    """A room whose log holds 1 … 13."""
    room = ada.room(bob)
    fill(room, ada, bob, count=10)
    return room


def seqs(page):
    return [event["seq"] for event in page["results"]]


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("since=0", 1, 13),
        ("since=0&limit=1", 1, 1),
        ("since=5&limit=3", 6, 8),
        ("since=12", 13, 13),
        ("since=0&limit=1000000000", 1, 13),
    ],
)
def test_a_page_holds_what_comes_after_since_in_order(bob, room, query, first, last):
    page = bob.see(f"rooms/{room}/events/?{query}")
    assert seqs(page) == list(range(first, last + 1))
    assert page["room_seq"] == 13


def test_at_the_head_there_is_nothing_more(ada, room):
    page = ada.see(f"rooms/{room}/events/?since=13")
    assert (page["results"], page["room_seq"]) == ([], 13)


def test_a_page_is_fifty_events_and_at_most_two_hundred(ada):
    room = ada.room()
    fill(room, ada, count=250)
    assert seqs(ada.see(f"rooms/{room}/events/?since=0")) == list(range(1, 51))
    assert seqs(ada.see(f"rooms/{room}/events/?since=0&limit=1000000000")) == list(range(1, 201))


def test_no_number_missed_is_too_many(ada):
    room = ada.room()
    fill(room, ada, count=5_100)
    assert ada.see(f"rooms/{room}/events/?since=0&limit=2")["room_seq"] == 5_102


def test_page_by_page_it_is_the_whole_log(ada, room):
    assert [event["seq"] for event in ada.events(room)] == list(range(1, 14))


def test_every_event_names_its_room_type_time_and_actor(ada, bob, room):
    for event in ada.events(room):
        assert set(event) == {"type", "room", "seq", "at", "actor", "data"}
        assert event["room"] == room
        assert event["actor"] in (ada.id, bob.id)


def test_it_is_the_same_for_every_reader(ada, bob, room):
    path = f"rooms/{room}/events/?since=0"
    assert ada.get(path).text == bob.get(path).text
    assert '"me"' not in ada.get(path).text
    assert '"last_message"' not in ada.get(path).text


@pytest.mark.parametrize("since", [14, 2**31, 2**63 - 1])
def test_ahead_of_the_log_is_a_resync(ada, room, since):
    answer = ada.get(f"rooms/{room}/events/?since={since}")
    assert (answer.status, answer.code, answer.body["reason"]) == (410, "resync", "ahead")


def test_another_epoch_is_a_resync_wherever_it_stands(ada, room):
    epoch = ada.see(f"rooms/{room}/events/?since=0")["epoch"]
    assert ada.see(f"rooms/{room}/events/?since=0&epoch={epoch}")["epoch"] == epoch
    for said in ("x", "\u0000", "é"):
        answer = ada.get(f"rooms/{room}/events/?since=99&epoch={said}")
        assert (answer.status, answer.body["reason"]) == (410, "epoch")
    assert ada.get(f"rooms/{room}/events/?since=99&epoch=").body["reason"] == "ahead"  # none given


def test_a_restored_back_up_changes_the_epoch_everywhere(ada, room, capsys):
    before = ada.see(f"rooms/{room}/messages/")["epoch"]
    call_command("new_epoch")
    now = ada.see(f"rooms/{room}/messages/")["epoch"]
    assert now != before
    assert now in capsys.readouterr().out
    assert ada.get(f"rooms/{room}/events/?since=0&epoch={before}").body["reason"] == "epoch"
    assert ada.see(f"rooms/{room}/events/?since=0&epoch={now}")["epoch"] == now


def test_what_was_pruned_is_a_resync_and_the_rest_is_not(ada, room):
    Room.objects.filter(pk=room).update(first_seq=6)
    LogEntry.objects.filter(room_id=room, seq__lt=6).delete()
    for since in (0, 4):
        answer = ada.get(f"rooms/{room}/events/?since={since}")
        assert (answer.status, answer.code, answer.body["reason"]) == (410, "resync", "pruned")
    assert seqs(ada.see(f"rooms/{room}/events/?since=5")) == list(range(6, 14))


def test_since_is_required(ada, room):
    answer = ada.get(f"rooms/{room}/events/")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"since"})
