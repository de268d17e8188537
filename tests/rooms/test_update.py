"""Changing a room."""

import pytest

from rooms.models import LogEntry


def patch(person, room, **fields):
    return person.call("PATCH", f"rooms/{room}/", fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Boiler room"},
        {"topic": "Steam"},
        {"avatar": "https://example.com/engine.png?size=64"},
        {"slow_mode_s": 30},
        {"name": "Boiler room", "topic": "Steam", "slow_mode_s": 0, "kind": "private"},
    ],
)
@pytest.mark.parametrize("role", ["owner", "admin"])
def test_owners_and_admins_change_it_and_everybody_is_told(ada, bob, eve, role, fields):
    room = ada.room(bob)
    ada.add(room, eve, role=role)
    answer = patch(eve, room, **fields)
    assert answer.status == 200
    assert fields.items() <= answer.body.items()
    assert answer.body == eve.see(f"rooms/{room}/")
    assert (answer.body["last_seq"], answer.body["changed_seq"]) == (5, 5)
    [event] = bob.events(room, since=4)
    assert (event["type"], event["actor"]) == ("room.updated", eve.id)
    seen = bob.see(f"rooms/{room}/")
    del seen["me"]
    assert event["data"] == {"room": seen}


def test_members_do_not(ada, bob):
    room = ada.room(bob)
    answer = patch(bob, room, name="Mine")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert ada.see(f"rooms/{room}/")["name"] == "Engine room"


@pytest.mark.parametrize(
    "fields",
    [{}, {"name": " Engine room"}, {"topic": "Cogs"}, {"slow_mode_s": 0, "kind": "public"}, {"avatar": None}],
)
def test_what_is_as_it_was_is_no_event(ada, fields):
    room = ada.room(kind="public", topic="Cogs")
    before = ada.see(f"rooms/{room}/")
    answer = patch(ada, room, **fields)
    assert (answer.status, answer.body) == (200, before)
    assert LogEntry.objects.count() == 2


def test_topic_and_picture_are_taken_away(ada):
    room = ada.room(topic="Cogs")
    patch(ada, room, avatar="https://example.com/engine.png")
    for nothing in (None, ""):
        patch(ada, room, topic="Cogs", avatar="http://127.0.0.1:8000/x")
        answer = patch(ada, room, topic=nothing, avatar=nothing)
        assert (answer.body["topic"], answer.body["avatar"]) == ("", None)


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"name": ""}, "name"),
        ({"name": " \u200b"}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"topic": "x" * 501}, "topic"),
        ({"topic": 7}, "topic"),
        ({"slow_mode_s": -1}, "slow_mode_s"),
        ({"slow_mode_s": 21_601}, "slow_mode_s"),
        ({"slow_mode_s": 2**70}, "slow_mode_s"),
        ({"slow_mode_s": 1.5}, "slow_mode_s"),
        ({"slow_mode_s": None}, "slow_mode_s"),
        ({"slow_mode_s": True}, "slow_mode_s"),
        ({"kind": "public"}, "kind"),
        ({"kind": "direct"}, "kind"),
        ({"kind": "secret"}, "kind"),
        ({"kind": None}, "kind"),
        ({"name": "Boiler room", "kind": "public"}, "kind"),
        ({"avatar": 7}, "avatar"),
        ({"avatar": "x"}, "avatar"),
        ({"avatar": "javascript:alert(1)"}, "avatar"),
        ({"avatar": "data:image/png;base64,AA=="}, "avatar"),
        ({"avatar": "//example.com/x"}, "avatar"),
        ({"avatar": "https://"}, "avatar"),
        ({"avatar": "https:///x"}, "avatar"),
        ({"avatar": "https://ada:secret@example.com/"}, "avatar"),
        ({"avatar": "https://example.com/a b"}, "avatar"),
        ({"avatar": "https://example.com/\n"}, "avatar"),
        ({"avatar": "https://example.com/" + "x" * 300}, "avatar"),
    ],
)
def test_a_wrong_value_is_invalid_and_nothing_changes(ada, fields, attr):
    room = ada.room()
    before = ada.see(f"rooms/{room}/")
    answer = patch(ada, room, **fields)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {attr})
    assert ada.see(f"rooms/{room}/") == before


def test_how_slow_a_room_may_be_is_a_setting(ada, settings):
    settings.SLOW_MODE_MAX_S = 10
    room = ada.room()
    assert patch(ada, room, slow_mode_s=10).status == 200
    assert patch(ada, room, slow_mode_s=11).attrs == {"slow_mode_s"}


def test_a_room_is_found_by_its_own_id_alone(ada, bob):
    private, public = ada.room(), ada.room(kind="public")
    assert patch(bob, private, name="Mine").code == "not_found"
    assert patch(bob, public, name="Mine").code == "not_a_member"
