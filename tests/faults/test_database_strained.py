"""A database with few connections, and one that keeps somebody waiting: nobody else pays for it."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.client.rest import Problem, Rest
from tests.client.socket import Socket
from tests.faults.cluster import Cluster
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.stores import Stores
from tests.faults.traffic import percentile
from tests.figures import Record, in_all, in_seconds

pytestmark = pytest.mark.faults

CONNECTIONS = 20  # of which PostgreSQL keeps three for its operator
POOL = 8  # a process, and there are two
REQUESTS = 60
SLOW_S = 4.0
PINGS_PER_S = 50
PING_P99_S = 0.1  # or twice that without the fault, where the machine is busy with other things
ACCEPT_S = 0.5


@pytest.fixture
def nervous(stores: Stores, loop_thread: LoopThread, tmp_path: Path) -> Iterator[Cluster]:
    """Workers that give up on whoever does not answer a WebSocket ping of every second within 1.5 s."""
    settings = {"SOCKET_PING_S": "1", "SOCKET_PING_TIMEOUT_S": "1.5"}
    with Cluster(stores, loop_thread, tmp_path, settings) as two:
        yield two


@pytest.mark.fault("PostgreSQL has few connections")
@pytest.mark.slow
async def test_sixty_requests_at_once_stay_within_the_pools(
    loop_thread: LoopThread, tmp_path: Path, record_property: Record
) -> None:
    with (
        Stores(postgres={"max_connections": str(CONNECTIONS)}) as small,
        Cluster(small, loop_thread, tmp_path, {"DATABASE_POOL_SIZE": str(POOL)}) as two,
    ):
        await ask_in_waves(two, record_property)
        assert not two.alarms()


async def ask_in_waves(two: Cluster, record_property: Record) -> None:
    """AssertionError unless all are served or put off, within the pools of both workers."""
    people = People(two)
    ada = await people.register("ada")
    room = (await ada.create_room())["id"]
    there = [people.at(ada, worker.url) for worker in two.workers]
    most, asking = 0, True

    async def watch() -> None:
        nonlocal most
        while asking:
            most = max(most, await asyncio.to_thread(sessions, two))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    found: Counter[int] = Counter()

    async def ask(rest: Rest, number: int) -> None:
        try:
            await (rest.page(room) if number % 2 else rest.send(room, f"n{number}", "x"))
            found[200] += 1
        except Problem as problem:
            found[problem.status] += 1

    for wave in range(4):
        await asyncio.gather(*(ask(there[n % 2], wave * REQUESTS + n) for n in range(REQUESTS)))
    asking = False
    await watching
    await people.close()
    in_all(record_property, sessions_at_most=most, answered=found[200], unavailable=found[503])
    assert set(found) <= {200, 503}, found
    assert found[200] >= 3 * REQUESTS, found
    assert 2 < most <= 2 * POOL, f"{most} sessions"


def sessions(two: Cluster) -> int:
    """Of its workers, as the operator sees it."""
    with psycopg.connect(two.stores.postgres.url, autocommit=True) as operator:
        row = operator.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY (%s)",
            [[worker.sessions for worker in two.workers]],
        ).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.fault("a statement takes 4 s")
async def test_a_slow_statement_holds_up_nobody_elses_ping_nor_new_sockets(
    nervous: Cluster, record_property: Record
) -> None:
    """Nor is its own socket, with more frames behind it, taken for dead: answers to pings are still read."""
    people = People(nervous)
    await wait_for_a_row(nervous, people, record_property)
    await people.close()


async def wait_for_a_row(two: Cluster, people: People, record_property: Record) -> None:
    """AssertionError unless others are served as ever while one waits for a row that is locked for SLOW_S."""
    ada, bob = await people.crowd("ada", 2)
    room, other = [(await person.create_room())["id"] for person in (ada, bob)]
    url = two.a.url
    hers, his = [await Socket.connect(url, person.access) for person in (ada, bob)]
    calm = await pings(his, 1.0)
    with psycopg.connect(two.stores.postgres.url) as locker:
        locker.execute("SELECT 1 FROM rooms_room WHERE id = %s FOR UPDATE", [room])
        asked_at = time.monotonic()
        unlock = threading.Timer(SLOW_S, locker.rollback)  # in time, whoever else is held up
        unlock.start()
        waiting = await hers.ask("message.send", room=room, client_id="slow", body="hello")
        done_at: list[float] = []
        waiting.add_done_callback(lambda _: done_at.append(time.monotonic()))
        behind = [await hers.ask("read", room=room, seq=1) for _ in range(3)]
        during = await pings(his, SLOW_S / 2)
        accepts = []
        while time.monotonic() < asked_at + SLOW_S:
            started = time.monotonic()
            await (await Socket.connect(url, bob.access)).close()
            accepts.append(time.monotonic() - started)
            await asyncio.sleep(0.1)
        page = await people.at(bob, url).page(other)
        await asyncio.to_thread(unlock.join)
    await asyncio.wait_for(asyncio.gather(waiting, *behind), 5)
    assert done_at[0] - asked_at >= SLOW_S, "nobody had to wait"
    assert page["results"] == []
    allowed_s = max(PING_P99_S, 2 * percentile(calm, 99))
    in_seconds(record_property, "others' pings p99", percentile(during, 99), calm_s=percentile(calm, 99))
    assert percentile(during, 99) <= allowed_s, (
        f"p50 {percentile(during, 50):.3f} s, worst {max(during):.3f} s"
    )
    in_seconds(record_property, "new sockets p90", percentile(accepts, 90))
    assert percentile(accepts, 90) <= ACCEPT_S, f"worst {max(accepts):.3f} s"
    assert hers.ending is None
    await hers.close()
    await his.close()
    await people.close()


async def pings(socket: Socket, for_s: float) -> list[float]:
    """How long each of PINGS_PER_S takes."""
    found, started = [], time.monotonic()
    while time.monotonic() < started + for_s:
        asked_at = time.monotonic()
        await socket.request("ping")
        found.append(time.monotonic() - asked_at)
        await asyncio.sleep(1 / PINGS_PER_S)
    return found
