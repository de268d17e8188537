"""The database is away for some seconds: nothing is acked that is not stored, and it goes on."""

import asyncio
import time

import psycopg
import pytest

from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.story import Story
from tests.figures import Record, in_all, in_seconds

pytestmark = pytest.mark.faults

PER_S = 50
AT_ONCE_S = 3.0
POOL_WAIT_S = 5.0  # DATABASE_POOL_WAIT_S: who sends then is told `unavailable`, and repeats
BACK_S = 5.0  # from the database's return to acks as before


@pytest.mark.fault("PostgreSQL is away")
@pytest.mark.parametrize("down_s", [2.0, pytest.param(10.0, marks=pytest.mark.slow)])
async def test_sends_wait_or_fail_honestly_and_go_on(
    cluster: Cluster, people: People, down_s: float, record_property: Record
) -> None:
    postgres = cluster.stores.postgres
    async with Story(cluster, people) as story:
        await story.open(senders=4, subscribers=6)
        traffic = story.traffic(PER_S).start()
        await traffic.reached(2 * PER_S)
        await asyncio.to_thread(postgres.stop)
        with pytest.raises(psycopg.OperationalError):
            await asyncio.to_thread(lambda: psycopg.connect(postgres.url))
        await asyncio.sleep(down_s)
        down_until = len(traffic.sent)
        await asyncio.to_thread(postgres.start)
        back_at = time.monotonic()
        await traffic.reached(len(traffic.asked) + 2 * PER_S)
        await traffic.stop()
        report = story.judge(await story.settle(traffic))

        assert report.violations == 0, str(report)
        waited_s = max(sent.acked_at for sent in traffic.sent if sent.asked_at < back_at + 1) - back_at
        in_all(record_property, sends=report.acked, deliveries=report.delivered)
        in_seconds(record_property, "acks again after", waited_s)
        assert waited_s < BACK_S, f"the last ack came {waited_s:.1f} s after the database was back"
        assert len(traffic.sent) > down_until
        if down_s > POOL_WAIT_S:
            assert max(sent.tries for sent in traffic.sent) > 1, "nobody was told that it is unavailable"
        assert story.reconnects == 0, "sockets were closed"


@pytest.mark.fault("PostgreSQL ends every session")
async def test_ended_sessions_are_replaced_at_once(
    cluster: Cluster, people: People, record_property: Record
) -> None:
    """A fail-over that nobody was busy in: every idle connection is dead, and the next request must not wait."""
    ada = await people.register("ada")
    room = (await ada.create_room())["id"]
    there = [people.at(ada, worker.url) for worker in cluster.workers]
    # More at once than a pool holds, so that it is full.
    await asyncio.gather(*(rest.room(room) for rest in there for _ in range(40)))
    assert await asyncio.to_thread(cluster.stores.end_sessions) >= len(there)
    for number, rest in enumerate(there):
        started = time.monotonic()
        sent = await rest.send_until_acked(room, f"after-{number}", "after")
        took_s = time.monotonic() - started
        in_seconds(record_property, f"worker {number + 1} is back after", took_s)
        assert took_s < AT_ONCE_S, f"{took_s:.1f} s and {sent.tries} tries until a worker was back"
