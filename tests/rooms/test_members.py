"""Who is in a room: the list, one of them, and adding."""

import pytest

from accounts.models import User
from common.ids import new_id
from rooms.models import LogEntry, Membership


def crowd(count):
    """Ids of users who only exist."""
    users = User.objects.bulk_create(
        User(username=f"u{n:03}", username_key=f"u{n:03}", display_name=f"u{n}") for n in range(count)
    )
    return [str(user.id) for user in users]


def names(members):
    return [member["user"]["username"] for member in members]


def test_the_pages_of_the_list_hold_everybody_once_in_order_of_joining(ada):
    room = ada.room()
    ids = crowd(120)
    for part in (ids[:100], ids[100:]):
        assert ada.post(f"rooms/{room}/members/", {"users": part}).status == 201
    pages = ada.pages(f"rooms/{room}/members/", limit=50)
    assert [len(page) for page in pages] == [50, 50, 21]
    assert names(member for page in pages for member in page) == ["ada", *(f"u{n:03}" for n in range(120))]
    assert len(ada.see(f"rooms/{room}/members/")["results"]) == 50
    page = ada.see(f"rooms/{room}/members/?limit=1000000000")
    assert len(page["results"]) == 121
    assert page["next_cursor"] is None
    assert page["room_seq"] == 122


def test_a_full_last_page_ends_the_list(ada, bob):
    room = ada.room(bob)
    page = ada.see(f"rooms/{room}/members/?limit=2")
    assert (len(page["results"]), page["next_cursor"]) == (2, None)


def test_who_comes_or_goes_between_two_pages_moves_nobody_else(ada, bob, eve):
    room = ada.room(bob, eve)
    first = ada.see(f"rooms/{room}/members/?limit=2")
    assert names(first["results"]) == ["ada", "bob"]
    ada.remove(room, bob)
    rest = ada.see(f"rooms/{room}/members/?limit=2&cursor={first['next_cursor']}")
    assert (names(rest["results"]), rest["next_cursor"]) == (["eve"], None)


def test_one_member_is_as_in_the_list_and_in_the_event(ada, bob):
    room = ada.room(bob)
    one = ada.see(f"rooms/{room}/members/{bob.id}/")
    assert one == ada.see(f"rooms/{room}/members/")["results"][1]
    assert one == ada.events(room)[2]["data"]["member"]
    assert one["changed_seq"] == 3


def test_who_is_not_in_it_is_not_found(ada, bob, eve):
    room = ada.room(bob)
    ada.remove(room, bob)
    for id_ in (bob.id, eve.id, str(new_id()), "x", ada.id.upper(), "%00"):
        answer = ada.get(f"rooms/{room}/members/{id_}/")
        assert (answer.status, answer.code) == (404, "not_found"), id_


def test_one_is_added_as_a_member(ada, bob):
    room = ada.room()
    answer = ada.post(f"rooms/{room}/members/", {"user": bob.id})
    assert answer.status == 201
    assert (answer.body["user"]["id"], answer.body["role"]) == (bob.id, "member")
    assert answer.body == ada.see(f"rooms/{room}/members/{bob.id}/")
    assert ada.events(room)[-1] | {"at": 0} == {
        "type": "member.joined",
        "room": room,
        "seq": 3,
        "at": 0,
        "actor": ada.id,
        "data": {"member": answer.body},
    }


def test_many_are_answered_in_the_order_asked_each_with_an_event(ada, bob, eve):
    room = ada.room()
    answer = ada.post(f"rooms/{room}/members/", {"users": [eve.id, bob.id, eve.id]})
    assert (answer.status, names(answer.body["results"])) == (201, ["eve", "bob"])
    assert [member["changed_seq"] for member in answer.body["results"]] == [3, 4]
    assert ada.see(f"rooms/{room}/")["member_count"] == 3


def test_who_is_in_already_stays_as_they_are_without_an_event(ada, bob, eve):
    room = ada.room(bob)
    before = ada.see(f"rooms/{room}/members/{bob.id}/")
    answer = ada.post(f"rooms/{room}/members/", {"user": bob.id, "role": "admin"})
    assert (answer.status, answer.body) == (200, before)
    assert ada.post(f"rooms/{room}/members/", {"users": [bob.id, ada.id]}).status == 200
    assert LogEntry.objects.count() == 3
    mixed = ada.post(f"rooms/{room}/members/", {"users": [bob.id, eve.id]})
    assert (mixed.status, mixed.body["results"][0]) == (201, before)
    assert LogEntry.objects.count() == 4


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "user"),
        ({"user": None, "users": None}, "user"),
        ({"user": "ID", "users": ["ID"]}, "user"),
        ({"user": 7}, "user"),
        ({"user": "x"}, "user"),
        ({"user": ""}, "user"),
        ({"user": str(new_id())}, "user"),
        ({"users": []}, "users"),
        ({"users": "ID"}, "users"),
        ({"users": ["ID", "x"]}, "users.1"),
        ({"users": [["ID"]]}, "users.0"),
        ({"users": [str(new_id())]}, "users.0"),
        ({"users": [str(new_id()) for _ in range(101)]}, "users"),
        ({"user": "ID", "role": "king"}, "role"),
        ({"user": "ID", "role": ""}, "role"),
        ({"user": "ID", "role": 2}, "role"),
    ],
)
def test_a_wrong_body_is_invalid_and_names_the_field_sent(ada, bob, body, attr):
    room = ada.room()
    said = {
        name: bob.id if value == "ID" else [bob.id if v == "ID" else v for v in value] if type(value) is list else value
        for name, value in body.items()
    }  # fmt: skip
    answer = ada.post(f"rooms/{room}/members/", said)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {attr})
    assert Membership.objects.count() == 1


def test_the_disabled_and_the_deleted_cannot_be_added_and_spoil_the_whole_call(ada, bob, eve):
    room = ada.room()
    for fields in ({"is_active": False}, {"is_active": True, "deleted_at": ada.user.created_at}):
        User.objects.filter(pk=bob.user.pk).update(**fields)
        answer = ada.post(f"rooms/{room}/members/", {"users": [eve.id, bob.id]})
        assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"users.1"})
        assert eve.id not in answer.text
    assert Membership.objects.count() == 1


def test_a_hundred_are_added_at_once(ada):
    room = ada.room()
    answer = ada.post(f"rooms/{room}/members/", {"users": crowd(100)})
    assert (answer.status, len(answer.body["results"])) == (201, 100)
    assert ada.see(f"rooms/{room}/")["last_seq"] == 102
