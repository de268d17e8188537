"""How much of an answer a reader must take, and by when. The network is played: what it takes is the test's to say."""

import asyncio

import pytest
from uvicorn.server import ServerState

from gateway.http_protocol import ParleyHttpProtocol
from gateway.server import server_config

STALL_S = 0.05
WANTED = 1_000  # bytes over that time


class Line(asyncio.Transport):
    """A transport whose peer takes what it is told to."""

    def __init__(self):
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.waiting = 0
        self.cut = asyncio.Event()

    def get_write_buffer_size(self):
        return self.waiting

    def is_closing(self):
        return self.cut.is_set()

    def abort(self):
        self.cut.set()

    def close(self):
        """Once all is taken, as real ones do."""


@pytest.fixture
async def line(settings):
    settings.RESPONSE_STALL_S = STALL_S
    settings.RESPONSE_MIN_BYTES_PER_S = int(WANTED / STALL_S)
    return Line()


@pytest.fixture
def protocol(line):
    made = ParleyHttpProtocol(server_config(), ServerState(), {})
    made.connection_made(line)
    yield made
    made.connection_lost(None)


async def was_cut(line):
    """Within three times the stall."""
    try:
        async with asyncio.timeout(3 * STALL_S):
            await line.cut.wait()
    except TimeoutError:
        return False
    return True


async def takes(line, number, every_s=STALL_S / 5):
    """The reader takes so many bytes each time, as long as it is let."""
    while line.waiting > 0 and not line.cut.is_set():
        await asyncio.sleep(every_s)
        line.waiting -= min(number, line.waiting)


@pytest.mark.parametrize(
    ("number", "cut"), [(0, True), (1, True), (WANTED // 10, True), (WANTED, False)], ids=str
)
async def test_of_an_answer_that_waits_enough_is_to_be_taken(line, protocol, number, cut):
    line.waiting = 100 * WANTED
    protocol.pause_writing()
    reader = asyncio.create_task(takes(line, number))
    assert await was_cut(line) == cut
    reader.cancel()


async def test_a_reader_who_has_caught_up_is_waited_for_anew(line, protocol):
    for _ in range(4):
        line.waiting = 2 * WANTED
        protocol.pause_writing()
        await asyncio.sleep(STALL_S / 2)
        line.waiting = 0
        protocol.resume_writing()
    assert not await was_cut(line)


@pytest.mark.parametrize(("number", "cut"), [(0, True), (1, True), (WANTED // 4, False)], ids=str)
async def test_the_end_of_an_answer_is_to_be_taken_too(line, protocol, number, cut):
    """What lies below the mark at which the transport stops the application: nothing else would look at it."""
    line.waiting = WANTED // 2
    protocol.on_response_complete()
    reader = asyncio.create_task(takes(line, number))
    assert await was_cut(line) == cut
    reader.cancel()


async def test_what_was_taken_at_once_is_not_looked_at(line, protocol):
    protocol.on_response_complete()
    line.waiting = WANTED  # a later answer, of which nobody asks before it is complete
    assert not await was_cut(line)
