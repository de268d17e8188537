"""`typing` and `signal`: who hears them, who may say them, in what order, and that nothing of them stays."""

import asyncio
import threading
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from gateway import voice
from gateway.runtime import runtime
from realtime.publish import publisher
from tests.client.socket import Refused
from tests.gateway.inside import consumer_of
from tests.gateway.test_frames import ODD_ROOMS
from tests.gateway.test_subscribe import say, seqs, subscribe
from tests.gateway.waiting import until
from tests.gateway.wire import Wire


def hints(socket):
    """The hints so far, in the order they came."""
    return [r.frame for r in socket.frames if r.frame["type"] in ("typing", "signal")]


async def heard(*sockets, number):
    """Wait until each of them has so many hints."""
    for socket in sockets:
        await until(lambda socket=socket: len(hints(socket)) >= number, f"{number} hints")


async def passed(socket, *others):
    """Whatever was said before has come: a signal of this one, the last, reaches the others."""
    name = f"mark-{uuid4()}"
    await socket.request("signal", room=passed.room, name=name)
    for other in others:
        await other.find(lambda frame: frame.get("name") == name)


@pytest.fixture
async def story(ada, bob, room, connect):
    """Ada with a phone and a tablet, bob with two, all subscribed."""
    passed.room = room
    sockets = [await connect(who) for who in (ada, ada, bob, bob)]
    for socket in sockets:
        await subscribe(socket, room)
    return sockets


async def test_typing_reaches_the_rooms_other_people_and_none_of_ones_own_sockets(story, ada, bob, room):
    phone, tablet, *his = story
    assert await phone.request("typing", room=room, active=True) == {}
    assert await phone.request("typing", room=room, active=False) == {}
    await passed(phone, tablet, *his)
    told = [
        {"type": "typing", "room": room, "user": ada.user_id, "active": active} for active in (True, False)
    ]
    assert [hints(socket)[:-1] for socket in his] == [told, told]
    assert (len(hints(phone)), len(hints(tablet))) == (0, 1)
    await his[0].request("typing", room=room, active=True)
    await phone.find(lambda frame: frame.get("user") == bob.user_id)


async def test_a_signal_reaches_the_rooms_other_sockets_ones_own_too(story, ada, room):
    phone, *others = story
    data = {"x": 0.5, "text": "é💥", "list": [None, True, -1, 10**30]}
    assert await phone.request("signal", room=room, name="cursor.moved", data=data) == {}
    assert await phone.request("signal", room=room, name="ping") == {}  # without data: null
    await heard(*others, number=2)
    told = {"type": "signal", "room": room, "user": ada.user_id}
    for socket in others:
        assert hints(socket) == [
            told | {"name": "cursor.moved", "data": data},
            told | {"name": "ping", "data": None},
        ]
    assert hints(phone) == []


async def test_without_an_id_they_are_carried_out_and_not_answered(story, server, ada, bob, room):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        await wire.send({"type": "typing", "room": room, "active": True})
        await wire.send({"type": "signal", "room": room, "name": "x", "data": 1})
        assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}
    await heard(*story[2:], number=2)


async def test_only_who_is_subscribed_hears_and_only_while_it_is_said(story, eve, ada, room, connect):
    phone, tablet, his, other = story
    late = await connect(ada)
    stranger = await connect(eve)
    await stranger.request("subscribe", rooms="all")
    await other.request("unsubscribe", rooms=[room])
    await phone.request("signal", room=room, name="x", data=1)
    await heard(tablet, his, number=1)
    for socket in (late, other):
        await subscribe(socket, (room, 0))
        await socket.find(lambda frame: frame.get("seq") == 3)
    await passed(phone, tablet, his, late, other)
    await stranger.request("ping")
    assert [len(hints(socket)) for socket in (late, other, stranger)] == [1, 1, 0]
    assert [event["type"] for event in (await ada.events(room))["results"]] == [
        "room.created",
        "member.joined",
        "member.joined",
    ]


async def test_the_sender_needs_no_subscription(story, ada, room, connect):
    fresh = await connect(ada)
    for number in range(3):
        await fresh.request("signal", room=room, name="x", data=number)
        await fresh.request("typing", room=room, active=True)
    await heard(*story[2:], number=6)
    assert [hint["data"] for hint in hints(story[1])] == [0, 1, 2]


async def test_the_socket_of_one_room_hears_and_says_them_and_of_others_nothing(
    story, ada, bob, room, connect
):
    only = await connect(bob, room=room)
    await only.find("subscribed")
    await story[0].request("typing", room=room, active=True)
    await only.find("typing")
    await only.request("signal", room=room, name="x", data=1)
    await story[0].find("signal")
    other = (await ada.create_room(members=[bob.user_id]))["id"]
    for ask in ({"kind": "typing", "active": True}, {"kind": "signal", "name": "x", "data": 1}):
        with pytest.raises(Refused) as refused:
            await only.request(room=other, **ask)
        assert (refused.value.code, refused.value.frame["errors"][0]["attr"]) == ("invalid", "room")


