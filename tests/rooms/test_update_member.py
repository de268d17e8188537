"""Roles and mutes. Who may give which is held against a model in tests/contract/test_state_machine.py, too."""

from datetime import timedelta

import pytest

from rooms.models import LogEntry

RANK = {"member": 0, "admin": 1, "owner": 2}
ROLES = list(RANK)


def patch(person, room, other, **fields):
    return person.call("PATCH", f"rooms/{room}/members/{other.id}/", fields)


def iso(at):
    return at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("given", ROLES)
@pytest.mark.parametrize("target", ROLES)
@pytest.mark.parametrize("actor", ROLES)
def test_a_role_is_given_to_lower_ones_and_below_ones_own(people, actor, target, given):
    room, me, other = people["room"], people[f"{actor}1"], people[f"{target}2"]
    answer = patch(me, room, other, role=given)
    allowed = RANK[actor] > RANK[target]
    allowed = allowed and (actor == "owner" or given == target or RANK[given] < RANK[actor])
    if allowed:
        assert (answer.status, answer.body["role"]) == (200, given)
        assert answer.body == me.see(f"rooms/{room}/members/{other.id}/")
    else:
        assert (answer.status, answer.code) == (403, "forbidden")
        assert me.see(f"rooms/{room}/members/{other.id}/")["role"] == target


