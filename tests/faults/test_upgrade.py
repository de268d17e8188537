"""A next release's migrations run while this one serves: nobody is closed, nothing is lost, nobody waits long."""

import asyncio
import time

import pytest

from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.story import Story
from tests.faults.traffic import percentile
from tests.figures import Record, in_all, in_seconds

pytestmark = pytest.mark.faults

PER_S = 50
ACK_P99_S = 1.0  # or twice what it was before


@pytest.mark.fault("a next release is migrated to while this one serves")
@pytest.mark.parametrize("filled", [20_000, pytest.param(400_000, marks=pytest.mark.slow)])
async def test_migrations_of_a_filled_database_stop_nobody(
    cluster: Cluster, people: People, filled: int, record_property: Record
) -> None:
    ada = await people.register("ada")
    full = (await ada.create_room())["id"]
    await asyncio.to_thread(_next_release, cluster, f"fill('{full}', {filled})")
    async with Story(cluster, people) as story:
        await story.open(senders=4, subscribers=6)
        traffic = story.traffic(PER_S).start()
        await traffic.reached(2 * PER_S)
        began = time.monotonic()
        try:
            await asyncio.to_thread(_next_release, cluster, "forwards()")
            ended = time.monotonic()
            assert len((await ada.page(full, limit=50))["results"]) == 50
            await traffic.reached(len(traffic.asked) + 2 * PER_S)
            await traffic.stop()
        finally:
            await asyncio.to_thread(_next_release, cluster, "backwards()")
        report = story.judge(await story.settle(traffic))

        assert report.violations == 0, str(report)
        assert not traffic.failed, traffic.failed[:3]
        assert max(sent.tries for sent in traffic.sent) == 1, "a send was refused"
        assert story.reconnects == 0, "sockets were closed"
        acks = traffic.latencies_s(began, ended)
        assert len(acks) > PER_S / 2, "it was over before anybody could notice"
        calm_s = percentile(traffic.latencies_s(until=began), 99)
        in_all(record_property, sends=report.acked, deliveries=report.delivered)
        in_seconds(record_property, "migrated in", ended - began)
        in_seconds(record_property, "acks p99", percentile(acks, 99), calm_s=calm_s)
        assert percentile(acks, 99) <= max(ACK_P99_S, 2 * calm_s)


def _next_release(cluster: Cluster, call: str) -> None:
    cluster.stores.manage("shell", "-c", f"from tests.faults import next_release; next_release.{call}")
