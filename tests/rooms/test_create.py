"""Making a room."""

import threading

import pytest
from django.db import connection

from accounts.models import User
from common.ids import new_id
from rooms.models import LogEntry, Membership, Room
from tests.api import register

NAME = {"kind": "private", "name": "Engine room"}


@pytest.mark.parametrize("kind", ["public", "private"])
def test_its_creator_owns_it_and_is_in_it(ada, kind):
    answer = ada.post("rooms/", {"kind": kind, "name": " Engine room ", "topic": "Cogs"})
    assert answer.status == 201
    room = answer.body
    assert (room["kind"], room["name"], room["topic"]) == (kind, "Engine room", "Cogs")
    assert (room["created_by"], room["member_count"]) == (ada.id, 1)
    assert (room["last_seq"], room["changed_seq"], room["first_seq"]) == (2, 2, 1)
    assert (room["me"]["role"], room["me"]["last_read_seq"], room["me"]["unread_count"]) == ("owner", 2, 0)
    assert ada.see(f"rooms/{room['id']}/") == room


def test_members_are_in_it_from_the_start_and_the_log_says_so(ada, bob, eve):
    room = ada.room(bob, eve)
    events = ada.events(room)
    assert [(event["seq"], event["type"]) for event in events] == [
        (1, "room.created"),
        (2, "member.joined"),
        (3, "member.joined"),
        (4, "member.joined"),
    ]
    assert {event["actor"] for event in events} == {ada.id}
    assert {event["room"] for event in events} == {room}
    joined = [(e["data"]["member"]["user"]["username"], e["data"]["member"]["role"]) for e in events[1:]]
    assert joined == [("ada", "owner"), ("bob", "member"), ("eve", "member")]
    assert bob.see(f"rooms/{room}/")["me"]["role"] == "member"
    assert events[0]["data"]["room"]["member_count"] == 3


def test_naming_somebody_twice_or_oneself_changes_nothing(ada, bob):
    room = ada.room(bob, ada, bob)
    assert [event["type"] for event in ada.events(room)] == ["room.created", "member.joined", "member.joined"]
    assert ada.see(f"rooms/{room}/")["me"]["role"] == "owner"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "direct"),
        ("kind", "secret"),
        ("kind", ""),
        ("kind", "PUBLIC"),
        ("kind", None),
        ("kind", 1),
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "a\nb"),
        ("name", "a\u200bb"),
        ("name", "\u202eabc"),
        ("name", "a\x00b"),
        ("name", None),
        ("name", 7),
        ("topic", "x" * 501),
        ("topic", "a\x00b"),
        ("topic", ["x"]),
        ("client_id", ""),
        ("client_id", "x" * 65),
        ("client_id", "a b"),
        ("client_id", 7),
        ("members", "x"),
        ("members", {}),
    ],
)
def test_a_wrong_field_is_invalid_and_named(ada, field, value):
    answer = ada.post("rooms/", NAME | {field: value})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {field})
    assert not Room.objects.exists()


@pytest.mark.parametrize("missing", ["kind", "name"])
def test_kind_and_name_are_required(ada, missing):
    answer = ada.post("rooms/", {name: value for name, value in NAME.items() if name != missing})
    assert (answer.status, answer.attrs) == (400, {missing})


def test_a_name_of_a_hundred_characters_and_a_topic_of_five_hundred_are_kept(ada):
    body = {"kind": "public", "name": "é" * 100, "topic": "😀" * 500}
    room = ada.post("rooms/", body).body
    assert (room["name"], room["topic"]) == (body["name"], body["topic"])


@pytest.mark.parametrize("id_", ["x", "", "1", 7, None])
def test_a_member_that_is_no_id_is_invalid(ada, id_):
    answer = ada.post("rooms/", NAME | {"members": [ada.id, id_]})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"members.1"})


def test_a_member_who_is_nobody_disabled_or_deleted_is_invalid(ada, bob, eve):
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    User.objects.filter(pk=eve.user.pk).update(deleted_at=ada.user.created_at)
    for id_ in (str(new_id()), bob.id, eve.id):
        answer = ada.post("rooms/", NAME | {"members": [ada.id, id_]})
        assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"members.1"})
    assert not Room.objects.exists()


def test_at_most_a_hundred_members_at_once(ada):
    users = User.objects.bulk_create(
        User(username=f"u{n}", username_key=f"u{n}", display_name=f"u{n}") for n in range(101)
    )
    ids = [str(user.id) for user in users]
    assert ada.post("rooms/", NAME | {"members": ids}).attrs == {"members"}
    answer = ada.post("rooms/", NAME | {"members": ids[:100]})
    assert (answer.status, answer.body["member_count"]) == (201, 101)


def test_the_same_client_id_again_is_the_same_room(ada, bob):
    body = NAME | {"client_id": "phone:1", "members": [bob.id]}
    first = ada.post("rooms/", body)
    again = ada.post("rooms/", body | {"name": " Engine room", "topic": "", "members": [bob.id, bob.id]})
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert Room.objects.count() == 1
    assert LogEntry.objects.count() == 3


@pytest.mark.parametrize(
    "other", [{"kind": "public"}, {"name": "Other"}, {"topic": "Other"}, {"members": []}]
)
def test_other_content_under_a_used_client_id_is_a_conflict(ada, bob, other):
    body = NAME | {"client_id": "phone:1", "topic": "Cogs", "members": [bob.id]}
    ada.post("rooms/", body)
    answer = ada.post("rooms/", body | other)
    assert (answer.status, answer.code) == (409, "client_id_conflict")
    assert Room.objects.count() == 1


def test_everybody_has_client_ids_of_their_own(ada, bob):
    body = NAME | {"client_id": "phone:1"}
    assert ada.post("rooms/", body).status == bob.post("rooms/", body).status == 201


def test_without_a_client_id_each_call_makes_a_room(ada):
    assert ada.room() != ada.room()


def test_an_answer_repeated_shows_the_room_as_it_is_now(ada, bob):
    body = NAME | {"client_id": "phone:1"}
    room = ada.post("rooms/", body).body["id"]
    ada.add(room, bob)
    assert ada.post("rooms/", body).body["member_count"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_one_room():
    ada = register("ada")
    start = threading.Barrier(4)
    answers = []

    def ask():
        start.wait()
        try:
            answers.append(ada.post("rooms/", NAME | {"client_id": "phone:1"}))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 201]
    assert len({answer.body["id"] for answer in answers}) == 1
    assert (Room.objects.count(), Membership.objects.count(), LogEntry.objects.count()) == (1, 1, 2)


@pytest.mark.parametrize(("kind", "code"), [("private", "not_found"), ("public", "not_a_member")])
def test_a_repetition_tells_a_maker_who_was_taken_out_no_more_than_anybody(ada, bob, kind, code):
    asked = {"kind": kind, "name": "Engines", "members": [bob.id], "client_id": "once"}
    room = ada.post("rooms/", asked).body["id"]
    ada.update(room, bob, role="owner")
    ada.leave(room)
    again = ada.post("rooms/", asked)
    assert (again.code, "name" in again.body) == (code, False)
    bob.add(room, ada)
    assert ada.post("rooms/", asked).body["id"] == room