def nested(depth):
    """So many lists in each other."""
    found = []
    for _ in range(depth - 1):
        found = [found]
    return found


async def test_what_they_hold_is_checked(server, ada, room):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for fields, attr in (
            ({"type": "typing"}, "active"),
            ({"type": "typing", "active": 1}, "active"),
            ({"type": "typing", "active": None}, "active"),
            ({"type": "signal"}, "name"),
            *(
                ({"type": "signal", "name": name}, "name")
                for name in ("", " ", "a b", "a\n", "é", "a" * 65, "\x00", None, 1, ["x"])
            ),
            ({"type": "signal", "name": "x", "data": "a" * 4_095}, "data"),
            ({"type": "signal", "name": "x", "data": "é" * 2_048}, "data"),
            ({"type": "signal", "name": "x", "data": [[0] * 1_000] * 3}, "data"),
            ({"type": "signal", "name": "x", "data": {"a": ["\x00"]}}, "data"),
            ({"type": "signal", "name": "x", "data": {"\x00": 1}}, "data"),
            ({"type": "signal", "name": "x", "data": [10**309]}, "data"),
            ({"type": "signal", "name": "x", "data": {"a": -(10**3_000)}}, "data"),
            ({"type": "signal", "name": "x", "data": nested(33)}, "data"),
            ({"type": "signal", "name": "x", "data": nested(900)}, "data"),
        ):
            answer = await wire.ask({"id": 1, "room": room, **fields})
            assert (answer["type"], answer["id"], answer["code"]) == ("error", 1, "invalid"), fields
            assert [error["attr"] for error in answer["errors"]] == [attr]
        for data in ("a" * 4_094, "é" * 2_047, nested(32), 2**64, False, {}, [], ""):
            assert (
                await wire.ask({"type": "signal", "id": 2, "room": room, "name": "A-z0.9_:-", "data": data})
            )["type"] == "ack"
        for kind in ("typing", "signal"):
            answer = await wire.ask({"type": kind, "id": 1, "name": "x", "active": True})
            assert answer["errors"][0]["attr"] == "room"


async def test_no_nesting_is_deep_enough_to_cost_the_socket(server, ada, room):
    """Some levels can be read, but no more be written."""
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        frame = '{"type":"signal","id":1,"room":"%s","name":"x","data":%s}'
        for depth in (33, 200, *range(900, 1_010, 2), 5_000):
            answer = await wire.ask(frame % (room, "[" * depth + "]" * depth))
            assert (answer["type"], answer["code"]) == ("error", "invalid"), depth
            if answer["id"] is None:  # no JSON for us
                assert depth > 900
                break
        assert await wire.ask({"type": "ping", "id": 2}) == {"type": "pong", "id": 2}


async def test_how_large_a_signal_is_does_not_depend_on_its_spaces(settings, server, ada, room):
    settings.SIGNAL_MAX_BYTES = 9
    async with await Wire.open(server.ws, ada.access) as wire:
        assert (await wire.next())["limits"]["signal_max_bytes"] == 9
        frame = '{"type":"signal","id":1,"room":"%s","name":"x","data":%s}'
        for data, kind in (("[1,2,3,4]", "ack"), ("[ 1, 2, 3,  4 ]", "ack"), ("[1,2,3,44]", "error")):
            assert (await wire.ask(frame % (room, data)))["type"] == kind


async def test_to_an_outsider_every_room_is_one_that_never_was_but_a_public_one(server, ada, eve, room):
    public = (await ada.create_room("public"))["id"]
    async with await Wire.open(server.ws, eve.access) as wire:
        await wire.next()
        for fields in ({"type": "typing", "active": True}, {"type": "signal", "name": "x"}):
            for target in (room, str(uuid4()), *ODD_ROOMS):
                answer = await wire.ask({"id": 1, "room": target, **fields})
                assert (answer["type"], answer["code"]) == ("error", "not_found"), target
            assert (await wire.ask({"id": 1, "room": public, **fields}))["code"] == "not_a_member"


