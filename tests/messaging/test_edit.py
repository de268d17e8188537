"""Editing a message, and what it said before."""

import unicodedata
from datetime import timedelta

import pytest

from common.limits import SENDS
from messaging.models import MessageEdit
from rooms.models import LogEntry, Membership
from tests.api import path_of
from tests.messaging.people import block


@pytest.fixture
def room(ada, bob):
    """Ada's private room with bob in it; its head is 3."""
    return ada.room(bob)


def edit(person, message, body):
    return person.call("PATCH", path_of(message), {"body": body})


def history(person, message, query=""):
    return person.see(f"{path_of(message)}history/{query}")


def test_an_edit_is_an_event_and_the_message_is_the_same_wherever_it_is_read(ada, bob, room, turned):
    before = bob.send(room, "frist")
    ada.send(room)
    turned.turn(60)
    answer = edit(bob, before, "first")
    assert answer.status == 200
    message = answer.body
    changed = {"body": "first", "changed_seq": 6, "edited_at": message["edited_at"]}
    assert message == before | changed
    assert message["edited_at"] > message["created_at"]
    assert message == ada.see(path_of(message)) == ada.see(f"rooms/{room}/messages/")["results"][0]
    event = ada.events(room)[-1]
    assert (event["type"], event["seq"], event["actor"], event["at"]) == (
        "message.updated", 6, bob.id, message["edited_at"],
    )  # fmt: skip
    assert event["data"] == {"message": {name: v for name, v in message.items() if name != "me"}}


def test_the_same_text_changes_nothing(ada, room):
    message = ada.send(room, "caf\u00e9")
    for body in ("caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")):
        assert edit(ada, message, body).body == message
    assert (LogEntry.objects.filter(room_id=room).count(), MessageEdit.objects.count()) == (4, 0)


def test_nobody_edits_what_another_has_written(ada, bob, eve, room):
    """Not even the owner; and after a deletion no more than before."""
    message = bob.send(room)
    assert (edit(ada, message, "mine").status, edit(ada, message, "mine").code) == (403, "forbidden")
    assert edit(eve, message, "mine").code == "not_found"
    bob.erase(message)
    assert edit(ada, message, "mine").code == "forbidden"
    assert LogEntry.objects.filter(room_id=room).count() == 5


def test_a_deleted_message_cannot_be_edited(ada, room):
    message = ada.send(room)
    ada.erase(message)
    for body in ("other", message["body"]):
        answer = edit(ada, message, body)
        assert (answer.status, answer.code) == (409, "message_deleted")


def test_who_is_out_of_the_room_edits_nothing_in_it(ada, bob, room):
    message = bob.send(room)
    bob.leave(room)
    assert edit(bob, message, "other").code == "not_found"
    ada.add(room, bob)
    assert edit(bob, message, "other").status == 200


@pytest.mark.parametrize("body", ["", " \n", "\u200b", None, 7, ["x"], {}, "x" * 8_001])
def test_a_text_that_could_not_be_sent_is_invalid(ada, room, body):
    message = ada.send(room)
    answer = edit(ada, message, body)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"body"})
    assert ada.see(path_of(message)) == message


def test_a_body_is_required(ada, room):
    answer = ada.call("PATCH", path_of(ada.send(room)), {"text": "x"})
    assert (answer.code, answer.attrs) == ("invalid", {"body"})


def test_the_muted_change_nothing_they_said(bob, room, turned):
    message = bob.send(room, "first")
    Membership.objects.filter(user=bob.user).update(muted_until=turned.at + timedelta(seconds=60))
    answer = edit(bob, message, "other")
    assert (answer.status, answer.code) == (403, "muted")
    assert edit(bob, message, "first").code == "muted"  # whether or not it would change anything
    turned.turn(61)
    assert edit(bob, message, "other").status == 200


@pytest.mark.parametrize("blocker", ["ada", "bob"])
def test_in_a_direct_room_a_block_stops_edits_and_not_reading(ada, bob, blocker):
    people = {"ada": ada, "bob": bob}
    room = ada.direct(bob)
    message = ada.send(room, "first")
    block(people.pop(blocker), *people.values())
    answer = edit(ada, message, "other")
    assert (answer.status, answer.code) == (403, "blocked")
    assert bob.see(path_of(message)) == message


def test_elsewhere_a_block_stops_nothing(ada, bob, room):
    block(bob, ada)
    assert edit(ada, ada.send(room), "other").status == 200


def test_an_edit_counts_for_nobody_as_unread_and_moves_no_position(ada, bob, room):
    message = ada.send(room)
    bob.send(room)
    edit(ada, message, "other")
    assert ada.see(f"rooms/{room}/")["me"]["last_read_seq"] == 4
    assert ada.see(f"rooms/{room}/")["me"]["unread_count"] == 1
    assert bob.see(f"rooms/{room}/")["me"]["unread_count"] == 0


