"""A thousand sockets in one room of a server on SQLite and memory: its loop is never held up."""

import asyncio
import base64
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.client.rest import Rest
from tests.faults.embedded import embedded
from tests.faults.traffic import Traffic, by_rest
from tests.faults.watched import census
from tests.figures import Record, in_seconds

pytestmark = [pytest.mark.faults, pytest.mark.slow]

PEOPLE, EACH = 50, 20
AT_ONCE = 50
PER_S, FOR_S = 10, 5
LATE_MS = 100  # channels' own layer in memory takes as long for each broadcast to a thousand
PASSWORD = "correct horse battery staple 7"
CREATED = b'"message.created"'


class Listener(asyncio.Protocol):
    """A WebSocket on a room's URL that counts the messages it is sent, and says nothing."""

    def __init__(self, request: bytes) -> None:
        self.messages = 0
        self.open = asyncio.get_running_loop().create_future()
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if b'"subscribed"' in data and not self.open.done():
            self.open.set_result(None)
        self.messages += data.count(CREATED)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(ConnectionError("refused"))


async def _listen(url: str, room: str, token: str) -> Listener:
    host, _, port = url.removeprefix("http://").partition(":")
    request = (
        f"GET /ws/v1/rooms/{room}/ HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    _, listener = await asyncio.get_running_loop().create_connection(
        lambda: Listener(request), host, int(port)
    )
    await listener.open
    return listener


@pytest.mark.fault("a thousand sockets in one room of a server on SQLite and memory")
async def test_a_broadcast_to_a_thousand_holds_up_nobody(tmp_path: Path, record_property: Record) -> None:
    await say_much(tmp_path, record_property, {})


async def say_much(folder: Path, record_property: Record, settings: Mapping[str, str]) -> None:
    """AssertionError unless the server's loop goes on while many are told something ten times a second."""
    log = folder / "log"
    with embedded(folder, log, settings={"WATCH_LOOP": "1", **settings}) as (url, pid):
        late_ms = await _late_ms(url, lambda: census(pid, folder / "log.census")["late_ms"])
    in_seconds(record_property, "the loop was late by", late_ms / 1e3)
    assert late_ms <= LATE_MS, f"the loop was {late_ms} ms late"


async def _late_ms(url: str, asked: Callable[[], int]) -> int:
    people = [Rest(url) for _ in range(PEOPLE)]
    for number, person in enumerate(people):
        await person.register(f"person{number}", PASSWORD)
    ada = people[0]
    room = (await ada.create_room(members=[person.user_id for person in people[1:]]))["id"]
    gate = asyncio.Semaphore(AT_ONCE)

    async def listen(person: Rest) -> Listener:
        async with gate:
            return await _listen(url, room, person.access)

    tokens = [person for person in people for _ in range(EACH)][1:]
    listeners = await asyncio.gather(*(listen(person) for person in tokens))

    await asyncio.to_thread(asked)
    traffic = Traffic(room, [by_rest(person) for person in people[:4]], PER_S).start(PER_S * FOR_S)
    await traffic.finish()
    late_ms = await asyncio.to_thread(asked)
    async with asyncio.timeout(10):
        while min(listener.messages for listener in listeners) < PER_S * FOR_S:  # noqa: ASYNC110 - they tell nobody
            await asyncio.sleep(0.05)

    assert not traffic.failed, traffic.failed[:3]
    assert {listener.messages for listener in listeners} == {PER_S * FOR_S}
    for listener in listeners:
        listener.transport.abort()
    for person in people:
        await person.close()
    return late_ms
