"""Deleting a message: a tombstone stays, and nothing of what it said."""

from datetime import timedelta

import pytest
from django.apps import apps

from common.errors import NotFound
from common.ids import new_id
from messaging.models import Message
from messaging.services import delete_message_as_operator
from rooms.models import LogEntry, Membership, Room
from tests.api import path_of
from tests.messaging.people import block


@pytest.fixture
def room(ada, bob):
    """Ada's private room with bob in it; its head is 3."""
    return ada.room(bob)


def everything() -> str:
    """Every value of every table."""
    return repr([list(model.objects.values()) for model in apps.get_models()])


def test_a_deletion_is_an_event_and_leaves_the_same_tombstone_everywhere(ada, bob, room, turned):
    before = bob.edit(bob.send(room, "frist"), "first")
    ada.send(room)
    turned.turn(60)
    answer = bob.delete(path_of(before))
    assert answer.status == 200
    tombstone = answer.body
    assert tombstone == before | {"body": "", "changed_seq": 7, "deleted_at": tombstone["deleted_at"]}
    assert tombstone["deleted_at"] > tombstone["edited_at"]
    assert tombstone == ada.see(path_of(before)) == ada.see(f"rooms/{room}/messages/")["results"][0]
    event = ada.events(room)[-1]
    assert (event["type"], event["seq"], event["actor"], event["at"]) == (
        "message.deleted", 7, bob.id, tombstone["deleted_at"],
    )  # fmt: skip
    assert event["data"] == {"message": {name: v for name, v in tombstone.items() if name != "me"}}


def test_deleting_again_changes_nothing(ada, bob, room):
    message = bob.send(room)
    tombstone = bob.erase(message)
    assert bob.erase(message) == ada.erase(message) == tombstone
    assert LogEntry.objects.filter(room_id=room).count() == 5


def test_what_it_said_is_nowhere_any_more(ada, bob, room):
    message = ada.send(room, "secret one")
    ada.edit(message, "secret two")
    assert "secret one" in everything()
    ada.erase(message)
    assert "secret" not in everything()
    for path in ("messages/", "events/?since=0", f"messages/{message['id']}/", "messages/?around=4"):
        assert "secret" not in bob.get(f"rooms/{room}/{path}").text
    assert "secret" not in bob.get("rooms/").text


@pytest.mark.parametrize(
    ("role", "status"), [("member", 403), ("admin", 200), ("owner", 200)]
)  # ada's own message, who is an owner
def test_others_messages_are_for_who_moderates(ada, bob, room, role, status):
    message = ada.send(room)
    Membership.objects.filter(user=bob.user).update(role=role)
    answer = bob.delete(path_of(message))
    assert (answer.status, answer.code) == (status, "forbidden" if status == 403 else None)
    if status == 200:
        assert ada.events(room)[-1]["actor"] == bob.id
    else:
        assert ada.see(path_of(message)) == message


def test_in_a_direct_room_one_deletes_ones_own_alone(ada, bob):
    room = ada.direct(bob)
    message = bob.send(room)
    assert ada.delete(path_of(message)).code == "forbidden"
    block(ada, bob)
    assert bob.erase(message)["deleted_at"] is not None


def test_the_muted_may_take_back_what_they_said(bob, room, turned):
    message = bob.send(room)
    Membership.objects.filter(user=bob.user).update(muted_until=turned.at + timedelta(seconds=60))
    assert bob.delete(path_of(message)).status == 200


def test_who_is_out_of_the_room_deletes_nothing_in_it(bob, room):
    message = bob.send(room)
    bob.leave(room)
    assert bob.delete(path_of(message)).code == "not_found"


def test_a_message_of_another_room_is_not_found(ada, room):
    message = ada.send(room)
    other = ada.room()
    assert ada.delete(path_of(message | {"room": other})).code == "not_found"
    assert ada.call("PATCH", path_of(message | {"room": other}), {"body": "x"}).code == "not_found"


def test_the_draft_sent_again_is_the_tombstone(ada, room):
    tombstone = ada.erase(ada.send(room, "first", "a:1"))
    again = ada.post(f"rooms/{room}/messages/", {"client_id": "a:1", "body": "first"})
    assert (again.status, again.body) == (200, tombstone)
    other = ada.post(f"rooms/{room}/messages/", {"client_id": "a:1", "body": ""})
    assert other.code == "invalid"
    assert ada.post(f"rooms/{room}/messages/", {"client_id": "a:1", "body": "x"}).code == "client_id_conflict"


def test_a_deleted_message_is_no_longer_unread(ada, bob, room):
    message = ada.send(room)
    assert bob.see("rooms/")["results"][0]["me"]["unread_count"] == 1
    ada.erase(message)
    assert bob.see("rooms/")["results"][0]["me"]["unread_count"] == 0
    assert bob.read(room, 3, force=True)["unread_count"] == 0


def test_an_operator_deletes_any_message_and_stays_nameless(ada, room):
    message = ada.send(room, "secret")
    tombstone = delete_message_as_operator(message_id=Message.objects.get().id)
    assert (tombstone.body, tombstone.changed_seq) == ("", 5)
    event = ada.events(room)[-1]
    assert (event["type"], event["actor"], event["data"]["message"]["id"]) == (
        "message.deleted", None, message["id"],
    )  # fmt: skip
    assert delete_message_as_operator(message_id=tombstone.id) == tombstone
    assert "secret" not in everything()


def test_an_operator_finds_no_message_that_is_not_there(ada, room, turned):
    key = Message.objects.get(pk=ada.send(room)["id"]).id
    with pytest.raises(NotFound):
        delete_message_as_operator(message_id=new_id())
    Room.objects.filter(pk=room).update(deleted_at=turned.at)
    with pytest.raises(NotFound):
        delete_message_as_operator(message_id=key)