def test_the_draft_sent_again_is_the_edited_message(ada, room):
    message = ada.send(room, "first", "a:1")
    edited = ada.edit(message, "other")
    again = ada.post(f"rooms/{room}/messages/", {"client_id": "a:1", "body": "first"})
    assert (again.status, again.body) == (200, edited)
    as_edited = ada.post(f"rooms/{room}/messages/", {"client_id": "a:1", "body": "other"})
    assert as_edited.code == "client_id_conflict"


def test_a_replay_shows_no_text_that_was_since_edited(ada, bob, room):
    message = ada.send(room, "secret")
    ada.edit(message, "other")
    assert "secret" not in bob.get(f"rooms/{room}/events/?since=0").text
    assert [e["data"]["message"]["body"] for e in bob.events(room)[3:]] == ["other", "other"]


def test_the_history_holds_every_version_with_its_time(ada, bob, room, turned):
    message = bob.send(room, "one")
    assert history(bob, message) == {
        "results": [{"body": "one", "written_at": message["created_at"]}], "next_cursor": None,
    }  # fmt: skip
    written = [("one", message["created_at"])]
    for body in ("two", "three"):
        turned.turn(1)
        written.append((body, bob.edit(message, body)["edited_at"]))
    for reader in (bob, ada):
        found = history(reader, message)["results"]
        assert [(version["body"], version["written_at"]) for version in found] == written


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 50])
def test_the_history_comes_in_pages(ada, room, limit):
    message = ada.send(room, "0")
    for number in range(1, 4):
        ada.edit(message, f"{number}")
    pages = ada.pages(f"{path_of(message)}history/", limit=limit)
    assert [version["body"] for page in pages for version in page] == ["0", "1", "2", "3"]
    assert all(len(page) == limit for page in pages[:-1])


def test_the_history_is_for_its_author_and_who_moderates(ada, bob, eve, room):
    ada.add(room, eve)
    message = ada.send(room, "one")
    answer = bob.get(f"{path_of(message)}history/")
    assert (answer.status, answer.code) == (403, "forbidden")
    Membership.objects.filter(user=eve.user).update(role="admin")
    assert len(history(eve, message)["results"]) == 1


def test_in_a_direct_room_the_history_is_its_authors_alone(ada, bob):
    message = ada.send(ada.direct(bob))
    assert len(history(ada, message)["results"]) == 1
    assert bob.get(f"{path_of(message)}history/").code == "forbidden"


def test_the_history_goes_with_the_message(ada, bob, room):
    message = bob.send(room, "one")
    bob.erase(bob.edit(message, "two"))
    for reader in (ada, bob):
        assert history(reader, message) == {"results": [], "next_cursor": None}
    assert not MessageEdit.objects.exists()


def test_an_edit_counts_as_a_send(ada, bob, room, narrow, turned):
    narrow(SENDS_BURST=3, SENDS_PER_S=2)
    message = ada.send(room, "0")
    assert [edit(ada, message, body).status for body in ("1", "2")] == [200, 200]
    answer = edit(ada, message, "3")
    assert (answer.status, answer.code, answer.body["retry_after"]) == (429, "rate_limited", 0.5)
    assert answer.headers["RateLimit"].split(", ")[1] == '"sends";r=0;t=2'
    assert ada.see(path_of(message))["body"] == "2"
    assert edit(ada, message, "2").status == 200  # it changes nothing
    assert LogEntry.objects.filter(room_id=room).count() == 6
    turned.turn(0.5)
    assert edit(ada, message, "3").status == 200


def test_an_edit_that_is_refused_costs_nothing(ada, bob, room, narrow, turned):
    narrow(SENDS_BURST=2, SENDS_PER_S=1)
    message = ada.send(room, "0")
    assert {edit(bob, message, "1").code for _ in range(5)} == {"forbidden"}
    assert SENDS.look(bob.user.id).remaining == 2
    ada.erase(message)
    assert {edit(ada, message, "1").code for _ in range(5)} == {"message_deleted"}
    assert SENDS.look(ada.user.id).remaining == 1


def test_so_many_versions_of_a_message_are_kept_and_no_more_are_made(ada, room, settings):
    settings.EDITS_PER_MESSAGE = 3
    message, other = ada.send(room, "0"), ada.send(room, "0")
    for body in "123":
        ada.edit(message, body)
    before = ada.see(f"rooms/{room}/")
    taken = SENDS.look(ada.user.id).level
    answer = edit(ada, message, "4")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert edit(ada, message, "3").status == 200
    assert ada.see(f"rooms/{room}/") == before
    assert SENDS.look(ada.user.id).level <= taken
    assert [version["body"] for version in history(ada, message)["results"]] == ["0", "1", "2", "3"]
    assert edit(ada, other, "1").status == 200
