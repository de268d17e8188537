"""Five hundred clients that begin and do not go on: each is cut off in its time, and nobody else waits (FAULTS B13)."""

import asyncio
import contextlib
import itertools
import math
import random
import time

from tests.gateway.raw_frames import RawSocket, handshake
from tests.gateway.raw_line import transactional_db  # noqa: F401  a fixture
from tests.gateway.waiting import until

MANY = 500
LIMIT_S = 2.0
SLACK_S = 2.0
SPREAD_S = 1.0  # over which they come
ACCEPT_S = 0.2  # FAULTS B13
BODY = (
    b"POST /api/v1/auth/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n"
)
SLOW = {
    "half a handshake": (handshake()[:120], b""),
    "nothing": (b"", b""),
    "headers byte by byte": (b"GET /ws/v1/ HTTP/1.1\r\n", b"X-Slow: " + b"x" * 200),
    "headers line by line": (handshake()[:-2], b"X: x\r\n" * 40),
    "a body byte by byte": (BODY, b"{" + b" " * 200),
    "a body without a byte": (BODY, b""),
}


async def trickle(line, begun, rest):
    """How long the server bears it."""
    await asyncio.sleep(random.random() * SPREAD_S)
    began = time.monotonic()
    raw = await RawSocket.dial(line)
    raw.writer.write(begun)
    ended = asyncio.ensure_future(raw.reader.read())
    piece = 6 if b"\r\n" in rest else 1
    try:
        while not (await asyncio.wait([ended], timeout=0.25))[0] and time.monotonic() - began < 10:
            raw.writer.write(rest[:piece])
            rest = rest[piece:]
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(ended, 5)
        return time.monotonic() - began
    finally:
        raw.cut()


async def test_slow_clients_are_cut_off_in_time_and_nobody_waits_for_them(line, settings):
    settings.REQUEST_HEAD_S = settings.REQUEST_BODY_S = LIMIT_S
    connections = line._server.server_state.connections
    before = len(connections)
    kinds = itertools.islice(itertools.cycle(SLOW.values()), MANY)
    slow = [asyncio.create_task(trickle(line, begun, rest)) for begun, rest in kinds]
    accepts_s, most = [], 0
    while not all(each.done() for each in slow) and len(accepts_s) < 300:
        began = time.monotonic()
        async with await RawSocket.open(line, line.token):
            accepts_s.append(time.monotonic() - began)
        most = max(most, len(connections) - before)
        await asyncio.sleep(0.005)
    borne_s = await asyncio.gather(*slow)
    for number, kind in enumerate(SLOW):
        assert min(borne_s[number :: len(SLOW)]) > LIMIT_S * 0.9, kind
        assert max(borne_s[number :: len(SLOW)]) < LIMIT_S + SLACK_S, kind
    accepts_s.sort()
    assert len(accepts_s) > 30
    assert most > 0.9 * MANY
    assert accepts_s[-1 - math.ceil(len(accepts_s) / 100)] < ACCEPT_S, accepts_s[-5:]
    await until(lambda: len(connections) <= before, "nothing of them stays")
