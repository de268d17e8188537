"""Keeping people out of a room."""

from datetime import timedelta

import pytest

from accounts.models import User
from common.ids import new_id
from rooms.models import Ban, LogEntry
from tests.api import register
from tests.filling import crowd

RANK = {"member": 0, "admin": 1, "owner": 2}


def put(person, room, other, **fields):
    return person.call("PUT", f"rooms/{room}/bans/{other.id}/", fields)


def iso(at):
    return at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("kind", ["public", "private"])
def test_a_member_is_out_in_the_same_breath(ada, bob, kind, turned):
    room = ada.room(bob, kind=kind)
    profile = ada.see(f"users/{bob.id}/")
    answer = put(ada, room, bob, reason="Spam")
    assert answer.status == 201
    author = {name: value for name, value in profile.items() if name != "bio"}
    at = iso(turned.at)
    assert answer.body == {
        "user": author, "reason": "Spam", "until": None, "created_at": at, "created_by": ada.id,
    }  # fmt: skip
    [event] = ada.events(room, since=3)
    assert (event["type"], event["actor"]) == ("member.left", ada.id)
    assert event["data"] == {"user": bob.id, "reason": "banned"}
    assert ada.see(f"rooms/{room}/")["member_count"] == 1
    assert bob.get(f"rooms/{room}/").code == ("not_a_member" if kind == "public" else "not_found")


@pytest.mark.parametrize("target", [*RANK, "stranger"])
@pytest.mark.parametrize("actor", RANK)
def test_it_takes_a_higher_role_than_theirs(ada, bob, eve, actor, target):
    room = ada.room()
    ada.add(room, bob, role=actor)
    if target != "stranger":
        ada.add(room, eve, role=target)
    answer = put(bob, room, eve)
    if actor != "member" and RANK[actor] > RANK.get(target, -1):
        assert answer.status == 201
    else:
        assert (answer.status, answer.code) == (403, "forbidden")
        assert not Ban.objects.exists()
    assert put(bob, room, bob).code == "forbidden"


def test_who_is_not_in_it_is_banned_without_an_event(ada, bob, eve):
    room = ada.room(bob, kind="public")
    bob.leave(room)
    for other in (bob, eve):
        assert put(ada, room, other).status == 201
        assert other.post(f"rooms/{room}/join/").code == "banned"
    assert LogEntry.objects.count() == 4


def test_a_public_room_says_banned_and_a_private_one_nothing(ada, bob):
    public, private = ada.room(bob, kind="public"), ada.room(bob)
    for room in (public, private):
        put(ada, room, bob)
    answer = bob.post(f"rooms/{public}/join/")
    assert (answer.status, answer.code) == (403, "banned")
    answer = bob.post(f"rooms/{private}/join/")
    assert (answer.status, answer.code) == (404, "not_found")
    assert LogEntry.objects.filter(type="member.joined").count() == 4


def test_nobody_puts_them_in_again_and_with_them_nobody(ada, bob, eve):
    room = ada.room(bob)
    put(ada, room, bob)
    for body, attrs in (({"user": bob.id}, {"user"}), ({"users": [eve.id, bob.id]}, {"users.1"})):
        answer = ada.post(f"rooms/{room}/members/", body)
        assert (answer.status, answer.code, answer.attrs) == (403, "banned", attrs)
    assert ada.see(f"rooms/{room}/")["member_count"] == 1
    ada.lift(room, bob)
    ada.add(room, bob, eve)


def test_lifting_lets_them_in_and_puts_nobody_in(ada, bob):
    room = ada.room(bob, kind="public")
    put(ada, room, bob)
    for _ in range(2):
        answer = ada.delete(f"rooms/{room}/bans/{bob.id}/")
        assert (answer.status, answer.body) == (204, None)
    assert bob.get(f"rooms/{room}/").code == "not_a_member"
    assert bob.join(room)["me"]["role"] == "member"
    assert ada.see(f"rooms/{room}/bans/")["results"] == []


def test_one_that_has_passed_bans_nobody(ada, bob, turned):
    room = ada.room(bob, kind="public")
    until = iso(turned.at + timedelta(minutes=5))
    assert put(ada, room, bob, until=until).body["until"] == until
    turned.turn(299)
    assert bob.post(f"rooms/{room}/join/").code == "banned"
    assert len(ada.see(f"rooms/{room}/bans/")["results"]) == 1
    turned.turn(1)
    assert ada.see(f"rooms/{room}/bans/")["results"] == []
    bob.join(room)
    again = put(ada, room, bob)
    assert (again.status, again.body["until"], again.body["created_at"]) == (201, None, iso(turned.at))
    assert Ban.objects.count() == 1


def test_again_replaces_reason_and_end(ada, bob, eve, turned):
    room = ada.room(bob)
    ada.add(room, eve, role="admin")
    made = put(ada, room, bob, reason="Spam").body
    turned.turn(60)
    until = "2099-01-01T00:00:00Z"
    answer = put(eve, room, bob, until=until)
    assert (answer.status, answer.body) == (200, made | {"reason": "", "until": until})
    assert put(eve, room, bob, until=until).status == 200
    assert ada.see(f"rooms/{room}/bans/")["results"] == [answer.body]
    assert LogEntry.objects.count() == 5


def test_the_list_is_paged_the_newest_first(ada):
    room = ada.room()
    people = [str(key) for key in crowd(7)]
    for person in people:
        assert ada.call("PUT", f"rooms/{room}/bans/{person}/", {}).status == 201
    listed = ada.all(f"rooms/{room}/bans/", limit=3)
    assert [ban["user"]["id"] for ban in listed] == people[::-1]


def test_members_do_not_see_the_list(ada, bob):
    for kind in ("public", "private"):
        room = ada.room(bob, kind=kind)
        answer = bob.get(f"rooms/{room}/bans/")
        assert (answer.status, answer.code) == (403, "forbidden")


def test_who_is_unknown_or_deleted_cannot_be_banned(ada, bob):
    room = ada.room(bob)
    ada.remove(room, bob)
    User.objects.filter(pk=bob.user.pk).update(deleted_at=ada.user.created_at)
    for id_ in (bob.id, str(new_id()), "x", "%00"):
        answer = ada.call("PUT", f"rooms/{room}/bans/{id_}/", {})
        assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"reason": 7}, "reason"),
        ({"until": "2001-01-01T00:00:00Z"}, "until"),
        ({"until": "2099-01-01T00:00:00"}, "until"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "until"),
        ({"until": "9999-01-01T00:00:00Z"}, "until"),
        ({"until": 7}, "until"),
    ],
)
def test_a_wrong_value_is_invalid_and_bans_nobody(ada, bob, fields, attr):
    room = ada.room(bob)
    answer = put(ada, room, bob, **fields)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {attr})
    assert bob.see(f"rooms/{room}/")["me"]["role"] == "member"


def test_a_body_is_not_needed(ada, bob):
    room = ada.room(bob)
    assert ada.call("PUT", f"rooms/{room}/bans/{bob.id}/").status == 201


def test_in_a_direct_room_there_are_none(ada, bob, eve):
    room = ada.direct(bob)
    for person in (bob, eve):
        assert put(ada, room, person).code == "forbidden"
        assert ada.delete(f"rooms/{room}/bans/{person.id}/").code == "forbidden"
    assert ada.get(f"rooms/{room}/bans/").code == "forbidden"


def test_a_ban_is_of_one_room(ada, bob):
    one, two = ada.room(bob, kind="public"), ada.room(kind="public")
    put(ada, one, bob)
    bob.join(two)
    assert register("carol").join(one)["member_count"] == 2
