"""Without what makes an acknowledged send stored, and stored once, the checkers complain."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults import breaking, test_same_client_id_raced
from tests.faults.checker import Report, Stored
from tests.faults.cluster import Cluster
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.stores import Stores
from tests.faults.story import Story
from tests.faults.traffic import Traffic
from tests.figures import Record

pytestmark = [pytest.mark.faults, pytest.mark.slow]

PER_S = 50
POOL_WAIT_S = 0.5  # shorter than the database is away, or what is stored late would wait for it to be back
DOWN_S = 3.0
STORED_S = 10.0  # what is stored late is stored then


@pytest.fixture(scope="module")
def hasty(
    stores: Stores, loop_thread: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Two workers that answer a send before its commit."""
    settings = {"SABOTAGE": "answers_before_the_commit", "DATABASE_POOL_WAIT_S": f"{POOL_WAIT_S}"}
    with Cluster(stores, loop_thread, tmp_path_factory.mktemp("hasty"), settings) as two:
        yield two


@pytest.fixture
async def story(hasty: Cluster) -> AsyncIterator[Story]:
    people = People(hasty)
    async with Story(hasty, people) as story:
        yield await story.open(senders=4, subscribers=6)
    await people.close()


async def judged(story: Story, traffic: Traffic) -> Report:
    """Once what was sent last, after the fault, is stored too."""
    await traffic.reached(len(traffic.asked) + PER_S)
    await traffic.stop()
    stored = await story.settle(traffic)
    async with asyncio.timeout(STORED_S):
        while story.acked[-1] not in {message["client_id"] for message in stored.history}:
            await asyncio.sleep(0.1)
            stored = await Stored.read(story.owner, story.room)
    return story.judge(stored)


async def test_a_worker_that_is_killed_loses_what_it_has_acked_and_not_stored(story: Story) -> None:
    traffic = story.traffic(PER_S).start()
    await traffic.reached(2 * PER_S)
    await breaking.kill_worker(story.cluster.b)
    report = await judged(story, traffic)
    assert any("acked without row" in text for text in report.details), str(report)


async def test_a_database_that_goes_away_loses_what_is_acked_and_not_stored(story: Story) -> None:
    postgres = story.cluster.stores.postgres
    traffic = story.traffic(PER_S).start()
    await traffic.reached(2 * PER_S)
    await asyncio.to_thread(postgres.stop)
    await asyncio.sleep(DOWN_S)
    await asyncio.to_thread(postgres.start)
    report = await judged(story, traffic)
    assert any("acked without row" in text for text in report.details), str(report)


async def test_without_a_look_at_earlier_client_ids_one_send_is_many_messages(
    loop_thread: LoopThread, tmp_path: Path, record_property: Record
) -> None:
    settings = {"SABOTAGE": "looks_up_no_client_id"}
    with Stores() as own, Cluster(own, loop_thread, tmp_path, settings) as two:
        with psycopg.connect(own.postgres.url, autocommit=True) as session:
            session.execute("ALTER TABLE messaging_message DROP CONSTRAINT message_client_id")
        people = People(two)
        with pytest.raises(AssertionError, match="it was stored more than once"):
            await test_same_client_id_raced.test_twenty_sends_of_one_client_id_are_one_message(
                two, people, record_property
            )
        await people.close()
