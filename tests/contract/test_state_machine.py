"""Three people do as they like, over REST and two sockets; a page of Python (model.py) says what comes of it.

Whatever they do: every call answers as the model does; REST shows what the model holds; each of two devices, off and
on again, shows what REST shows; the log alone makes the same. And nobody is told what they may not know: nothing of
rooms they are not in, nothing after their own `member.left`, no text that was changed before they asked (FAULTS B17).
"""

import asyncio
import itertools
import json

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.api import register
from tests.client.device import Device
from tests.client.rest import Rest
from tests.client.state import ClientState, RoomState, shared
from tests.contract.acts import ACTS, WITHIN_S, Acts, Step
from tests.contract.model import World
from tests.contract.room_state import loaded, members_of, messages_of

NAMES = ("ada", "bob", "eve")
WITH_DEVICE = ("bob", "eve")  # bob's follows all his rooms, eve's those she asks for
PICK = st.integers(0, 11)  # one of some, or of all
_examples = itertools.count(1)


class Lives(Acts, RuleBasedStateMachine):
    """`world` is the model. An act ends with a look at all that `look` sees, if it names anybody."""

    server = None  # set by the tests

    @initialize(kind=st.sampled_from(("public", "private")))
    def begin(self, kind):
        number = next(_examples)
        self.people = {name: register(f"{name}{number}") for name in NAMES}
        self.world = World()
        self.numbers = itertools.count(1)
        self.leaks = []
        self.switched_on_at = dict.fromkeys(WITH_DEVICE, 0)
        self.runner = asyncio.Runner()
        self.devices = self.runner.run(self.get_devices())
        self.make_room("ada", kind, "bob")

    async def get_devices(self):
        found = {}
        for name in WITH_DEVICE:
            rest = Rest(self.server.http)
            rest.access = self.people[name].access
            found[name] = Device(
                rest,
                rooms="all" if name == "bob" else [],
                on_frame=lambda frame, name=name: self.judge(name, frame),
            )
            await found[name].switch_on()
        return found

    # One rule: of several, Hypothesis would leave some out of each example.
    @rule(
        act=st.sampled_from(ACTS), where=PICK, who=PICK, other=PICK, which=PICK,
        role=st.sampled_from(("member", "admin", "owner")), over_socket=st.booleans(),
        look=st.sampled_from((None, None, None, None, *NAMES)),
    )  # fmt: skip
    def do(self, act, where, who, other, which, role, over_socket, look):
        place = self.world.rooms[where % len(self.world.rooms)]
        who, other = self.someone(who, place), self.someone(11 - other, place)
        getattr(self, act)(Step(place, who, other, which, role, over_socket))
        assert self.leaks == []
        self.world.step += 1
        if look is not None:
            self.look_as(look)

    def someone(self, number, place):
        """Mostly somebody who is in the room."""
        some = list(place.present) if number < 9 and place.present else NAMES
        return some[number % len(some)]

    # --- what they are told -------------------------------------------------------------------------

    def judge(self, name, frame):
        """Whether this person may be told this: the model is never behind what is sent."""
        text = json.dumps(frame, ensure_ascii=False)
        for place in self.world.rooms:
            known = place.people.get(name)
            of_it = place.id != "" and place.id in text
            if known is None and of_it and frame["type"] not in ("ack", "error"):
                self.leaks.append(f"{name}, never in {place.id}: {text}")
            if known is None and any(body in text for body in place.bodies()):
                self.leaks.append(f"{name}, never in {place.id}, reads {text}")
            if known is not None and of_it and "seq" in frame:
                last = known.stays[-1].left
                if last is not None and frame["seq"] > last:
                    self.leaks.append(f"{name}, out of {place.id} since {last}: {text}")
            if (
                known is not None
                and of_it
                and frame["type"] == "signal"
                and not known.was_in(frame["data"]["step"])
            ):
                self.leaks.append(f"{name}, out of {place.id} then: {text}")
            for message in place.texts:
                for body, until in message.gone:
                    if body in text and until < self.switched_on_at[name]:
                        self.leaks.append(f"{name} reads what was changed before they came: {text}")

    def heads_of(self, who):
        """The rooms that their device is to show, each with its head."""
        heads = {p.id: p.head for p in self.world.rooms if who in p.present}
        return (
            heads
            if who == "bob"
            else {k: v for k, v in heads.items() if k in self.devices[who].client.wanted}
        )

    def look_as(self, name):
        """What this person is shown, by REST and on their device, is what the model holds."""
        person, mine = self.people[name], {p.id: p for p in self.world.rooms if name in p.present}
        rooms = {room["id"]: room for room in person.all("rooms/")}
        assert rooms.keys() == mine.keys()
        now = ClientState()
        for key, place in mine.items():
            held = now.rooms[key] = RoomState(shared(rooms[key]), rooms[key]["last_seq"])
            held.members, held.messages = members_of(person, key), messages_of(person, key)
            self.compare_room(place, name, rooms[key], held)
        for place in self.world.rooms:
            if place.id not in mine:
                assert person.get(f"rooms/{place.id}/").code == place.refusal(name)
        device = self.devices.get(name)
        if device is not None and device.on:
            heads = self.heads_of(name)
            self.runner.run(device.reach(heads, WITHIN_S))
            now.rooms = {key: held for key, held in now.rooms.items() if key in heads}
            assert device.state.differences(now) == []

    def compare_room(self, place, name, room, held):
        mine, names, me = place.people[name], self.names(), room["me"]
        topic = "" if place.kind == "direct" else place.topic
        assert (room["name"], room["topic"], room["last_seq"]) == (place.name, topic, place.head)
        assert room["member_count"] == len(place.present)
        assert (me["role"], me["last_read_seq"], me["unread_count"], me["muted_until"] is not None) == (
            mine.role, mine.read, place.unread(name), mine.muted is not None
        )  # fmt: skip
        found = (me["notifications"], me["favourite"], me["mention_count"])
        assert found == (mine.notifications, mine.favourite, place.mentions(name))
        members = {names[k]: (m["role"], m["muted_until"] is not None) for k, m in held.members.items()}
        assert members == {known: (one.role, one.muted is not None) for known, one in place.present.items()}
        assert [
            (
                (m["id"], m["seq"], names[m["author"]["id"]], m["client_id"], m["body"], m["reply_to"]),
                (
                    m["metadata"],
                    bool(m["edited_at"]),
                    bool(m["deleted_at"]),
                    [names[key] for key in m["mentions"]],
                ),
            )
            for m in held.messages.values()
        ] == [
            (
                (t.id, t.seq, t.author, t.client_id, t.body or "", t.sent.get("reply_to")),
                ({} if t.body is None else t.sent.get("metadata", {}), t.edited, t.body is None, t.named),
            )
            for t in place.texts
        ]
        if place.kind != "direct" and place.rank(name) > 0:
            bans = self.people[name].all(f"rooms/{place.id}/bans/")
            assert {names[ban["user"]["id"]] for ban in bans} == place.banned

    def names(self):
        return {person.id: name for name, person in self.people.items()}

    def teardown(self):
        if not hasattr(self, "devices"):
            return
        try:
            for name, device in self.devices.items():
                if not device.on:
                    self.switch_on(name)
            for name in NAMES:
                self.look_as(name)
            for place in self.world.rooms:
                if place.present:
                    self.look_at_log(place)
            assert self.leaks == []
        finally:
            self.runner.run(self.stop())
            self.runner.close()

    def look_at_log(self, place):
        """It is the model's, makes the state by itself, and holds no text that is no more."""
        person, names = self.people[next(iter(place.present))], self.names()
        events = person.events(place.id)
        assert [(e["type"], names[e["actor"]]) for e in events] == place.log
        text = json.dumps(events)
        assert not [body for message in place.texts for body, _ in message.gone if body in text]
        made = ClientState()
        for event in events:
            made.apply(event)
        assert made.differences(loaded(person, place.id)) == []

    async def stop(self):
        for device in self.devices.values():
            await device.switch_off()
            assert device.client.violations == []
            assert [record.uninvited for record in device.client.records.values() if record.uninvited] == []
            await device.rest.close()


def live(server, examples, steps):
    run_state_machine_as_test(
        type("LivesHere", (Lives,), {"server": server}),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None,
            # Finding the shortest failure takes minutes: add Phase.shrink to look for one.
            suppress_health_check=list(HealthCheck), phases=[Phase.generate], print_blob=False,
        ),
    )  # fmt: skip


def test_whatever_three_people_do(server):
    live(server, examples=10, steps=40)


@pytest.mark.slow
def test_whatever_three_people_do_for_long(server):
    live(server, examples=60, steps=80)
