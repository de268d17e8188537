"""`room.me` to who sends: what the batch knows is what REST says afterwards."""

import msgspec
import pytest

from messaging.services import send_messages
from realtime.publish import publisher
from tests.api import register
from tests.filling import draft

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(monkeypatch):
    """What people are told of what a room is to them: (user, room) → each `me`."""
    found = {}

    def put(group, message, size=200, **how):
        if message["type"] == "user.notice":
            notice = msgspec.json.decode(message["frame"])
            if notice["notice"] == "room.me":
                data = notice["data"]
                found.setdefault((message["user"], data["room_id"]), []).append(data["me"])

    monkeypatch.setattr(publisher, "put", put)
    return found


def test_each_author_of_a_batch_is_told_once_a_room_and_what_is_so(told):
    ada, bob, eve, mallory = (register(name) for name in ("ada", "bob", "eve", "mallory"))
    ada.call("PUT", f"users/me/blocks/{mallory.id}/")
    room, other = ada.room(bob, eve, mallory), ada.room(bob)
    direct = ada.direct(bob)
    ada.call("PATCH", f"rooms/{direct}/me/", {"hidden": True})
    bob.call("PATCH", f"rooms/{room}/me/", {"favourite": True, "notifications": "none"})
    told.clear()
    said = [
        (bob, room, "hi"), (ada, room, "@bob"), (ada, other, "@bob"), (ada, room, "x"), (eve, room, "@bob @ada"),
        (mallory, room, "@ada @bob @eve"), (bob, other, "@ada"), (ada, direct, "x"), (mallory, room, "x"),
    ]  # fmt: skip
    send_messages([draft(person, place, body) for person, place, body in said])
    people = {person.id: person for person, _, _ in said}
    assert {(str(people[person.id].user.id.hex), place) for person, place, _ in said} == set(told)
    for person, place, _ in said:
        assert told[person.user.id.hex, place] == [person.see(f"rooms/{place}/")["me"]], (person.user, place)
    assert told[bob.user.id.hex, room][0]["unread_count"] == 5
    assert told[bob.user.id.hex, room][0]["mention_count"] == 3
    assert told[ada.user.id.hex, room][0]["mention_count"] == 1


def test_more_than_a_hundred_read_as_a_hundred(told):
    ada, bob = register("ada"), register("bob")
    room = ada.room(bob)
    send_messages([draft(bob, room), *(draft(ada, room, "@bob") for _ in range(120))])
    (me,) = told[bob.user.id.hex, room]
    assert (me["unread_count"], me["mention_count"]) == (100, 100)
    assert me == bob.see(f"rooms/{room}/")["me"]
