"""How many rooms a person is in, and how many people somebody puts into rooms."""

import pytest

from tests.api import register


@pytest.fixture
def few(narrow):
    """Four rooms a person; nobody is put into the fourth."""
    narrow(ROOMS_PER_PERSON=4, ROOMS_PER_PERSON_BY_OTHERS=3)


@pytest.fixture
def public(db, few):
    """More public rooms than anybody may be in."""
    return [register(f"owner{n}").room(kind="public") for n in range(5)]


def test_one_more_room_than_one_may_be_in_is_forbidden(public, bob):
    for room in public[:4]:
        bob.join(room)
    answer = bob.post(f"rooms/{public[4]}/join/")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert bob.post("rooms/", {"kind": "private", "name": "mine"}).code == "forbidden"
    bob.join(public[0])  # whoever is in already
    bob.leave(public[0])
    bob.join(public[4])


def test_others_cannot_fill_up_all_of_somebodys_space(few, ada, bob, eve):
    for _ in range(3):
        ada.room(bob)
    room = ada.room()
    answer = ada.post(f"rooms/{room}/members/", {"users": [eve.id, bob.id]})
    assert (answer.status, answer.code, answer.attrs) == (403, "forbidden", {"users.1"})
    assert "rooms" not in answer.text.replace("a room", "")  # no word of how many bob is in
    assert [member["user"]["username"] for member in ada.all(f"rooms/{room}/members/")] == ["ada"]
    refused = eve.post("rooms/", {"kind": "private", "name": "hall", "members": [bob.id]})
    assert (refused.code, refused.attrs) == ("forbidden", {"members.0"})
    assert eve.call("PUT", f"rooms/direct/{bob.id}/").code == "forbidden"
    bob.room()  # their own


def test_adding_who_is_in_already_asks_for_no_space(few, ada, bob):
    rooms = [ada.room(bob) for _ in range(3)]
    ada.add(rooms[0], bob)
    bob.room()


def test_deleted_rooms_take_no_space_though_their_rows_are_there(few, ada, bob):
    for _ in range(6):
        assert ada.delete(f"rooms/{ada.room(bob)}/").status == 204
    ada.room(bob)


def test_so_many_people_one_puts_into_rooms_and_then_waits(narrow, turned, ada, bob, eve):
    narrow(ADDED_PEOPLE_BURST=3, ADDED_PEOPLE_PER_MINUTE=60)
    room = ada.room(bob, eve)
    ada.add(room, bob, eve)  # they are in
    ada.direct(bob)
    answer = ada.post("rooms/", {"kind": "private", "name": "hall", "members": [bob.id]})
    assert (answer.status, answer.code, answer.body["retry_after"]) == (429, "rate_limited", 1.0)
    assert ada.call("PUT", f"rooms/direct/{eve.id}/").code == "rate_limited"
    ada.remove(room, bob)
    assert ada.post(f"rooms/{room}/members/", {"user": bob.id}).code == "rate_limited"
    ada.direct(bob)  # it is there
    ada.room()
    bob.room(ada)  # others are not concerned
    turned.turn(1)
    ada.add(room, bob)


def test_whoever_waits_as_told_puts_all_of_them_in(narrow, turned, ada, bob, eve):
    narrow(ADDED_PEOPLE_BURST=3, ADDED_PEOPLE_PER_MINUTE=60)
    ada.room(bob, eve)
    room = ada.room()
    body = {"users": [person.id for person in (bob, eve, register("dan"))]}
    answer = ada.post(f"rooms/{room}/members/", body)
    assert (answer.code, answer.body["retry_after"], answer.headers["Retry-After"]) == (
        "rate_limited",
        2.0,
        "2",
    )
    turned.turn(1.9)
    assert ada.post(f"rooms/{room}/members/", body).code == "rate_limited"
    turned.turn(0.1)
    assert ada.post(f"rooms/{room}/members/", body).status == 201


def test_what_is_refused_costs_nothing(narrow, turned, ada, bob, eve):
    narrow(ADDED_PEOPLE_BURST=2, ADDED_PEOPLE_PER_MINUTE=60)
    room = ada.room()
    dan = register("dan")
    for _ in range(5):
        answer = ada.post(f"rooms/{room}/members/", {"users": [bob.id, eve.id, dan.id]})
        assert answer.code == "rate_limited"
    ada.add(room, bob, eve)


def test_making_a_room_again_with_its_client_id_is_no_adding(narrow, ada, bob):
    narrow(ADDED_PEOPLE_BURST=1)
    body = {"kind": "private", "name": "hall", "members": [bob.id], "client_id": "hall"}
    assert [ada.post("rooms/", body).status for _ in range(3)] == [201, 200, 200]
