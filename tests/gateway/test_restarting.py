"""A server that stops answers what is under way, then tells its sockets to come back."""

import asyncio
from uuid import UUID

import pytest
from django.db import connection, transaction

from gateway.runtime import close_sockets
from rooms import log
from tests.client.socket import Socket
from tests.gateway.wire import Wire

pytestmark = pytest.mark.django_db(transaction=True)


class HeldRoom:
    """The room's row is locked, so that whoever writes into it waits."""

    def __init__(self, room):
        self._room = UUID(room)
        self._release = asyncio.Event()

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        held = loop.create_future()

        def hold():
            with transaction.atomic():
                log.lock_rooms([self._room])
                loop.call_soon_threadsafe(held.set_result, None)
                asyncio.run_coroutine_threadsafe(self._release.wait(), loop).result(10)
            connection.close()

        self._holding = loop.run_in_executor(None, hold)
        await asyncio.wait_for(held, 10)
        return self

    def let_go(self):
        self._release.set()

    async def __aexit__(self, *_):
        self.let_go()
        await self._holding


async def test_a_send_under_way_is_acknowledged_before_its_socket_is_closed(server, ada, room):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        async with HeldRoom(room) as held:
            await wire.send({"type": "message.send", "id": 1, "room": room, "client_id": "a", "body": "hi"})
            await wire.send({"type": "ping", "id": 2})
            assert (await wire.next())["type"] == "pong"  # so the send was taken, too
            closing = asyncio.ensure_future(asyncio.to_thread(server.call, close_sockets()))
            await wire.send({"type": "ping", "id": 3})
            held.let_go()
            frames, code = await wire.ends()
        await closing
    assert [frame["type"] for frame in frames if frame["type"] != "pong"] == ["ack", "error"]
    assert frames[-1]["code"] == "restarting"
    assert code == 1012
    assert [message["client_id"] for message in (await ada.page(room))["results"]] == ["a"]


async def test_a_frame_that_hangs_holds_no_stop_up(server, ada, room, settings):
    settings.SOCKET_CLOSE_S = 0.2
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        async with HeldRoom(room):
            await wire.send({"type": "message.send", "id": 1, "room": room, "client_id": "a", "body": "hi"})
            await wire.ask({"type": "ping", "id": 2})
            await asyncio.to_thread(server.call, close_sockets())
            frames, code = await wire.ends()
            assert ([frame["code"] for frame in frames], code) == (["restarting"], 1012)


async def test_many_sockets_are_closed_spread_over_a_while(server, ada, settings):
    """So that they do not all come back at one moment."""
    settings.SOCKET_CLOSE_SPREAD_S = 0.5
    sockets = [await Socket.connect(server.http, ada.access) for _ in range(100)]
    times = []

    async def ends(socket):
        ending = await socket.wait_closed()
        times.append(asyncio.get_running_loop().time())
        assert (ending.code, ending.why) == (1012, "restarting")

    await asyncio.gather(asyncio.to_thread(server.call, close_sockets()), *map(ends, sockets))
    assert max(times) - min(times) > 0.25


@pytest.mark.parametrize("room_url", [False, True])
async def test_who_has_not_said_who_they_are_is_told_too(server, room, room_url):
    url = f"{server.ws}rooms/{room}/" if room_url else server.ws
    async with await Wire.open(url) as stranger, await Wire.open(url) as refused:
        await stranger.ask({"type": "ping", "id": 1})
        await refused.send({"type": "auth", "id": 1, "token": "nonsense"})
        assert (await refused.ends())[1] == 4401
        await asyncio.to_thread(server.call, close_sockets())
        frames, code = await stranger.ends()
    assert ([frame["code"] for frame in frames], code) == (["restarting"], 1012)


async def test_who_is_gone_before_saying_who_they_are_is_not_waited_for(server, settings):
    settings.SOCKET_CLOSE_S = 60.0
    async with await Wire.open(server.ws) as stranger:
        await stranger.ask({"type": "ping", "id": 1})
    async with asyncio.timeout(5):
        await asyncio.to_thread(server.call, close_sockets())
