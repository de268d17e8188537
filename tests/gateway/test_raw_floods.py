"""Frames that are begun and never ended, and more of them than are taken (FAULTS A12). Memory stays as it is."""

import asyncio
import time

import pytest

from tests.figures import in_mib
from tests.gateway.raw_frames import CONT, PING, TEXT, RawSocket, frame, text
from tests.gateway.raw_line import ANSWER, ASK, transactional_db  # noqa: F401  a fixture
from tests.gateway.test_endless_frames import ENDED_S, RSS_MAX_BYTES, flood
from tests.gateway.test_mutated_frames import rss_bytes

PADDED = text(ASK[:-1] + b',"x":"' + b"x" * 100_000 + b'"}')


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
