"""The list of my rooms."""

import pytest

from common import clock
from messaging.models import Message
from rooms.models import Room
from rooms.services import create_room
from tests.bots import another_token, make_bot


def ids(rooms):
    return [room["id"] for room in rooms]


def test_who_is_in_no_room_has_an_empty_list(ada):
    assert ada.see("rooms/") == {"results": [], "next_cursor": None}


def test_the_room_of_the_latest_event_of_any_kind_comes_first(ada, bob, eve, turned):
    def happens(what):
        turned.turn(1)
        return what()

    one, two, three = (happens(lambda: ada.room(bob, kind="public")) for _ in range(3))
    assert ids(ada.see("rooms/")["results"]) == [three, two, one]
    happens(lambda: ada.send(one))
    assert ids(ada.see("rooms/")["results"]) == [one, three, two]
    happens(lambda: eve.join(two))
    assert ids(ada.see("rooms/")["results"]) == [two, one, three]
    happens(lambda: bob.leave(three))
    assert ids(ada.see("rooms/")["results"]) == [three, two, one]
    happens(lambda: ada.read(one, 4))
    assert ids(ada.see("rooms/")["results"]) == [three, two, one]


def test_only_rooms_i_am_in_are_listed(ada, bob, eve):
    private, public = ada.room(bob), ada.room(bob, kind="public")
    bob.leave(private)
    assert ids(bob.see("rooms/")["results"]) == [public]
    assert eve.see("rooms/")["results"] == []
    Room.objects.filter(pk=public).update(deleted_at=clock.now())
    assert bob.see("rooms/")["results"] == []


def test_kind_chooses(ada):
    private, public = ada.room(), ada.room(kind="public")
    assert ids(ada.see("rooms/?kind=private")["results"]) == [private]
    assert ids(ada.see("rooms/?kind=public")["results"]) == [public]
    assert ids(ada.see("rooms/?kind=direct")["results"]) == []


@pytest.mark.parametrize("kind", ["x", "PUBLIC", "public ", "%00", "1"])
def test_another_kind_is_invalid(ada, kind):
    answer = ada.get(f"rooms/?kind={kind}")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"kind"})


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
def test_the_pages_hold_every_room_once_also_those_of_one_moment(ada, turned, limit):
    """120 rooms in eight moments: ties are the rule."""
    made = []
    for n in range(120):
        if n % 15 == 0:
            turned.turn(1)
        made.append(str(create_room(creator_id=ada.user.id, kind="private", name=f"{n}").room.id))
    if limit == 1:  # a page a room: enough for the ties
        made = made[-20:]
        Room.objects.exclude(pk__in=made).update(deleted_at=clock.now())
    pages = ada.pages("rooms/", limit=limit)
    assert all(len(page) == limit for page in pages[:-1])
    listed = ids(room for page in pages for room in page)
    order = sorted(
        Room.objects.filter(deleted_at=None), key=lambda room: (room.last_event_at, room.id), reverse=True
    )
    assert listed == [str(room.id) for room in order]
    assert sorted(listed) == sorted(made)


def test_a_kind_is_paged_too(ada):
    made = [ada.room(kind=kind) for kind in ("public", "private") * 3]
    assert sorted(ids(ada.all("rooms/?kind=public", limit=2))) == sorted(made[::2])


def test_a_room_shows_its_newest_message_as_the_history_does(ada, bob):
    room = ada.room(bob)
    assert ada.see("rooms/")["results"][0]["last_message"] is None
    ada.send(room)
    newest = bob.send(room, "newest")
    bob.leave(room)
    listed = ada.see("rooms/")["results"][0]
    assert listed["last_message"] == newest == ada.see(f"rooms/{room}/messages/")["results"][-1]
    assert listed["last_seq"] == newest["seq"] + 1


def test_a_tombstone_is_still_the_newest_message(ada):
    room = ada.room()
    message = ada.send(room)
    Message.objects.filter(pk=message["id"]).update(deleted_at=clock.now(), body="")
    assert ada.see("rooms/")["results"][0]["last_message"]["deleted_at"] is not None


def test_in_the_list_a_room_is_what_it_is_alone_and_a_message_more(ada, bob):
    room = ada.room(bob)
    ada.send(room)
    for person in (ada, bob):
        listed = person.see("rooms/")["results"][0]
        assert set(listed) - set(alone := person.see(f"rooms/{room}/")) == {"last_message"}
        del listed["last_message"]
        assert listed == alone


@pytest.mark.parametrize("cursor", ["x", "é", "%00", "====", "WzEsMl0", "bnVsbA"])
def test_a_cursor_that_is_none_is_invalid(ada, cursor):
    answer = ada.get(f"rooms/?cursor={cursor}")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"cursor"})


def test_a_cursor_of_another_list_is_invalid(ada, bob, eve):
    room = ada.room(bob, eve)
    ada.room()
    members = ada.see(f"rooms/{room}/members/?limit=1")["next_cursor"]
    rooms = ada.see("rooms/?limit=1")["next_cursor"]
    assert ada.get(f"rooms/?cursor={members}").code == "invalid"
    assert ada.get(f"rooms/{room}/members/?cursor={rooms}").code == "invalid"


def test_a_token_that_may_not_read_messages_sees_no_last_one(ada):
    reads = make_bot(ada, scopes=["rooms:read", "messages:read"])
    room = ada.room(reads)
    ada.send(room)
    reads_not = another_token(reads, "rooms:read", "messages:write")
    [shown] = reads.see("rooms/")["results"]
    assert shown["last_message"]["body"] == "The mill is running."
    assert reads_not.see("rooms/")["results"] == [shown | {"last_message": None}]
