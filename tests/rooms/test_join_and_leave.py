"""Coming and going, and what is left of who has gone."""

from datetime import timedelta

import pytest

from rooms import services
from rooms.models import LogEntry, Membership


def test_a_public_room_is_joined_by_whoever_likes(ada, bob):
    room = ada.room(kind="public")
    answer = bob.post(f"rooms/{room}/join/")
    assert answer.status == 200
    assert answer.body == bob.see(f"rooms/{room}/")
    assert (answer.body["member_count"], answer.body["me"]["role"]) == (2, "member")
    assert (answer.body["me"]["last_read_seq"], answer.body["me"]["unread_count"]) == (3, 0)
    event = ada.events(room)[-1]
    assert (event["type"], event["actor"]) == ("member.joined", bob.id)
    assert event["data"]["member"] == bob.see(f"rooms/{room}/members/{bob.id}/")


@pytest.mark.parametrize("kind", ["public", "private"])
def test_joining_again_changes_nothing(ada, bob, kind):
    room = ada.room(bob, kind=kind)
    before = ada.see(f"rooms/{room}/")
    for person in (ada, bob):
        assert person.post(f"rooms/{room}/join/").status == 200
    assert ada.see(f"rooms/{room}/") == before
    assert LogEntry.objects.count() == 3


def test_a_private_room_is_not_joined(ada, bob):
    room = ada.room()
    assert bob.post(f"rooms/{room}/join/").code == "not_found"
    assert Membership.objects.count() == 1


def test_joining_needs_no_body_and_minds_none(ada, bob):
    room = ada.room(kind="public")
    assert bob.post(f"rooms/{room}/join/", {"role": "owner", "user": ada.id}).body["me"]["role"] == "member"


def test_whoever_leaves_is_out_and_the_log_says_so(ada, bob):
    room = ada.room(bob)
    answer = bob.post(f"rooms/{room}/leave/")
    assert (answer.status, answer.body) == (204, None)
    assert bob.get(f"rooms/{room}/").code == "not_found"
    assert bob.see("rooms/")["results"] == []
    event = ada.events(room)[-1]
    assert (event["type"], event["actor"], event["seq"]) == ("member.left", bob.id, 4)
    assert event["data"] == {"user": bob.id, "reason": "left"}
    room_now = ada.see(f"rooms/{room}/")
    assert (room_now["member_count"], room_now["changed_seq"]) == (1, 4)


def test_leaving_twice_is_refused_like_any_stranger(ada, bob):
    private, public = ada.room(bob), ada.room(bob, kind="public")
    for room, code in ((private, "not_found"), (public, "not_a_member")):
        bob.leave(room)
        assert bob.post(f"rooms/{room}/leave/").code == code


def test_the_last_owner_hands_over_first(ada, bob, eve):
    room = ada.room(bob)
    ada.add(room, eve, role="admin")
    for answer in (ada.post(f"rooms/{room}/leave/"), ada.delete(f"rooms/{room}/members/{ada.id}/")):
        assert (answer.status, answer.code) == (409, "last_owner")
    assert LogEntry.objects.count() == 4
    ada.remove(room, eve)
    ada.add(room, eve, role="owner")
    ada.leave(room)
    assert eve.post(f"rooms/{room}/leave/").code == "last_owner"


def test_an_owner_alone_in_their_room_cannot_leave_it(ada):
    assert ada.post(f"rooms/{ada.room()}/leave/").code == "last_owner"


def test_coming_back_starts_anew(ada, bob, turned):
    room = ada.room(kind="public")
    ada.add(room, bob, role="admin")
    ada.send(room)
    bob.leave(room)
    missed = ada.send(room)
    turned.turn(60)
    me = bob.join(room)["me"]
    member = ada.see(f"rooms/{room}/members/{bob.id}/")
    assert (me["role"], me["last_read_seq"], me["unread_count"]) == ("member", missed["seq"] + 1, 0)
    assert (member["role"], member["changed_seq"]) == ("member", missed["seq"] + 1)
    assert member["joined_at"] == ada.events(room)[-1]["at"]
    assert Membership.objects.filter(user=bob.user).count() == 1
    assert ada.see(f"rooms/{room}/")["member_count"] == 2


