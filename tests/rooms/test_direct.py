"""Direct rooms: two people, one room, and nothing to be changed in it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from accounts.models import Block, User
from common.ids import new_id
from rooms import services
from rooms.models import LogEntry, Room
from tests.api import register


def direct(person, other):
    return person.call("PUT", f"rooms/direct/{other.id}/")


def author(person):
    profile = person.see(f"users/{person.id}/")
    del profile["bio"]
    return profile


def test_it_is_made_once_whoever_asks(ada, bob):
    made = direct(ada, bob)
    assert made.status == 201
    assert made.body == ada.see(f"rooms/{made.body['id']}/")
    for person, other in ((ada, bob), (bob, ada)):
        found = direct(person, other)
        assert (found.status, found.body) == (200, person.see(f"rooms/{made.body['id']}/"))
    assert Room.objects.count() == 1


def test_it_has_no_name_and_says_who_is_in_it(ada, bob):
    room = direct(ada, bob).body
    assert (room["kind"], room["name"], room["topic"], room["created_by"]) == ("direct", None, "", ada.id)
    assert (room["member_count"], room["last_seq"]) == (2, 3)
    assert sorted(m["username"] for m in room["members"]) == ["ada", "bob"]
    assert author(ada) in room["members"]
    assert author(bob) in room["members"]
    assert (room["me"]["role"], room["me"]["last_read_seq"]) == ("member", 2)
    assert bob.see(f"rooms/{room['id']}/")["me"]["role"] == "member"


def test_its_log_begins_with_its_making_and_both_joining(ada, bob):
    room = direct(ada, bob).body
    events = bob.events(room["id"])
    assert [event["type"] for event in events] == ["room.created", "member.joined", "member.joined"]
    assert {event["actor"] for event in events} == {ada.id}
    shared = {name: value for name, value in room.items() if name != "me"}
    assert events[0]["data"] == {"room": shared}
    assert [event["data"]["member"]["user"]["id"] for event in events[1:]] == [ada.id, bob.id]
    assert [event["data"]["member"]["role"] for event in events[1:]] == ["member", "member"]


def test_both_are_named_in_the_list_too_and_nobody_in_other_rooms(ada, bob, eve):
    rooms = {direct(ada, other).body["id"]: other for other in (bob, eve)}
    other = ada.room(bob)
    listed = {room["id"]: room for room in ada.see("rooms/")["results"]}
    for room, person in rooms.items():
        assert listed[room]["name"] is None
        assert author(person) in listed[room]["members"]
        assert author(ada) in listed[room]["members"]
    assert "members" not in listed[other]
    assert {room["id"] for room in ada.see("rooms/?kind=direct")["results"]} == rooms.keys()
    assert [room["id"] for room in bob.see("rooms/?kind=direct")["results"]] == [
        room for room, person in rooms.items() if person is bob
    ]


def test_both_read_and_write_in_it(ada, bob):
    room = direct(ada, bob).body["id"]
    sent = bob.send(room)
    assert ada.see(f"rooms/{room}/messages/")["results"] == [sent]
    assert ada.see(f"rooms/{room}/")["me"]["unread_count"] == 1


def test_with_oneself_there_is_none(ada):
    answer = direct(ada, ada)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"user_id"})


def test_whoever_is_unknown_deleted_or_disabled_is_not_found(ada, bob, eve, statements):
    direct(ada, eve)
    User.objects.filter(pk=bob.user.pk).update(deleted_at=ada.user.created_at)
    User.objects.filter(pk=eve.user.pk).update(is_active=False)
    found = []
    for id_ in (bob.id, eve.id, str(new_id())):
        run = statements(lambda id_=id_: found.append(ada.call("PUT", f"rooms/direct/{id_}/")))
        assert (found[-1].status, found[-1].code, len(run)) == (404, "not_found", 3)
    for text in ("x", bob.id.upper(), "%00", "leave", "members", "join"):
        assert ada.call("PUT", f"rooms/direct/{text}/").code == "not_found", text
    assert Room.objects.count() == 1


def test_a_block_either_way_keeps_a_new_one_from_being_made(ada, bob):
    for blocker, blocked in ((ada, bob), (bob, ada)):
        block = Block.objects.create(blocker=blocker.user, blocked=blocked.user)
        for person, other in ((ada, bob), (bob, ada)):
            answer = direct(person, other)
            assert (answer.status, answer.code) == (403, "blocked")
        block.delete()
    assert not Room.objects.exists()
    room = direct(ada, bob).body["id"]
    Block.objects.create(blocker=bob.user, blocked=ada.user)
    assert (direct(ada, bob).status, direct(ada, bob).body["id"]) == (200, room)


def test_nothing_of_it_is_changed_and_nobody_comes_or_goes(ada, bob, eve):
    room = direct(ada, bob).body["id"]
    for call in (
        ("PATCH", f"rooms/{room}/", {"name": "x"}),
        ("PATCH", f"rooms/{room}/", {}),
        ("DELETE", f"rooms/{room}/"),
        ("POST", f"rooms/{room}/leave/"),
        ("POST", f"rooms/{room}/members/", {"user": eve.id}),
        ("DELETE", f"rooms/{room}/members/{bob.id}/"),
        ("DELETE", f"rooms/{room}/members/{ada.id}/"),
    ):
        answer = ada.call(*call)
        assert (answer.status, answer.code) == (403, "forbidden"), call
    assert LogEntry.objects.count() == 3


def test_to_anybody_else_it_is_not_there(ada, bob, eve):
    room = direct(ada, bob).body["id"]
    assert eve.get(f"rooms/{room}/").code == "not_found"
    assert eve.post(f"rooms/{room}/join/").code == "not_found"


@pytest.mark.django_db(transaction=True)
def test_both_asking_at_the_same_moment_get_the_same_one():
    rounds = 8
    ada = register("ada")
    others = [register(f"b{number}") for number in range(rounds)]
    start = Barrier(2)

    def ask(ways):
        try:
            made = []
            for me, other in ways:
                start.wait(20)
                made.append(services.open_direct_room(user_id=me.user.id, other_id=other.id))
            return made
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        hers = threads.submit(ask, [(ada, other) for other in others])
        theirs = threads.submit(ask, [(other, ada) for other in others])
        answers = list(zip(hers.result(60), theirs.result(60), strict=True))
    for one, two in answers:
        assert one.room.id == two.room.id
        assert one.created != two.created
    assert Room.objects.count() == rounds
    assert LogEntry.objects.count() == 3 * rounds