async def test_signals_of_one_socket_come_in_the_order_said(story, ada, room, server, monkeypatch, connect):
    """The first ones wait for the database together; none that comes after passes them."""
    gate, asked = threading.Event(), []
    real = voice.standing

    def held(**query):
        asked.append(query)
        gate.wait(10)
        return real(**query)

    monkeypatch.setattr(voice, "standing", held)
    fresh = await connect(ada)
    for sender in (story[0], fresh):  # with a subscription and without
        gate.clear()
        asks = [await sender.ask("signal", room=room, name="x", data=number) for number in range(50)]
        await sender.request("ping")
        await until(lambda: asked, "the database is asked")
        assert len(asked) == 1  # for all of them
        asked.clear()
        gate.set()
        asks += [await sender.ask("signal", room=room, name="x", data=number) for number in range(50, 100)]
        await asyncio.gather(*asks)
    await heard(story[2], number=200)
    assert [hint["data"] for hint in hints(story[2])] == [*range(100)] * 2


async def test_what_was_said_just_before_the_socket_went_is_told(
    story, server, eve, ada, room, monkeypatch, connect
):
    await ada.add_member(room, eve.user_id)
    gate, real = threading.Event(), voice.standing
    fresh = await connect(eve)
    consumer = consumer_of(server, eve)
    with monkeypatch.context() as slow:
        slow.setattr(voice, "standing", lambda **query: gate.wait(10) and real(**query))
        await fresh.ask("signal", room=room, name="late", data=1)
        await fresh.request("ping")
        await fresh.abort()
        await until(lambda: consumer.outbox.gone, "the server has noticed")
        gate.set()
        await heard(story[2], number=1)
    await passed(story[0], story[2])
    assert [hint["name"] for hint in hints(story[2])][:-1] == ["late"]
    assert not consumer.voice._lines


async def test_a_database_that_fails_is_told_and_asked_again(story, ada, room, connect, monkeypatch):
    def fail(**query):
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(voice, "standing", fail)
        for _ in range(2):
            with pytest.raises(Refused, match="unavailable"):
                await story[0].request("signal", room=room, name="x", data=1)
    await story[0].request("signal", room=room, name="x", data=2)
    await heard(story[2], number=1)
    assert [hint["data"] for hint in hints(story[2])] == [2]


async def test_what_comes_back_over_the_bus_is_no_second_hint(story, server, ada, bob, room):
    """A process tells its own sockets without the bus; what others say comes over it."""
    own = server.runtime().hub.bus.name

    async def from_the_bus(origin):
        bus = runtime().hub.bus
        message = {
            "type": "room.hint", "room": UUID(room).hex, "user": "", "socket": "", "origin": origin,
            "frame": '{"type":"signal","name":"other"}',
        }  # fmt: skip
        bus._hear(message)
        bus._hear(message | {"type": "user.notice", "user": UUID(bob.user_id).hex})

    await story[0].request("signal", room=room, name="x", data=1)
    await say(ada, room, 1)  # on the bus it is behind the signal
    server.call(from_the_bus(own))
    server.call(from_the_bus("another"))
    await passed(story[0], story[2])
    assert [hint["name"] for hint in hints(story[2])][:-1] == ["x", "other", "other"]
    assert seqs(story[2], room) == [4]


@pytest.mark.daphne_cannot("slow")
async def test_a_reader_who_does_not_read_loses_hints_and_no_event(settings, server, ada, bob, room, connect):
    """Hints alone are never why it is closed, and take no space from what has to arrive."""
    settings.SOCKET_STALL_S = 60
    sender, slow = await connect(ada), await connect(bob, receive_buffer=4_096)
    for socket in (sender, slow):
        await subscribe(socket, room)
    slow._connection.transport.pause_reading()
    data = "x" * 4_000
    asks = [await sender.ask("signal", room=room, name="x", data=data) for _ in range(1_000)]  # 4 MB
    await asyncio.gather(*asks)
    transport = consumer_of(server, bob).outbox._transport
    assert 0 < transport.waiting() <= settings.SOCKET_HINTS_MAX_BYTES + 5_000
    await say(ada, room, 30)
    assert not consumer_of(server, bob).outbox.closing
    slow._connection.transport.resume_reading()
    await slow.find(lambda frame: frame.get("seq") == 33)
    assert seqs(slow, room) == list(range(4, 34))
    assert 0 < len(hints(slow)) < 1_000
    await sender.request("signal", room=room, name="again")
    await slow.find(lambda frame: frame.get("name") == "again")


async def test_on_a_slow_bus_hints_leave_half_of_the_queue_to_events(settings, server, room, monkeypatch):
    settings.BUS_QUEUE_MAX_BYTES = 1_000
    monkeypatch.setattr(publisher, "_alone", False)

    async def fill():
        publisher._bytes = 0
        for _ in range(20):
            publisher.put("room.x", {"type": "room.hint"}, 100, hint=True)
        after_hints = publisher._bytes
        for _ in range(20):
            publisher.put("room.x", {"type": "room.events"}, 100)
        after_events = publisher._bytes
        publisher._queue.clear()
        publisher._new.clear()
        publisher._bytes = 0
        return after_hints, after_events

    assert server.call(fill()) == (600, 1_100)
