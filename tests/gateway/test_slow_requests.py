"""Five hundred clients that begin and do not go on: each is cut off in its time, and nobody else waits (FAULTS B13)."""

import asyncio
import contextlib
import itertools
import random
import time

import pytest

from tests.faults.periods import REAL
from tests.faults.traffic import percentile
from tests.figures import in_seconds
from tests.gateway.raw_frames import RawSocket, handshake
from tests.gateway.raw_line import transactional_db  # noqa: F401  a fixture
from tests.gateway.waiting import until

MANY = 500
LIMIT_S = 2.0
SLACK_S = 2.0
SPREAD_S = 1.0  # over which they come
ACCEPT_S = 0.2  # FAULTS B13; or twice what it is while as many others come who behave
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
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


async def trickle(line, begun, rest, limit_s):
    """How long the server bears it; it should for `limit_s`."""
    await asyncio.sleep(random.random() * SPREAD_S)
    began = time.monotonic()
    raw = await RawSocket.dial(line)
    raw.writer.write(begun)
    ended = asyncio.ensure_future(raw.reader.read())
    piece = 6 if b"\r\n" in rest else 1
    try:
        while not (await asyncio.wait([ended], timeout=0.25))[0] and time.monotonic() - began < limit_s + 8:
            raw.writer.write(rest[:piece])
            rest = rest[piece:]
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(ended, 5)
        return time.monotonic() - began
    finally:
        raw.cut()


async def ask_and_go(line):
    """As they should."""
    await asyncio.sleep(random.random() * SPREAD_S)
    raw = await RawSocket.dial(line)
    raw.writer.write(WHOLE)
    assert b" 200 " in await raw.reader.read()
    raw.cut()


async def accepts(line, others):
    """While these go on, the seconds in which new sockets are there, from the first byte to `welcome`; and their results."""
    took_s = []
    waiting = asyncio.gather(*others)
    while not waiting.done() and len(took_s) < 300:
        began = time.monotonic()
        async with await RawSocket.open(line, line.token):
            took_s.append(time.monotonic() - began)
        await asyncio.sleep(0.005)
    return percentile(took_s, 99), await waiting


@pytest.mark.fault("five hundred clients that begin a request and do not go on")
async def test_slow_clients_are_cut_off_in_time_and_nobody_waits_for_them(line, settings, record_property):
    if not REAL:
        settings.REQUEST_HEAD_S = settings.REQUEST_BODY_S = LIMIT_S
    connections, most = line._server.server_state.connections, 0
    calm_s, _ = await accepts(line, [ask_and_go(line) for _ in range(MANY)])
    await until(lambda: not connections, "nothing of them stays", 10)
    limits_s = {
        kind: settings.REQUEST_BODY_S if begun == BODY else settings.REQUEST_HEAD_S
        for kind, (begun, _) in SLOW.items()
    }

    async def count():
        nonlocal most
        while most < 0.9 * MANY:
            most = max(most, len(connections))
            await asyncio.sleep(0.05)

    counting = asyncio.create_task(count())
    kinds = itertools.islice(itertools.cycle(SLOW), MANY)
    p99_s, borne_s = await accepts(line, [trickle(line, *SLOW[kind], limits_s[kind]) for kind in kinds])
    counting.cancel()
    for number, (kind, limit_s) in enumerate(limits_s.items()):
        of_kind = borne_s[number :: len(SLOW)]
        assert min(of_kind) > limit_s * 0.9, kind
        assert max(of_kind) < limit_s + SLACK_S, kind
    in_seconds(record_property, "the longest was borne for", max(borne_s))
    in_seconds(record_property, "others' new sockets p99", p99_s, calm_s=calm_s)
    assert most >= 0.9 * MANY
    assert p99_s < max(ACCEPT_S, 2 * calm_s)
    await until(lambda: not connections, "nothing of them stays", 10)
