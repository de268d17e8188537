"""Frames that never end, on any server: the line does, in time, and memory stays as it is (FAULTS B9)."""

import asyncio
import contextlib
import time

import pytest

from tests.figures import in_mib, in_seconds
from tests.gateway.raw_frames import CONT, PING, TEXT, RawSocket, frame, text
from tests.gateway.raw_line import transactional_db  # noqa: F401  a fixture
from tests.gateway.test_mutated_frames import rss_bytes

RSS_MAX_BYTES = 20_000_000  # FAULTS A12, B9
ENDED_S = 5.0


async def flood(raw, first, more, times, within_s=None):
    """What the line ends with, None where it does not `within_s`; and after how long."""
    began = time.monotonic()

    async def write():
        with contextlib.suppress(OSError):
            await raw.send(first)
            for _ in range(times):
                await raw.send(more)

    writing, ending = asyncio.create_task(write()), None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            ending = await raw.end()
    took_s = time.monotonic() - began
    await asyncio.wait([writing], timeout=60)  # a line that does not end takes all of it
    writing.cancel()
    return ending, took_s


FLOODS = {
    "a length of 2^62": (frame(TEXT, declared=2**62), b"x" * 50_000, 200),
    "a continuation of 2^62": (text(b"{", fin=False) + frame(CONT, declared=2**62), b"x" * 50_000, 200),
    "fragments without end": (text(b"{", fin=False), frame(CONT, b"x" * 10_000, fin=False), 200),
    "small fragments without end": (text(b"{", fin=False), frame(CONT, b"x", fin=False) * 100, 200),
    "empty fragments without end": (text(b"", fin=False), frame(CONT, b"", fin=False) * 100, 200),
    "pings without end": (b"", frame(PING, b"x" * 125) * 100, 200),
}
# Of more than daphne takes in one frame; it has no bound on the others.
LARGE = ("a length of 2^62", "a continuation of 2^62", "fragments without end")


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
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, id=name, marks=[] if name in LARGE else pytest.mark.daphne_cannot("bounds"))
        for name, kind in FLOODS.items()
    ],
)
async def test_a_flood_on_ten_sockets_ends_in_time_and_in_no_memory(line, other, kind, record_property):
    assert await flooded(line, line.token, [kind] * 10, record_property) == []
