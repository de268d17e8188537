"""State before + events = state after, for every write there is (Zulip's `verify_action`)."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.events import read_events
from tests.api import register
from tests.client.state import ClientState, shared
from tests.client.strict_json import loads
from tests.contract.room_state import catch_up, from_nothing, loaded, members_of, messages_of, room_alone

LATER = "2099-01-01T00:00:00Z"
WRITES = {
    "add one": (lambda s: s.ada.add(s.room, s.eve), ["member.joined"]),
    "add many": (lambda s: s.ada.add(s.room, s.eve, s.bob, s.dan), ["member.joined", "member.joined"]),
    "add who is in": (lambda s: s.ada.add(s.room, s.bob), []),
    "add as admin": (lambda s: s.ada.add(s.room, s.eve, role="admin"), ["member.joined"]),
    "join": (lambda s: s.eve.join(s.room), ["member.joined"]),
    "join again": (lambda s: s.bob.join(s.room), []),
    "leave": (lambda s: s.bob.leave(s.room), ["member.left"]),
    "remove": (lambda s: s.ada.remove(s.room, s.bob), ["member.left"]),
    "leave and come back": (
        lambda s: (s.bob.leave(s.room), s.bob.join(s.room)),
        ["member.left", "member.joined"],
    ),
    "come and go twice": (
        lambda s: [step(s.room) for _ in range(2) for step in (s.eve.join, s.eve.leave)],
        ["member.joined", "member.left"] * 2,
    ),
    "promote": (lambda s: s.ada.update(s.room, s.bob, role="admin"), ["member.updated"]),
    "promote to what they are": (lambda s: s.ada.update(s.room, s.bob, role="member"), []),
    "mute": (lambda s: s.ada.update(s.room, s.bob, muted_until=LATER), ["member.updated"]),
    "hand over and leave": (
        lambda s: (s.ada.update(s.room, s.bob, role="owner"), s.ada.leave(s.room), s.bob.add(s.room, s.ada)),
        ["member.updated", "member.left", "member.joined"],
    ),
    "promote and remove": (
        lambda s: (s.ada.update(s.room, s.bob, role="admin"), s.ada.remove(s.room, s.bob)),
        ["member.updated", "member.left"],
    ),
    "ban": (lambda s: s.ada.ban(s.room, s.bob), ["member.left"]),
    "ban a stranger": (lambda s: s.ada.ban(s.room, s.eve), []),
    "ban, lift, join": (
        lambda s: (s.ada.ban(s.room, s.bob), s.ada.lift(s.room, s.bob), s.bob.join(s.room)),
        ["member.left", "member.joined"],
    ),
    "send": (lambda s: s.bob.send(s.room), ["message.created"]),
    "send again": (lambda s: s.ada.send(s.room, "first", "a:1"), []),
    "send and leave": (
        lambda s: (s.bob.send(s.room), s.bob.leave(s.room)),
        ["message.created", "member.left"],
    ),
    "change the room": (lambda s: s.ada.change(s.room, name="Boiler room", slow_mode_s=9), ["room.updated"]),
    "change nothing of the room": (lambda s: s.ada.change(s.room, name="Engine room", kind="public"), []),
    "change it, join, change it": (
        lambda s: (s.ada.change(s.room, topic="a"), s.eve.join(s.room), s.ada.change(s.room, topic="b")),
        ["room.updated", "member.joined", "room.updated"],
    ),
    "send more than text": (
        lambda s: s.bob.send(s.room, "@ada", reply_to=s.first["id"], metadata={"a": [1.0, None]}),
        ["message.created"],
    ),
    "mention others": (
        lambda s: s.ada.edit(s.ada.send(s.room, "@bob"), "nobody"),
        ["message.created", "message.updated"],
    ),
    "delete more than text": (
        lambda s: s.bob.erase(s.bob.send(s.room, "@ada", reply_to=s.first["id"], metadata={"a": 1})),
        ["message.created", "message.deleted"],
    ),
    "edit": (lambda s: s.ada.edit(s.first, "other"), ["message.updated"]),
    "edit to the same": (lambda s: s.ada.edit(s.first, "first"), []),
    "edit twice": (
        lambda s: [s.ada.edit(s.first, body) for body in ("other", "first")],
        ["message.updated"] * 2,
    ),
    "send, edit and delete": (
        lambda s: s.bob.erase(s.bob.edit(s.bob.send(s.room), "other")),
        ["message.created", "message.updated", "message.deleted"],
    ),
    "delete": (lambda s: s.ada.erase(s.first), ["message.deleted"]),
    "delete again": (lambda s: s.ada.erase(s.ada.erase(s.first)), ["message.deleted"]),
    "send again what is deleted": (
        lambda s: (s.ada.erase(s.first), s.ada.send(s.room, "first", "a:1")),
        ["message.deleted"],
    ),
    "delete as owner": (
        lambda s: s.ada.erase(s.bob.send(s.room)),
        ["message.created", "message.deleted"],
    ),
    "a favourite": (lambda s: s.bob.call("PATCH", f"rooms/{s.room}/me/", {"favourite": True}), []),
    "read": (lambda s: s.bob.read(s.room, 99), []),
    "read backwards": (lambda s: s.ada.read(s.room, 0, force=True), []),
}


class Story:
    """Ada's public room with bob in it and a message."""

    def __init__(self, ada, bob, eve, dan):
        self.ada, self.bob, self.eve, self.dan = ada, bob, eve, dan
        self.room = ada.room(bob, kind="public")
        self.first = ada.send(self.room, "first", "a:1")


