"""Floods of bytes: what is begun and never ended, and more frames than are taken (FAULTS A12, B9). Memory stays as it is."""

import asyncio
import contextlib
import time

import pytest

from tests.figures import in_mib, in_seconds
from tests.gateway.raw_frames import CONT, PING, TEXT, RawSocket, frame, text
from tests.gateway.raw_line import ANSWER, ASK, transactional_db  # noqa: F401  a fixture
from tests.gateway.test_mutated_frames import rss_bytes

RSS_MAX_BYTES = 20_000_000  # FAULTS A12, B9
ENDED_S = 5.0
PADDED = text(ASK[:-1] + b',"x":"' + b"x" * 100_000 + b'"}')


async def flood(raw, first, more, times, within_s=None):
    """What the line ends with, None where it does not `within_s`; and after how long."""
    began = time.monotonic()

    async def write():
        with contextlib.suppress(OSError):
            await raw.send(first)
            for _ in range(times):
                await raw.send(more)

    writing = asyncio.create_task(write())
    try:
        async with asyncio.timeout(within_s):
            ending = await raw.end()
        await writing
    except TimeoutError:
        ending = None
        writing.cancel()
    return ending, time.monotonic() - began


FLOODS = {
    "a length of 2^62": (frame(TEXT, declared=2**62), b"x" * 50_000, 200),
    "a continuation of 2^62": (text(b"{", fin=False) + frame(CONT, declared=2**62), b"x" * 50_000, 200),
    "fragments without end": (text(b"{", fin=False), frame(CONT, b"x" * 10_000, fin=False), 200),
    "small fragments without end": (text(b"{", fin=False), frame(CONT, b"x", fin=False) * 100, 200),
    "empty fragments without end": (text(b"", fin=False), frame(CONT, b"", fin=False) * 100, 200),
    "pings without end": (b"", frame(PING, b"x" * 125) * 100, 200),
}


async def flooded(server, token, floods, record_property):
    """What of the bounds is not kept while each of these comes on a socket of its own."""
    before = rss_bytes()
    raws = [await RawSocket.open(server, token) for _ in floods]
    ended = await asyncio.gather(
        *(flood(raw, *each, ENDED_S) for raw, each in zip(raws, floods, strict=True))
    )
    gained = rss_bytes() - before
    in_mib(record_property, "memory", gained)
    in_seconds(record_property, "all ended after", max(took_s for _, took_s in ended))
    wrong = [
        f"{ending or 'not ended'}" for ending, _ in ended if ending is None or ending.code not in (1009, None)
    ]
    for raw in raws:
        raw.cut()
    return wrong + ["memory"] * (gained >= RSS_MAX_BYTES)


@pytest.mark.fault("ten sockets flood")
@pytest.mark.parametrize("kind", FLOODS.values(), ids=FLOODS)
async def test_a_flood_on_ten_sockets_ends_in_time_and_in_no_memory(line, other, kind, record_property):
    assert await flooded(line, line.token, [kind] * 10, record_property) == []


async def test_what_is_begun_and_never_ended_takes_no_more_than_a_frame_each(line, other):
    before = rss_bytes()
    raws = [await RawSocket.open(line, line.token) for _ in range(50)]
    for raw in raws:
        await raw.send(
            text(b"{", fin=False), frame(CONT, b"x" * 100_000, fin=False), frame(CONT, b"x" * 9)[:-1]
        )
        await raw.send(frame(PING, b"alive")[:-1])
    assert rss_bytes() - before < RSS_MAX_BYTES
    for raw in raws:
        raw.cut()


@pytest.mark.fault("3,000 frames of 100 kB")
async def test_large_frames_without_end_are_refused_and_then_closed(line, other, narrow, record_property):
    """Of 3,000 of 100 kB each."""
    narrow(FRAMES_BURST=200, FRAMES_PER_S=100)
    assert await large_ones(line, line.token, 3_000, record_property) == []


async def large_ones(server, token, number, record_property, within_s=None):
    """What of the bounds is not kept when so many large frames come on one socket."""
    before = rss_bytes()
    async with await RawSocket.open(server, token) as raw:
        ending, _ = await flood(raw, b"", PADDED, number, within_s)
    gained = rss_bytes() - before
    in_mib(record_property, "memory", gained)
    wrong = ["memory"] * (gained >= RSS_MAX_BYTES)
    if ending is None or ending.code != 4429 or ending.errors[-1] != "rate_limited":
        return [*wrong, "not closed for it"]
    assert ANSWER in ending.frames
    return wrong


TINY = frame(TEXT) * 40_000
ANSWERED_S = 0.5


@pytest.mark.parametrize("closed", [True, False], ids=["closed for them", "too many a second"])
async def test_nobody_waits_for_a_flood_of_tiny_frames(line, other, settings, narrow, closed):
    """The line of who was closed is not read any more, and cut after SOCKET_CLOSE_S."""
    settings.SOCKET_CLOSE_S = 1.0
    settings.BAD_FRAMES_PER_MINUTE = 10 if closed else 1_000_000
    narrow(FRAMES_BURST=200, FRAMES_PER_S=100)
    async with await RawSocket.open(line) as raw:
        raw.writer.transport.set_write_buffer_limits(0)
        flooding = asyncio.create_task(flood(raw, b"", TINY, 100))
        took_s = []
        while not flooding.done():
            began = time.monotonic()
            await other.send(text(ASK))
            assert await other.next() == ANSWER
            took_s.append(time.monotonic() - began)
            await asyncio.sleep(0.01)
        ending, ended_s = await flooding
    assert max(took_s) < ANSWERED_S
    assert ending.code == (4400 if closed else 4429)
    assert ended_s < settings.SOCKET_CLOSE_S + ENDED_S
