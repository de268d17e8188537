"""Deleting a room: it is gone at once, for everybody, whatever they ask."""

import pytest

from common import clock
from rooms.models import LogEntry, Room
from rooms.selectors import heads


@pytest.fixture
def gone(ada, bob):
    """A public room of ada's with bob in it and a message, deleted; (its id, the message's)."""
    room = ada.room(bob, kind="public")
    message = ada.send(room)["id"]
    assert ada.delete(f"rooms/{room}/").status == 204
    return room, message


def test_its_last_event_is_its_deletion(ada, bob, turned):
    room = ada.room(bob)
    answer = ada.delete(f"rooms/{room}/")
    assert (answer.status, answer.body) == (204, None)
    [last] = LogEntry.objects.filter(room_id=room, seq__gt=3)
    assert (last.type, last.seq, str(last.actor_id), last.at) == ("room.deleted", 4, ada.id, turned.at)
    row = Room.objects.get(pk=room)
    assert (row.last_seq, row.changed_seq, row.deleted_at) == (4, 4, turned.at)


@pytest.mark.parametrize("role", ["member", "admin"])
def test_only_an_owner_deletes_it(ada, bob, role):
    room = ada.room()
    ada.add(room, bob, role=role)
    answer = bob.delete(f"rooms/{room}/")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert bob.see(f"rooms/{room}/")["last_seq"] == 3


def test_every_owner_may(ada, bob):
    room = ada.room()
    ada.add(room, bob, role="owner")
    assert bob.delete(f"rooms/{room}/").status == 204


def test_it_is_not_found_by_anybody(ada, bob, eve, gone):
    """Over every call: tests/contract/test_access.py."""
    room, message = gone
    for person in (ada, bob, eve):
        for path in ("", "members/", "messages/", f"messages/{message}/", "events/?since=0"):
            answer = person.get(f"rooms/{room}/{path}")
            assert (answer.status, answer.code) == (404, "not_found")
        assert person.post(f"rooms/{room}/join/").code == "not_found"


def test_it_is_in_no_list(ada, bob, gone):
    assert ada.see("rooms/")["results"] == bob.see("rooms/")["results"] == []


def test_a_repeated_making_of_it_is_not_found(ada):
    body = {"kind": "private", "name": "x", "client_id": "a:1"}
    room = ada.post("rooms/", body).body["id"]
    ada.delete(f"rooms/{room}/")
    assert ada.post("rooms/", body).code == "not_found"


def test_whoever_is_behind_finds_its_end_in_the_log(gone):
    room = Room.objects.get(pk=gone[0])
    assert heads([room.id])[room.id].last_seq == 5


def test_rooms_deleted_before_are_deleted_once(ada, gone):
    at = Room.objects.get(pk=gone[0]).deleted_at
    assert ada.delete(f"rooms/{gone[0]}/").code == "not_found"
    assert Room.objects.get(pk=gone[0]).deleted_at == at <= clock.now()
