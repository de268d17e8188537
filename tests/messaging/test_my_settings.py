"""What one sets for oneself in a room: nobody else is told."""

import pytest

from rooms.models import LogEntry, Membership


def patch(person, room, **fields):
    return person.call("PATCH", f"rooms/{room}/me/", fields)


def ids(rooms):
    return [room["id"] for room in rooms]


@pytest.mark.parametrize(
    "fields",
    [{"notifications": "mentions"}, {"favourite": True}, {"notifications": "none", "favourite": True}],
)
def test_it_is_set_for_me_alone_and_is_no_event(ada, bob, fields):
    room = ada.room(bob)
    before, hers = bob.see(f"rooms/{room}/"), ada.see(f"rooms/{room}/")
    answer = patch(bob, room, **fields)
    assert (answer.status, answer.body) == (200, before["me"] | fields)
    assert bob.see(f"rooms/{room}/") == before | {"me": answer.body}
    assert bob.see("rooms/")["results"][0]["me"] == answer.body
    assert ada.see(f"rooms/{room}/") == hers
    assert LogEntry.objects.count() == 3


def test_what_is_absent_stays(ada):
    room = ada.room()
    patch(ada, room, notifications="none")
    patch(ada, room, favourite=True)
    me = patch(ada, room).body
    assert (me["notifications"], me["favourite"]) == ("none", True)
    assert patch(ada, room, favourite=False).body | {"favourite": True} == me


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"notifications": "some"}, "notifications"),
        ({"notifications": None}, "notifications"),
        ({"notifications": True}, "notifications"),
        ({"favourite": "true"}, "favourite"),
        ({"favourite": None}, "favourite"),
        ({"favourite": 1}, "favourite"),
        ({"hidden": True}, "hidden"),
        ({"hidden": None}, "hidden"),
        ({"favourite": True, "hidden": True}, "hidden"),
    ],
)
def test_a_wrong_value_is_invalid_and_sets_nothing(ada, fields, attr):
    room = ada.room()
    before = Membership.objects.values().get()
    answer = patch(ada, room, **fields)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {attr})
    assert Membership.objects.values().get() == before


def test_only_members_set_anything(ada, bob):
    public, private = ada.room(kind="public"), ada.room()
    assert patch(bob, public, favourite=True).code == "not_a_member"
    assert patch(bob, private, favourite=True).code == "not_found"


def test_a_hidden_direct_room_is_left_out_of_the_list_until_the_next_message(ada, bob):
    room, other = ada.direct(bob), ada.room(bob)
    ada.send(room)
    assert ada.see(f"rooms/{room}/")["me"]["hidden"] is False
    assert "hidden" not in ada.see(f"rooms/{other}/")["me"]
    assert patch(ada, room, hidden=True).body["hidden"] is True
    for path in ("rooms/", "rooms/?kind=direct", "rooms/?limit=1"):
        assert room not in ids(ada.see(path)["results"])
    assert room in ids(bob.see("rooms/")["results"])  # hers is hidden, not his
    assert ada.see(f"rooms/{room}/")["me"]["hidden"] is True
    assert bob.call("PUT", f"rooms/direct/{ada.id}/").status == 200
    bob.read(room, 4)
    patch(ada, room, favourite=True)
    assert room not in ids(ada.see("rooms/")["results"])
    sent = bob.send(room)
    listed = ada.see("rooms/")["results"][0]
    assert (listed["id"], listed["me"]["hidden"], listed["last_message"]["id"]) == (room, False, sent["id"])


def test_ones_own_message_shows_it_again_and_so_does_asking_for_it(ada, bob):
    room = ada.direct(bob)
    patch(ada, room, hidden=True)
    ada.send(room)
    assert ada.see(f"rooms/{room}/")["me"]["hidden"] is False
    patch(ada, room, hidden=True)
    assert patch(ada, room, hidden=False).body["hidden"] is False
    assert ids(ada.see("rooms/")["results"]) == [room]
    patch(ada, room, hidden=True, favourite=True)
    opened = ada.call("PUT", f"rooms/direct/{bob.id}/")
    assert (opened.status, opened.body["me"]["hidden"], opened.body["me"]["favourite"]) == (200, False, True)
    assert ids(ada.see("rooms/")["results"]) == [room]
    assert opened.body == ada.see(f"rooms/{room}/")


def test_other_rooms_are_never_hidden_and_may_say_so(ada):
    room = ada.room()
    assert "hidden" not in patch(ada, room, hidden=False).body
    assert ids(ada.see("rooms/")["results"]) == [room]


def test_the_pages_leave_hidden_rooms_out(ada, bob, eve):
    rooms = [ada.direct(bob), ada.room(), ada.direct(eve), ada.room()]
    patch(ada, rooms[2], hidden=True)
    assert sorted(ids(ada.all("rooms/", limit=1))) == sorted({*rooms} - {rooms[2]})
