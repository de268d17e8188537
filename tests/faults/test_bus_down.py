"""Redis is away or does not answer: sends and deliveries go on (within 2 s when the break is noticed)."""

import asyncio
import time

import pytest
import redis

from tests.client.socket import Socket
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.story import Story
from tests.faults.traffic import percentile
from tests.figures import Record, in_all, in_seconds
from tests.gateway.waiting import until

pytestmark = pytest.mark.faults

PER_S = 40
ACK_P99_S = 0.3  # what a sender does not notice; or twice what it was before, where the machine is busy
DELIVERY_S = 3.0  # noticing takes two heartbeats of 0.4 s, then it is 2 s at most


@pytest.mark.fault("Redis is away")
@pytest.mark.parametrize(
    ("how", "down_s"),
    [
        ("stopped", 4.0),
        ("paused", 4.0),
        pytest.param("stopped", 30.0, marks=pytest.mark.slow),
        pytest.param("paused", 30.0, marks=pytest.mark.slow),
    ],
)
async def test_sends_are_acked_and_delivered_without_the_bus(
    cluster: Cluster, people: People, how: str, down_s: float, record_property: Record
) -> None:
    bus = cluster.stores.redis
    async with Story(cluster, people) as story:
        await story.open(senders=4, subscribers=8)
        traffic = story.traffic(PER_S).start()
        await traffic.reached(PER_S)
        down_at = time.monotonic()
        await asyncio.to_thread(bus.pause if how == "paused" else bus.stop)
        try:
            with pytest.raises(redis.RedisError), cluster.stores.bus() as probe:
                await asyncio.to_thread(probe.execute_command, "PING")  # no answer in 2 s, or refused
            await asyncio.sleep(down_at + down_s - time.monotonic())
            up_at = time.monotonic()
        finally:
            await asyncio.to_thread(bus.resume if how == "paused" else bus.start)
        during = len(traffic.asked)
        await traffic.reached(during + 2 * PER_S)
        await traffic.stop()
        report = story.judge(await story.settle(traffic))

    assert report.violations == 0, str(report)
    acks = traffic.latencies_s(down_at, up_at)
    assert len(acks) >= 0.9 * PER_S * down_s
    # Of what was acked by then: what was under way may have had to wait already.
    calm_s = percentile([sent.latency_s for sent in traffic.sent if sent.acked_at < down_at], 99)
    allowed_s = max(ACK_P99_S, 2 * calm_s)
    worst_s = story.worst_delivery_s(traffic)
    in_all(record_property, sends=report.acked, deliveries=report.delivered)
    in_seconds(record_property, "acks p99", percentile(acks, 99), calm_s=calm_s)
    in_seconds(record_property, "slowest delivery", max(worst_s.values()))
    assert percentile(acks, 99) <= allowed_s, f"p50 {percentile(acks, 50):.3f} s, worst {max(acks):.3f} s"
    late = {name: took_s for name, took_s in worst_s.items() if took_s >= DELIVERY_S}
    assert not late, f"deliveries took {late}"
    assert all(client.reconnects == 0 for client in story.subscribers.values()), "sockets were closed"


GIVEN_UP_S = 10.0  # the bus is back, its next beat and the check after it


async def test_rooms_left_while_the_bus_was_away_are_not_listened_to_when_it_is_back(
    cluster: Cluster, people: People
) -> None:
    """Else every outage would leave workers hearing rooms that nobody there is in any more."""
    stores = cluster.stores

    def channels() -> int:
        with stores.bus() as bus:
            return len(bus.pubsub_channels())

    ada = await people.register("ada")
    rooms = [(await ada.create_room())["id"] for _ in range(5)]
    before = await asyncio.to_thread(channels)
    groups = cluster.a.census()["groups"]
    socket = await Socket.connect(cluster.a.url, ada.access)
    await socket.request("subscribe", rooms=[{"room": room} for room in rooms])
    assert await asyncio.to_thread(channels) == before + 6  # and one of hers
    await asyncio.to_thread(stores.redis.stop)
    try:
        await socket.close()
        await until(
            lambda: cluster.a.census()["groups"] == groups, "the worker has left the rooms", GIVEN_UP_S
        )
    finally:
        await asyncio.to_thread(stores.redis.start)
    await until(lambda: channels() == before, "the rooms are not listened to", GIVEN_UP_S)