def test_who_has_left_is_replayed_as_they_were(ada, bob):
    room = ada.room()
    ada.add(room, bob, role="admin")
    as_they_were = ada.see(f"rooms/{room}/members/{bob.id}/")
    bob.leave(room)
    joined, left = ada.events(room, since=2)
    assert joined["data"]["member"] == as_they_were
    assert as_they_were["changed_seq"] == 3
    assert left["seq"] == 4


def test_who_came_back_is_replayed_as_they_are_now(ada, bob):
    room = ada.room()
    ada.add(room, bob, role="admin")
    bob.leave(room)
    ada.add(room, bob)
    now = ada.see(f"rooms/{room}/members/{bob.id}/")
    assert now["role"] == "member"
    first, left, second = ada.events(room, since=2)
    assert first["data"]["member"] == second["data"]["member"] == now
    assert (left["type"], now["changed_seq"]) == ("member.left", second["seq"])


def test_who_came_back_and_left_again_is_replayed_as_they_were_the_last_time(ada, bob):
    room = ada.room()
    ada.add(room, bob, role="admin")
    bob.leave(room)
    ada.add(room, bob)
    bob.leave(room)
    joinings = [e["data"]["member"] for e in ada.events(room, since=2) if e["type"] == "member.joined"]
    assert [(member["role"], member["changed_seq"]) for member in joinings] == [("member", 5)] * 2


def test_a_mute_is_not_ended_by_leaving_and_coming_back(ada, bob, turned):
    room = ada.room(bob, kind="public")
    until = turned.at + timedelta(minutes=5)
    Membership.objects.filter(user=bob.user).update(muted_until=until)
    for _ in range(2):
        assert bob.post(f"rooms/{room}/leave/").status == 204
        assert bob.post(f"rooms/{room}/join/").status == 200
        assert bob.post(f"rooms/{room}/messages/", {"client_id": "x", "body": "hi"}).code == "muted"
    turned.turn(300)
    bob.post(f"rooms/{room}/leave/")
    assert bob.post(f"rooms/{room}/join/").body["me"]["muted_until"] is None


def test_whoever_is_taken_out_the_moment_they_join_has_joined_all_the_same(ada, bob, monkeypatch):
    room = ada.room(kind="public")
    join = services.join_room

    def join_and_be_removed(**who):
        joined = join(**who)
        assert ada.delete(f"rooms/{room}/members/{bob.id}/").status == 204
        return joined

    monkeypatch.setattr(services, "join_room", join_and_be_removed)
    answer = bob.post(f"rooms/{room}/join/")
    assert (answer.status, answer.body["id"], answer.body["me"]) == (200, room, None)
    assert [event["type"] for event in ada.events(room)][-2:] == ["member.joined", "member.left"]


def test_coming_and_going_is_so_often_an_hour_and_going_always(ada, bob, eve, narrow, turned):
    narrow(JOINS_PER_ROOM_PER_HOUR=12)
    room, other = ada.room(kind="public"), ada.room(kind="public")
    for _ in range(12):
        bob.join(room)
        bob.join(room)  # who is in it comes in no more
        bob.leave(room)
    answer = bob.post(f"rooms/{room}/join/")
    assert (answer.status, answer.code, answer.body["retry_after"]) == (429, "rate_limited", 300)
    assert answer.headers["Retry-After"] == "300"
    assert answer.headers["RateLimit"].split(", ")[1] == '"joins";r=0;t=3600'
    assert LogEntry.objects.filter(room_id=room).count() == 2 + 24
    for person, place in ((bob, other), (eve, room)):
        person.join(place)
    ada.add(room, bob)  # by who moderates it, he may
    bob.leave(room)
    turned.turn(300)
    bob.join(room)
    bob.leave(room)
    assert bob.post(f"rooms/{room}/join/").code == "rate_limited"


def test_a_joining_that_is_refused_costs_none(ada, bob, narrow, turned):
    narrow(JOINS_PER_ROOM_PER_HOUR=1)
    room = ada.room(kind="public")
    ada.ban(room, bob)
    assert {bob.post(f"rooms/{room}/join/").code for _ in range(5)} == {"banned"}
    ada.lift(room, bob)
    bob.join(room)
