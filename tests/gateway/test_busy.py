"""A command that takes long, with more frames behind it: answers to the server's pings are read all the same (A20)."""

import asyncio
import threading

import pytest

from gateway import socket_rooms
from gateway.reader import FrameReader
from tests.gateway.inside import consumer_of
from tests.gateway.waiting import until
from tests.live import LiveServer

PINGS = 3
TIMEOUT_S = 3.0


@pytest.fixture
def server(transactional_db, settings):
    """One that pings more often than any other, and gives up who does not answer within TIMEOUT_S."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.SOCKET_PING_S, settings.SOCKET_PING_TIMEOUT_S = 0.1, TIMEOUT_S
    live = LiveServer()
    live.start()
    yield live
    live.stop()


async def busy(server, ada, room, connect, monkeypatch):
    """How often the server's pings are answered while a command is held, up to PINGS; and how the socket ended by then."""
    held, begun = threading.Event(), threading.Event()
    real = socket_rooms.places

    def places(**query):
        begun.set()
        assert held.wait(60)
        return real(**query)

    socket = await connect(ada)
    line = consumer_of(server, ada).outbox._transport._protocol
    monkeypatch.setattr(socket_rooms, "places", places)
    try:
        waiting = await socket.ask("subscribe", rooms=[{"room": room}])
        behind = [await socket.ask("read", room=room, seq=1) for _ in range(3)]
        await until(begun.is_set, "the command is carried out", 10)
        pinged = {line.ping_sent_at}

        def over():
            pinged.add(line.ping_sent_at)  # the next one is sent when this one has been answered
            return len(pinged) > PINGS or socket.ending

        await until(over, "answered often enough, or given up", 60)
    finally:
        held.set()
    ending = socket.ending
    said = await asyncio.gather(waiting, *behind, return_exceptions=True)
    assert ending or not any(isinstance(each, BaseException) for each in said)
    return len(pinged) - 1, ending


async def test_a_socket_whose_command_takes_long_is_not_taken_for_dead(
    server, ada, room, connect, monkeypatch
):
    answered, ending = await busy(server, ada, room, connect, monkeypatch)
    assert (answered, ending) == (PINGS, None)


@pytest.mark.slow
async def test_a_reader_that_awaits_each_command_takes_its_socket_for_dead(
    server, ada, room, connect, monkeypatch
):
    """The twin: no frame is taken while a command is carried out, as in a consumer that awaits its handlers."""

    async def take(self, text):
        self._read(text)
        await until(lambda: not self.inbox._under_way, "it has ended", 60)

    monkeypatch.setattr(FrameReader, "take", take)
    answered, ending = await busy(server, ada, room, connect, monkeypatch)
    assert answered < PINGS
    assert ending.code in (1006, 1011)