@pytest.mark.parametrize("given", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_oneself_one_only_steps_down(people, role, given):
    room, me = people["room"], people[f"{role}1"]
    answer = patch(me, room, me, role=given)
    if RANK[given] <= RANK[role]:
        assert (answer.status, answer.body["role"]) == (200, given)
    else:
        assert (answer.status, answer.code) == (403, "forbidden")


def test_the_last_owner_hands_over_first(ada, bob):
    room = ada.room(bob)
    for role in ("admin", "member"):
        answer = patch(ada, room, ada, role=role)
        assert (answer.status, answer.code) == (409, "last_owner")
    assert patch(ada, room, bob, role="owner").status == 200
    assert patch(ada, room, ada, role="member").status == 200
    assert patch(ada, room, bob, role="member").code == "forbidden"
    assert patch(bob, room, bob, role="member").code == "last_owner"
    bob.remove(room, ada)


def test_everybody_is_told_and_the_room_is_as_it_was(ada, bob, eve):
    room = ada.room(bob, eve)
    member = patch(ada, room, bob, role="admin").body
    [event] = eve.events(room, since=4)
    assert (event["type"], event["actor"], event["seq"]) == ("member.updated", ada.id, 5)
    assert event["data"] == {"member": member}
    assert member["changed_seq"] == 5
    seen = eve.see(f"rooms/{room}/")
    assert (seen["last_seq"], seen["changed_seq"]) == (5, 4)
    assert bob.see(f"rooms/{room}/")["me"]["role"] == "admin"
    assert bob.change(room, topic="Steam")["topic"] == "Steam"


def test_what_changes_nothing_is_no_event(ada, bob):
    room = ada.room(bob)
    before = ada.see(f"rooms/{room}/members/{bob.id}/")
    for fields in ({}, {"role": "member"}, {"muted_until": None}, {"role": "member", "muted_until": None}):
        answer = patch(ada, room, bob, **fields)
        assert (answer.status, answer.body) == (200, before)
    assert patch(ada, room, ada, role="owner", muted_until=None).status == 200
    assert patch(bob, room, bob, role="member").status == 200
    assert LogEntry.objects.count() == 3


def test_who_is_muted_may_not_send_until_it_has_passed_by_itself(ada, bob, turned):
    room = ada.room(bob)
    until = iso(turned.at + timedelta(minutes=5))
    assert patch(ada, room, bob, muted_until=until).body["muted_until"] == until
    assert bob.see(f"rooms/{room}/")["me"]["muted_until"] == until
    send = {"client_id": "x", "body": "Hello"}
    turned.turn(299)
    answer = bob.post(f"rooms/{room}/messages/", send)
    assert (answer.status, answer.code) == (403, "muted")
    turned.turn(1)
    assert bob.post(f"rooms/{room}/messages/", send).status == 201
    assert ada.see(f"rooms/{room}/members/{bob.id}/")["muted_until"] == until  # what the log says, too


def test_a_mute_is_lifted(ada, bob):
    room = ada.room(bob)
    patch(ada, room, bob, muted_until="2099-01-01T00:00:00Z")
    assert patch(ada, room, bob, muted_until=None).body["muted_until"] is None
    bob.send(room)
    assert [event["type"] for event in ada.events(room, since=3)] == ["member.updated"] * 2 + [
        "message.created"
    ]


def test_nobody_mutes_or_unmutes_themselves(ada, bob, eve):
    room = ada.room(bob)
    ada.add(room, eve, role="admin")
    until = "2099-01-01T00:00:00Z"
    for person in (ada, bob, eve):
        assert patch(person, room, person, muted_until=until).code == "forbidden"
    patch(ada, room, eve, muted_until=until)
    assert patch(eve, room, eve, muted_until=None).code == "forbidden"
    assert patch(eve, room, eve, muted_until="2098-01-01T00:00:00Z").code == "forbidden"
    assert patch(eve, room, eve, muted_until=until, role="member").body["role"] == "member"
    assert patch(eve, room, bob, muted_until=until).code == "forbidden"  # not an admin any more


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"role": "king"}, "role"),
        ({"role": None}, "role"),
        ({"role": 2}, "role"),
        ({"muted_until": "2001-01-01T00:00:00Z"}, "muted_until"),
        ({"muted_until": "2099-01-01T00:00:00"}, "muted_until"),
        ({"muted_until": "2099-01-01"}, "muted_until"),
        ({"muted_until": 4_070_908_800}, "muted_until"),
        ({"muted_until": True}, "muted_until"),
        ({"muted_until": ""}, "muted_until"),
        ({"muted_until": "0001-01-01T00:00:00+14:00"}, "muted_until"),
        ({"muted_until": "9999-12-31T23:59:59-14:00"}, "muted_until"),
        ({"muted_until": "9999-01-01T00:00:00Z"}, "muted_until"),
        ({"role": "admin", "muted_until": "2001-01-01T00:00:00Z"}, "muted_until"),
    ],
)
def test_a_wrong_value_is_invalid_and_nothing_changes(ada, bob, fields, attr):
    room = ada.room(bob)
    answer = patch(ada, room, bob, **fields)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {attr})
    assert LogEntry.objects.count() == 3


def test_a_time_of_another_zone_is_shown_in_utc(ada, bob):
    answer = patch(ada, ada.room(bob), bob, muted_until="2099-01-01T02:00:00.5+02:00")
    assert answer.body["muted_until"] == "2099-01-01T00:00:00.500000Z"


def test_who_is_not_in_it_is_not_found(ada, bob, eve):
    room = ada.room(bob)
    ada.remove(room, bob)
    for other in (bob, eve):
        assert patch(ada, room, other, role="admin").code == "not_found"
    assert patch(bob, room, ada, role="member").code == "not_found"


def test_in_a_direct_room_there_are_no_roles(ada, bob):
    room = ada.direct(bob)
    for fields in ({"role": "owner"}, {"role": "member"}, {"muted_until": None}, {}):
        for other in (ada, bob):
            assert patch(ada, room, other, **fields).code == "forbidden"


def test_what_a_member_was_when_they_went_is_what_is_replayed(ada, bob):
    room = ada.room(bob)
    member = patch(ada, room, bob, role="admin").body
    ada.remove(room, bob)
    joined, updated, left = ada.events(room, since=2)
    assert joined["data"]["member"] == updated["data"]["member"] == member
    assert (member["role"], left["type"]) == ("admin", "member.left")
