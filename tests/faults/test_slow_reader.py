"""A long resume by a slow reader, while the room goes on: never closed, everything in order."""

import asyncio
import secrets
from functools import partial

import pytest

from tests.client.resuming import ResumingClient
from tests.client.socket import Socket
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.traffic import Traffic
from tests.figures import Record, in_all, in_seconds

pytestmark = pytest.mark.faults

CHARACTERS = 8_000  # docs/rest.md: the most a message holds
PER_S = 50  # short messages meanwhile
FILLERS = 12
FILL_PER_S = {400: 500, 1_000: 500, 5_000: 216}  # within a burst of 100 each; below 20 a second each
RECEIVE_BUFFER = 16 * 1024


@pytest.mark.fault("a slow reader with a long replay")
@pytest.mark.parametrize(
    ("events", "bits_per_s"),
    [
        pytest.param(400, 4e6, id="400 at 4 Mbit/s"),
        pytest.param(1_000, 4e6, id="1000 at 4 Mbit/s", marks=pytest.mark.slow),
        pytest.param(5_000, 1e6, id="5000 at 1 Mbit/s", marks=pytest.mark.slow),
    ],
)
async def test_a_slow_reader_gets_a_long_resume_whole(
    cluster: Cluster, people: People, events: int, bits_per_s: float, record_property: Record
) -> None:
    ada, *others = await people.crowd("ada", FILLERS)
    room = (await ada.create_room(members=[rest.user_id for rest in others]))["id"]
    direct = [people.at(rest, cluster.workers[i % 2].url) for i, rest in enumerate([ada, *others])]
    clients = [await ResumingClient(rest, rooms=[]).start() for rest in direct]
    senders = [partial(client.send, timeout_s=120) for client in clients]
    filling = Traffic(
        room, senders, FILL_PER_S[events], body=secrets.token_hex(CHARACTERS // 2)[: CHARACTERS - 8]
    )
    await filling.start(events).finish(timeout_s=60 + events / 50)
    assert len(filling.sent) == events, filling.failed[:3]

    least_s = events * CHARACTERS * 8 / bits_per_s
    way = cluster.slow_way(cluster.b, bits_per_s)
    going_on = Traffic(room, senders, PER_S)
    head = (await ada.room(room))["last_seq"]
    since = head - events  # 5,000 are as many as are replayed
    try:
        socket = await Socket.connect(way.url, ada.access, receive_buffer=RECEIVE_BUFFER)
        started = asyncio.get_running_loop().time()
        answer = await socket.request("subscribe", rooms=[{"room": room, "since": since}], timeout_s=30)
        going_on.start()
        [entry] = answer["rooms"]
        assert (entry["resync"], entry["seq"]) == (None, head)
        await socket.find(lambda frame: frame.get("seq", 0) >= entry["seq"], timeout_s=3 * least_s + 30)
        took_s = asyncio.get_running_loop().time() - started
        await going_on.stop()
        head = (await ada.room(room))["last_seq"]
        await socket.find(lambda frame: frame.get("seq", 0) >= head, timeout_s=2 * least_s + 30)

        in_seconds(record_property, "replayed in", took_s)
        in_all(record_property, sends_meanwhile=going_on.sent)
        assert socket.ending is None
        assert [event["seq"] for event in socket.events(room)] == list(range(since + 1, head + 1))
        assert took_s > 0.5 * least_s, f"the reader was not slow: {took_s:.1f} s"
        assert len(going_on.sent) >= 0.5 * PER_S * took_s, going_on.failed[:3]
        await socket.close()
    finally:
        way.close()
        for client in clients:
            await client.stop()
