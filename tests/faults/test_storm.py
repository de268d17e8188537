"""A thousand sockets are cut off in one moment, and come back."""

import asyncio
import re
import time

import pytest

from tests.client.resuming import ResumingClient, Timing
from tests.faults.checker import Stored, check
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.traffic import Traffic, by_rest, percentile
from tests.figures import Record, in_all, in_seconds

pytestmark = [pytest.mark.faults, pytest.mark.slow]

PEOPLE, EACH = 50, 20
AT_ONCE = 50
PER_S = 20
BACK_S = 30.0
# As phones do, but that their longest wait is half a minute.
TIMING = Timing(backoff_first=0.1, backoff_longest=2.0, ping=20.0, silence=60.0, connect=25.0, ack=30.0)
EXHAUSTED = re.compile(r"MaxConnectionsError|PoolTimeout|too many clients|Too many open files")


@pytest.mark.fault("a thousand sockets are cut off at once")
async def test_a_thousand_sockets_come_back_and_have_missed_nothing(
    cluster: Cluster, people: People, record_property: Record
) -> None:
    crowd = await people.crowd("ada", PEOPLE)
    room = (await crowd[0].create_room("public", members=[person.user_id for person in crowd[1:]]))["id"]
    head = (await crowd[0].room(room))["last_seq"]
    clients = [
        ResumingClient(person, rooms=[room], since={room: head}, timing=TIMING)
        for person in crowd
        for _ in range(EACH)
    ]
    gate = asyncio.Semaphore(AT_ONCE)

    async def start(client: ResumingClient) -> None:
        async with gate:
            await client.start(60)

    await asyncio.gather(*(start(client) for client in clients))
    said = [len(worker.log.read_text()) for worker in cluster.workers]
    direct = [people.at(person, cluster.workers[i % 2].url) for i, person in enumerate(crowd[:4])]
    traffic = Traffic(room, [by_rest(person, 60) for person in direct], PER_S).start()
    await traffic.reached(PER_S)

    cut_at = time.monotonic()
    assert await asyncio.to_thread(cluster.balancer.cut_all) >= PEOPLE * EACH
    await asyncio.gather(*(client.until(lambda c=client: c.endings, 10, "it was cut") for client in clients))  # type: ignore[misc]
    await asyncio.gather(*(client.ready(2 * BACK_S) for client in clients))
    took_s = time.monotonic() - cut_at

    await traffic.stop()
    head = (await direct[0].room(room))["last_seq"]
    await asyncio.gather(*(client.reach(room, head, BACK_S) for client in clients))
    records = {f"{index}": client.records[room] for index, client in enumerate(clients)}
    report = check(await Stored.read(direct[0], room), traffic.acked, records)
    in_seconds(record_property, "all back after", took_s)
    in_seconds(record_property, "acks p99 meanwhile", percentile(traffic.latencies_s(since=cut_at), 99))
    in_all(record_property, sends=traffic.acked, deliveries=report.delivered)
    await asyncio.gather(*(client.stop() for client in clients))
    assert report.violations == 0, str(report)
    assert not traffic.failed, traffic.failed[:3]
    assert took_s <= BACK_S
    for worker, length in zip(cluster.workers, said, strict=True):
        new = worker.log.read_text()[length:]
        assert not EXHAUSTED.search(new), EXHAUSTED.findall(new)[:3]
        assert '"status": 500' not in new
