"""What one client may pile up at a server's: control frames, fragments, waiting frames, rooms that are not theirs."""

import asyncio
import threading
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from gateway import socket_rooms
from gateway.runtime import runtime
from realtime import groups
from tests.gateway.inside import consumer_of
from tests.gateway.test_mutated_frames import rss_bytes
from tests.gateway.test_subscribe import say
from tests.gateway.waiting import until
from tests.gateway.wire import Wire

RSS_MAX_BYTES = 20_000_000  # FAULTS A12


async def test_control_frames_beyond_the_limit_cut_the_line(settings, server, ada):
    settings.SOCKET_CONTROLS_PER_S = 50
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for _ in range(40):
            await wire.connection.ping()
        assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}

        async def flood():
            for _ in range(500):
                await wire.connection.pong()
                await asyncio.sleep(0)
            await wire.connection.recv()

        with pytest.raises(ConnectionClosed):
            await flood()
        assert wire.connection.close_code == 1006


async def test_fragments_beyond_the_limit_cut_the_line_and_fewer_are_one_frame(settings, server, ada):
    settings.SOCKET_FRAGMENTS_MAX = 50
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for _ in range(3):
            await wire.connection.send(['{"type":"ping","id":1}'[i] for i in range(22)])
            assert await wire.next() == {"type": "pong", "id": 1}

        async def flood():
            await wire.connection.send(["x", *[""] * 500])
            await wire.connection.recv()

        with pytest.raises(ConnectionClosed):
            await flood()
        assert wire.connection.close_code == 1006


async def test_answers_to_pings_do_not_pile_up_for_a_reader_who_reads_nothing(server, ada):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        protocol = consumer_of(server, ada).outbox._transport._protocol

        async def writable(now):
            (protocol.writable.set if now else protocol.writable.clear)()

        server.call(writable(False))  # as uvicorn has it while more waits than is good
        waiters = [await wire.connection.ping(str(number)) for number in range(60)]
        await until(lambda: protocol._controls >= 60, "all are there")
        server.call(writable(True))
        await asyncio.wait_for(await wire.connection.ping("last"), 5)  # and with it all before it
        assert protocol._pongs_ahead == 1
        assert all(waiter.done() for waiter in waiters)


async def test_a_client_is_not_read_further_than_its_waiting_bytes_allow(
    settings, server, ada, room, monkeypatch
):
    settings.SOCKET_INBOX_MAX_BYTES = 50_000
    held = threading.Event()
    real = socket_rooms.places
    monkeypatch.setattr(socket_rooms, "places", lambda **query: held.wait(10) and real(**query))
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        await wire.send({"type": "subscribe", "id": 0, "rooms": [{"room": room}]})
        for number in range(1, 31):
            await wire.send({"type": "unsubscribe", "id": number, "rooms": ["x" * 10_000]})
        inbox = consumer_of(server, ada).reader.inbox
        await until(lambda: not inbox._space.is_set(), "it stops reading")
        assert inbox._bytes < 70_000
        held.set()
        assert [(await wire.next())["id"] for _ in range(31)] == list(range(31))
        await until(lambda: inbox._bytes == 0, "it counts none that was answered")


async def flood_behind_a_held_command(server, ada, room, monkeypatch):
    """What waits here of 400 frames of 100 kB, in bytes, and what memory that costs. In the end all are answered."""
    held = threading.Event()
    real = socket_rooms.places
    monkeypatch.setattr(socket_rooms, "places", lambda **query: held.wait(60) and real(**query))
    frames, taken = 400, []
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        inbox = consumer_of(server, ada).reader.inbox
        put = inbox.put
        inbox.put = lambda *frame, **how: (taken.append(1), put(*frame, **how))

        async def flood():
            for number in range(1, frames + 1):
                await wire.send({"type": "unsubscribe", "id": number, "rooms": ["x" * 100_000]})

        await wire.send({"type": "subscribe", "id": 0, "rooms": [{"room": room}]})
        before = rss_bytes()
        flooding = asyncio.create_task(flood())
        await until(
            lambda: not inbox._space.is_set() or len(taken) > frames, "it stops reading, or has all", 30
        )
        gained, waiting = rss_bytes() - before, inbox._bytes
        held.set()
        assert [(await wire.next())["id"] for _ in range(frames + 1)] == list(range(frames + 1))
        await flooding
    return waiting, gained


