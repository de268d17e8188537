"""Answers are lost on the way and connections cut: sends are repeated and count once, subscriptions continue."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from tests.client.resuming import ResumingClient
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.story import Story
from tests.figures import Record, in_all

pytestmark = pytest.mark.faults

PER_S = 50
ROUNDS = 3
HELD = 20  # sends whose answers do not come back, a round


@pytest.mark.fault("answers are lost, then every connection is cut")
async def test_lost_answers_and_cut_connections(
    cluster: Cluster, people: People, record_property: Record
) -> None:
    balancer = cluster.balancer
    async with Story(cluster, people) as story:
        await story.open(senders=4, subscribers=8)
        sockets = len(story.subscribers)
        traffic = story.traffic(PER_S).start()
        cut = 0
        for _ in range(ROUNDS):
            await traffic.reached(len(traffic.asked) + PER_S // 2)
            balancer.black_hole(answers_only=True)
            await traffic.reached(len(traffic.asked) + HELD)
            cut += balancer.cut_all()
            balancer.heal()
            await asyncio.gather(*(client.ready() for client in story.subscribers.values()))
        await traffic.reached(len(traffic.asked) + PER_S // 2)
        await traffic.stop()
        report = story.judge(await story.settle(traffic))

        in_all(record_property, sends=report.acked, deliveries=report.delivered, reconnects=story.reconnects)

        assert cut >= ROUNDS * sockets
        assert story.reconnects >= ROUNDS * sockets
        again = [sent for sent in traffic.sent if sent.duplicate]
        assert len(again) >= ROUNDS, "no repeated send met its first try"
        assert all(sent.tries > 1 for sent in again)
        assert report.violations == 0, str(report)
        assert not story.protocol_violations()


def _alone(client: ResumingClient) -> bool:
    return client.socket is None


@pytest.mark.fault("the network is silent")
async def test_a_silent_network_is_noticed_and_left(
    cluster: Cluster, people: People, record_property: Record
) -> None:
    """Nothing comes and nothing is closed: the client cuts by itself, and the server has lost nothing for it."""
    balancer = cluster.balancer
    async with Story(cluster, people) as story:
        await story.open(senders=2, subscribers=4)
        clients = list(story.subscribers.values())
        for client in clients:
            client.timing = replace(client.timing, ping=0.3, silence=1.0, connect=1.0)
        traffic = story.traffic(PER_S).start()
        await traffic.reached(PER_S)
        balancer.black_hole()
        await asyncio.gather(
            *(client.until(partial(_alone, client), 5, "the silence was noticed") for client in clients)
        )
        balancer.heal()
        await traffic.reached(len(traffic.asked) + PER_S)
        await traffic.stop()
        report = story.judge(await story.settle(traffic))

        in_all(record_property, sends=report.acked, deliveries=report.delivered, reconnects=story.reconnects)

        assert all(client.reconnects > 0 for client in clients)
        assert report.violations == 0, str(report)