@pytest.fixture
def story(ada, bob, eve):
    return Story(ada, bob, eve, register("dan"))


@pytest.mark.parametrize("name", WRITES)
def test_state_before_and_events_are_the_state_after(story, name):
    write, expected = WRITES[name]
    before = loaded(story.ada, story.room)
    write(story)
    events = story.ada.events(story.room, since=before.rooms[story.room].position)
    assert [event["type"] for event in events] == expected
    catch_up(before, story.ada)
    after = loaded(story.ada, story.room)
    assert before.differences(after) == []


@pytest.mark.parametrize("name", WRITES)
def test_the_log_alone_makes_the_same_state(story, name):
    WRITES[name][0](story)
    assert from_nothing(story.ada, story.room).differences(loaded(story.ada, story.room)) == []


@pytest.mark.parametrize("name", WRITES)
def test_the_whole_log_again_changes_nothing(story, name):
    WRITES[name][0](story)
    state = loaded(story.ada, story.room)
    state.rooms[story.room].position = 0
    catch_up(state, story.ada)
    assert state.differences(loaded(story.ada, story.room)) == []


def test_a_new_room_is_made_by_its_log(ada, bob):
    room = ada.room(bob)
    assert from_nothing(ada, room).differences(loaded(ada, room)) == []
    assert from_nothing(ada, room).differences(loaded(bob, room)) == []


def test_a_direct_room_is_made_by_its_log(ada, bob):
    room = ada.direct(bob)
    bob.send(room)
    for person in (ada, bob):
        assert from_nothing(ada, room).differences(loaded(person, room)) == []


def test_a_deleted_room_is_deleted_by_its_log(story):
    state, key = loaded(story.ada, story.room), UUID(story.room)
    held = state.rooms[story.room]
    story.ada.change(story.room, name="Boiler room")
    assert story.ada.delete(f"rooms/{story.room}/").status == 204
    for event in read_events(key, held.position, 10, 1_000_000):
        state.apply(loads(event.frame))
    assert (held.deleted, held.room["name"], held.members, held.messages) == (True, "Boiler room", {}, {})
    assert read_events(key, 0, 1, 1_000_000)[0].seq == 1  # whoever is behind still reads all of it


def test_the_rule_is_needed(story):
    """Without `changed_seq` a replay counts people twice: this test's twin shows that it can fail."""
    state = loaded(story.ada, story.room)
    held = state.rooms[story.room]
    held.position = 1  # after room.created, which would set all to rights
    held.room["changed_seq"] = 0
    catch_up(state, story.ada)
    assert held.room["member_count"] == 4
    assert state.differences(loaded(story.ada, story.room)) != []


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_pages_and_events_mix_in_any_order(data, ada, bob, eve):
    """A client loads each part whenever it likes while others write, and has read all events in the end."""
    room = ada.room(bob, kind="public")
    first = ada.send(room)
    writes = {
        "join": lambda: eve.join(room),
        "leave": lambda: eve.leave(room) if eve.get(f"rooms/{room}/").status == 200 else None,
        "add": lambda: ada.add(room, bob, eve),
        "remove": lambda: ada.remove(room, bob) if bob.get(f"rooms/{room}/").status == 200 else None,
        "send": lambda: ada.send(room),
        "update": lambda: (
            ada.update(room, bob, role=data.draw(st.sampled_from(("admin", "member")), "role"))
            if bob.get(f"rooms/{room}/").status == 200
            else None
        ),
        "change": lambda: ada.change(room, slow_mode_s=data.draw(st.integers(0, 3), "slow")),
        "edit": lambda: ada.edit(first, data.draw(st.sampled_from("xyz"), "body")),
        "delete": lambda: ada.erase(ada.send(room)),
    }
    state = ClientState()
    held = state.rooms[room] = room_alone(ada, room)
    loads = ["members", "messages"]
    steps = data.draw(
        st.lists(st.sampled_from([*writes, "events", "page", "reload"]), min_size=4, max_size=12), "steps"
    )
    for step in [*steps, "page", "page"]:
        if step in writes:
            writes[step]()
        elif step == "events":
            for event in ada.events(room, since=held.position)[: data.draw(st.integers(0, 3), "how many")]:
                state.apply(event)
        elif step == "page" and loads:
            part = loads.pop(data.draw(st.integers(0, len(loads) - 1), "which"))
            take(held, ada, room, part)
        elif step == "reload":
            newer = shared(ada.see(f"rooms/{room}/"))
            if newer["changed_seq"] > held.room["changed_seq"]:
                held.room = newer
    catch_up(state, ada)
    assert state.differences(loaded(ada, room)) == []


def take(held, person, room, part):
    """Load a part; what events brought meanwhile stays where it is newer."""
    if part == "messages":
        for key, message in messages_of(person, room, limit=2).items():
            known = held.messages.get(key)
            if known is None or known["changed_seq"] <= message["changed_seq"]:
                held.messages[key] = message
    else:
        held.members = members_of(person, room, limit=2)
