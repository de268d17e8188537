"""The promise under every fault of the bus and of a worker, and that the checker would have complained."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.client.state import ClientState
from tests.faults import breaking
from tests.faults.cluster import Cluster
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.stores import Stores
from tests.faults.story import Story
from tests.figures import Record, in_all, in_seconds

pytestmark = pytest.mark.faults

PER_S = 50
PLANNED = 800  # sends: 16 s
DROPPED = 20  # at least so many messages of the bus
DROPPING_S = 2.0
REPAIRED_S = 25.0  # one check of the hub, as users have it, and some air


@pytest.fixture
def unrepaired(
    stores: Stores, loop_thread: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Two workers that deliver what the bus brings and look nothing up."""
    with Cluster(stores, loop_thread, tmp_path_factory.mktemp("unrepaired"), {"GAP_REPAIR": "0"}) as two:
        yield two


@pytest.fixture
async def their_people(unrepaired: Cluster) -> AsyncIterator[People]:
    crowd = People(unrepaired)
    yield crowd
    await crowd.close()


@pytest.mark.fault(
    "Redis is restarted, cuts every connection, is emptied; a worker is killed; messages of the bus are dropped"
)
async def test_nothing_is_lost_doubled_or_out_of_order(
    cluster: Cluster, people: People, record_property: Record
) -> None:
    async with Story(cluster, people) as story:
        await story.open()
        traffic = story.traffic(PER_S).start(PLANNED)
        await traffic.reached(75)
        await breaking.restart_redis(cluster)
        await traffic.reached(225)
        await breaking.cut_bus(cluster)
        await traffic.reached(300)
        await breaking.flush_bus(cluster)
        await traffic.reached(375)
        reconnects = story.reconnects
        await breaking.kill_worker(cluster.b)
        await traffic.reached(575)
        assert story.reconnects > reconnects, "no socket felt that its worker was killed"
        await breaking.drop_silently(cluster.a, DROPPED, DROPPING_S)
        await traffic.finish()
        assert len(traffic.asked) == PLANNED
        assert len(traffic.sent) == PLANNED, traffic.failed[:3]

        report = story.judge(stored := await story.settle(traffic))
        worst_s = max(story.worst_delivery_s(traffic).values())
        in_all(record_property, sends=report.acked, deliveries=report.delivered, reconnects=story.reconnects)
        in_seconds(record_property, "slowest delivery", worst_s)

        assert report.violations == 0, str(report)
        assert report.acked == PLANNED + 2
        assert worst_s < REPAIRED_S
        assert report.delivered >= len(story.subscribers) * stored.head * 0.9
        assert not story.protocol_violations()
        now = await ClientState.from_rest(story.owner, story.room)
        assert not story.state.differences(now)


async def test_without_the_repair_the_checker_reports_a_loss(
    unrepaired: Cluster, their_people: People
) -> None:
    async with Story(unrepaired, their_people) as story:
        await story.open(senders=4, subscribers=6)
        traffic = story.traffic(PER_S).start()
        await traffic.reached(50)
        await breaking.drop_silently(unrepaired.a, DROPPED, DROPPING_S)
        await traffic.stop()

        report = story.judge(await story.settle(traffic))

        assert report.lost > 0, str(report)
        assert report.violations == report.lost, str(report)