async def test_a_flood_behind_a_held_command_waits_at_the_clients_end(server, ada, room, monkeypatch):
    """Of 40 MB, half a megabyte may wait here, and the frame that is more (FAULTS A12)."""
    waiting, gained = await flood_behind_a_held_command(server, ada, room, monkeypatch)
    assert waiting < 700_000
    assert gained < RSS_MAX_BYTES


@pytest.mark.slow
async def test_without_the_bound_on_what_waits_a_flood_is_taken_in_whole(
    settings, server, ada, room, monkeypatch
):
    """The twin."""
    settings.SOCKET_INBOX_MAX_FRAMES = settings.SOCKET_INBOX_MAX_BYTES = 2**40
    waiting, _ = await flood_behind_a_held_command(server, ada, room, monkeypatch)
    assert waiting > RSS_MAX_BYTES


async def test_rooms_that_are_not_ones_own_are_not_joined_on_the_bus(
    server, ada, bob, eve, room, monkeypatch
):
    joined = []
    bus = server.runtime().hub.bus
    real = bus.join

    async def join(group):
        joined.append(group)
        await real(group)

    monkeypatch.setattr(bus, "join", join)
    public = (await ada.create_room("public"))["id"]
    async with await Wire.open(server.ws, eve.access) as wire:
        await wire.next()
        asked = [room, public, *(str(uuid4()) for _ in range(20))]
        answer = await wire.ask({"type": "subscribe", "id": 1, "rooms": [{"room": key} for key in asked]})
        assert [each["code"] for each in answer["data"]["rooms"]] == ["not_found", "not_a_member"] + 20 * [
            "not_found"
        ]
        answer = await wire.ask(
            {"type": "subscribe", "id": 1, "rooms": "all", "since": dict.fromkeys(asked, 1)}
        )
        assert len(answer["data"]["rooms"]) == 22
        assert joined == [groups.user(consumer_of(server, eve).user_id)]
    async with await Wire.open(server.ws, bob.access) as wire:
        await wire.next()
        await wire.ask({"type": "subscribe", "id": 1, "rooms": [{"room": key} for key in asked]})
        assert len(joined) == 3  # bob, and the room he is in


@pytest.mark.parametrize("number", [1, 20])
async def test_subscribing_reads_memberships_twice_for_rooms_new_to_the_process_else_once(
    ada, connect, monkeypatch, number
):
    reads = []
    real = socket_rooms.places
    monkeypatch.setattr(socket_rooms, "places", lambda **query: reads.append(query) or real(**query))
    rooms = [{"room": (await ada.create_room())["id"]} for _ in range(number)]
    for expected in (2, 3, 4):
        socket = await connect(ada)
        await socket.request("subscribe", rooms=rooms)
        assert len(reads) == expected


async def test_what_is_left_out_of_all_is_bounded(settings, server, ada, room):
    settings.SOCKET_MAX_ROOMS = 30
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        await wire.ask({"type": "subscribe", "id": 1, "rooms": "all"})
        for _ in range(5):
            ids = [str(uuid4()) for _ in range(20)]
            assert (await wire.ask({"type": "unsubscribe", "id": 2, "rooms": ids}))["type"] == "ack"
        await wire.ask({"type": "unsubscribe", "id": 3, "rooms": [room]})
        excluded = consumer_of(server, ada).rooms._excluded
        assert len(excluded) == 31
        assert room in map(str, excluded)


async def test_nothing_is_carried_out_for_a_socket_that_is_being_closed(server, ada, bob, room, connect):
    """Not even where the reader does not take the close."""
    async with await Wire.open(server.ws, bob.access) as wire:
        await wire.next()
        consumer = consumer_of(server, bob)
        dispatched, real = [], consumer.dispatch

        async def dispatch(message):
            await real(message)
            dispatched.append(message)

        async def held(message):
            await asyncio.Event().wait()

        async def close():
            consumer.dispatch = dispatch
            consumer.outbox._send = held  # the close does not get through
            consumer.ended("session_ended")

        server.call(close())
        for number in range(20):
            await wire.send(
                {"type": "message.send", "room": room, "client_id": f"late-{number}", "body": "x"}
            )
            await wire.send({"type": "read", "room": room, "seq": 3})
        assert (await wire.next())["code"] == "session_ended"
        await until(lambda: len(dispatched) == 40, "all have come")
    await say(ada, room, 1)
    assert [message["seq"] for message in await ada.history(room)] == [4]


def test_the_runtime_of_a_test_is_the_servers():
    """What the tests above look at is not a second one."""
    with pytest.raises(RuntimeError):
        runtime()
