"""A client that is gone without a word: the server finds out by its own pings, and lets go of it."""

import asyncio
import time
from pathlib import Path

import pytest
from django.conf import settings as defaults

from tests.client.socket import Socket
from tests.faults.cluster import Cluster
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.periods import REAL
from tests.faults.proxy import Proxy
from tests.faults.stores import Stores
from tests.faults.stress import holdings
from tests.figures import Record, in_seconds

pytestmark = [pytest.mark.faults, pytest.mark.slow]

PING_S, ANSWER_S = (defaults.SOCKET_PING_S, defaults.SOCKET_PING_TIMEOUT_S) if REAL else (1.0, 1.5)
NOTICED_S = 60.0 if REAL else 3 * (PING_S + ANSWER_S)


@pytest.mark.fault("a client is gone without a word")
async def test_who_does_not_answer_pings_is_let_go_of(
    stores: Stores, loop_thread: LoopThread, tmp_path: Path, record_property: Record
) -> None:
    settings = {"SOCKET_PING_S": f"{PING_S}", "SOCKET_PING_TIMEOUT_S": f"{ANSWER_S}"}
    with Cluster(stores, loop_thread, tmp_path, settings) as two:
        people = People(two)
        await go_without_a_word(two, people, record_property)
        await people.close()


async def go_without_a_word(two: Cluster, people: People, record_property: Record) -> None:
    """AssertionError unless somebody who answers stays, and one who does not any more is let go of."""
    ada = await people.register("ada")
    room = (await ada.create_room())["id"]
    before = await asyncio.to_thread(holdings.count, two)
    with Proxy(two.thread, [("127.0.0.1", two.a.port)]) as way:
        socket = await Socket.connect(way.url, ada.access)
        await socket.request("subscribe", rooms=[{"room": room}])
        await asyncio.sleep(2 * (PING_S + ANSWER_S))
        assert socket.ending is None, "who answers was let go of"
        way.black_hole()
        gone_at = time.monotonic()
        while (await asyncio.to_thread(two.a.census))["people"]:
            assert time.monotonic() < gone_at + NOTICED_S, "it is still there"
            await asyncio.sleep(0.1)
        in_seconds(record_property, "let go of after", time.monotonic() - gone_at)
        assert not (await holdings.settled(two, before))[1]
        await socket.abort()
