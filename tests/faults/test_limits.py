"""Limits of two real workers that share a Redis: one limit for both, and each its own while Redis is away."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest

from tests.client.rest import Problem, Rest
from tests.client.socket import Closed, Refused, Socket
from tests.faults.cluster import Cluster, new_address
from tests.faults.loop_thread import LoopThread
from tests.faults.people import PASSWORD, People
from tests.faults.stores import Stores

pytestmark = pytest.mark.faults

SENDS, SENDS_BURST = 20, 100
FRAMES, FRAMES_BURST = 100, 200
REQUESTS, REQUESTS_BURST = 10, 40  # the default ones would be a minute of requests for this machine
SOCKETS = 20
LEASE_S = 2
WITHIN = 0.1

LIMITS = {
    "SENDS_PER_S": SENDS,
    "SENDS_BURST": SENDS_BURST,
    "FRAMES_PER_S": FRAMES,
    "FRAMES_BURST": FRAMES_BURST,
    "REQUESTS_PER_S": REQUESTS,
    "REQUESTS_BURST": REQUESTS_BURST,
    "SOCKETS_PER_PERSON": SOCKETS,
    "WRONG_LOGINS_FREE": 5,
    "WRONG_LOGINS_PER_MINUTE": 10,
    "PLACE_LEASE_S": LEASE_S,
    # Clients come straight to a worker here: nobody's word is taken for where they are.
    "FORWARDED_ALLOW_IPS": "",
    "SECURE_SSL_REDIRECT": 0,
}


@pytest.fixture(scope="module")
def two(
    stores: Stores, loop_thread: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    env = {name: str(value) for name, value in LIMITS.items()}
    with Cluster(stores, loop_thread, tmp_path_factory.mktemp("limited"), env) as cluster:
        yield cluster


@pytest.fixture
async def crowd(two: Cluster) -> AsyncIterator[People]:
    people = People(two)
    yield people
    await people.close()
    assert two.alarms() == []


class Count(NamedTuple):
    """What became of a flood."""

    allowed: int
    refused: int
    took_s: float
    slowest_s: float


async def flood(sockets: list[Socket], kind: str, per_s: float, for_s: float, **fields: str) -> Count:
    """So many a second on each socket for so long, answered or not."""
    answers: list[asyncio.Task[float | None]] = []
    waits: list[float] = []  # KeyError for any other refusal

    async def one(socket: Socket, key: str) -> float | None:
        began = time.monotonic()
        more = {"client_id": key, "body": "hi"} if kind == "message.send" else {}
        try:
            await (await socket.ask(kind, **more, **fields))
        except Refused as refused:
            waits.append(refused.frame["retry_after"])
            return None
        return time.monotonic() - began

    began = time.monotonic()
    made = 0
    while (passed_s := time.monotonic() - began) < for_s:
        while made < passed_s * per_s:
            answers += [
                asyncio.create_task(one(socket, f"{began}-{made}-{index}"))
                for index, socket in enumerate(sockets)
            ]
            made += 1
        await asyncio.sleep(0.002)
    found = await asyncio.gather(*answers)
    took_s = time.monotonic() - began
    allowed = [latency for latency in found if latency is not None]
    assert all(0 < wait_s < 10 for wait_s in waits)
    return Count(len(allowed), len(found) - len(allowed), took_s, max(allowed))


def holds(count: Count, burst: int, per_s: int) -> bool:
    """Whether so many were let through as the limit says, within a tenth."""
    assert count.refused > 0.2 * count.allowed, f"no flood: {count}"
    expected = burst + per_s * count.took_s
    return (1 - WITHIN) * expected <= count.allowed <= (1 + WITHIN) * expected


async def a_socket_at_each(two: Cluster, rest: Rest) -> list[Socket]:
    return [await Socket.connect(worker.url, rest.access) for worker in two.workers]


async def test_sends_of_a_person_are_limited_over_both_workers(two: Cluster, crowd: People) -> None:
    ada = await crowd.register("ada")
    room = (await ada.create_room())["id"]
    sockets = await a_socket_at_each(two, ada)
    count = await flood(sockets, "message.send", per_s=80, for_s=2, room=room)
    assert holds(count, SENDS_BURST, SENDS), count
    assert (await ada.room(room))["last_seq"] == 2 + count.allowed
    for socket in sockets:
        await socket.close()


async def test_frames_of_a_person_are_limited_over_both_workers(two: Cluster, crowd: People) -> None:
    sockets = await a_socket_at_each(two, await crowd.register("ada"))
    count = await flood(sockets, "ping", per_s=180, for_s=2)
    assert holds(count, FRAMES_BURST, FRAMES), count
    for socket in sockets:
        await socket.close()


async def test_a_socket_that_does_not_stop_is_closed_and_the_other_lives(two: Cluster, crowd: People) -> None:
    one, other = await a_socket_at_each(two, await crowd.register("ada"))
    bob = await Socket.connect(two.a.url, (await crowd.register("bob")).access)
    with contextlib.suppress(Closed):
        while True:
            await one.ask("ping")
            await asyncio.sleep(0)
    ending = await one.wait_closed()
    assert (ending.code, ending.why) == (4429, "rate_limited")
    assert other.ending is None
    await bob.request("ping")
    for socket in (other, bob):
        await socket.close()


async def test_requests_of_a_person_are_limited_over_both_workers(two: Cluster, crowd: People) -> None:
    ada = await crowd.register("ada")
    at = [crowd.at(ada, worker.url) for worker in two.workers]
    asked = allowed = 0
    began = time.monotonic()
    while (took_s := time.monotonic() - began) < 2:
        for rest in at:
            with contextlib.suppress(Problem):
                asked += 1
                await rest.call("GET", "users/me/")
                allowed += 1
    count = Count(allowed, asked - allowed, took_s, 0)
    assert holds(count, REQUESTS_BURST, REQUESTS), count


@pytest.mark.parametrize("exists", [True, False], ids=["exists", "does not"])
async def test_wrong_passwords_are_counted_over_both_workers_whatever_is_said_of_where_from(
    two: Cluster, crowd: People, exists: bool
) -> None:
    ada = await crowd.register("ada")
    name = ada.user["username"] if exists else f"no{ada.user['username']}"
    guesser = Rest(two.a.url, address=new_address())
    at = [guesser, crowd.at(guesser, two.b.url)]
    codes = []
    for number in range(8):
        asking = at[number % 2]
        asking._http.headers["X-Forwarded-For"] = f"203.0.113.{number}"
        with pytest.raises(Problem) as problem:
            await asking.log_in(name, "wrong")
        codes.append((problem.value.status, problem.value.code))
    assert codes == [(401, "bad_credentials")] * 5 + [(429, "rate_limited")] * 3
    for asking in at:
        with pytest.raises(Problem, match="429"):
            await asking.log_in(name, PASSWORD)
    if exists:
        await ada.log_in(name, PASSWORD)  # from her own address
    await guesser.close()


async def let_in(url: str, rest: Rest) -> Socket | None:
    """A socket, or None where it was closed with 4408."""
    try:
        return await Socket.connect(url, rest.access)
    except Closed as closed:
        if closed.ending.code != 4408 or closed.ending.why != "too_many_connections":
            raise
        return None


async def test_sockets_are_counted_over_both_workers_and_those_of_a_killed_one_fall_free(
    two: Cluster, crowd: People
) -> None:
    ada = await crowd.register("ada")
    sockets = [
        await Socket.connect(two.workers[number % 2].url, ada.access, address=ada.address)
        for number in range(SOCKETS)
    ]
    for worker in two.workers:
        assert await let_in(worker.url, ada) is None
    await asyncio.sleep(1.5 * LEASE_S)  # living processes renew their leases
    assert await let_in(two.b.url, ada) is None
    await sockets[0].close()
    closed = time.monotonic()
    while (socket := await let_in(two.b.url, ada)) is None:  # the other worker is told a moment later
        assert time.monotonic() - closed < LEASE_S
    sockets[0] = socket
    two.a.kill()
    try:
        killed = time.monotonic()
        while (socket := await let_in(two.b.url, ada)) is None:
            assert time.monotonic() - killed < 3 * LEASE_S
            await asyncio.sleep(0.05)
        sockets.append(socket)
        sockets += [await Socket.connect(two.b.url, ada.access) for _ in range(SOCKETS // 2 - 2)]
        assert await let_in(two.b.url, ada) is None
    finally:
        two.a.start()
        await asyncio.to_thread(two.a.wait_ready)
    for socket in sockets:
        await socket.close()


async def test_redis_stopped_midway_opens_nothing_wide_and_stops_nothing(two: Cluster, crowd: People) -> None:
    ada = await crowd.register("ada")
    room = (await ada.create_room())["id"]
    sockets = await a_socket_at_each(two, ada)
    redis = two.stores.redis
    assert holds(await flood(sockets, "message.send", 80, 1.5, room=room), SENDS_BURST, SENDS)
    await asyncio.to_thread(redis.stop)
    try:
        count = await flood(sockets, "message.send", 80, 2, room=room)
        assert 0.9 * SENDS * count.took_s <= count.allowed <= 2.2 * SENDS * count.took_s, count
        assert count.slowest_s < 1
        third = await Socket.connect(two.a.url, ada.access)
        bob = Socket.connect(two.b.url, (await crowd.register("bob")).access)
        await (await bob).close()
        await third.close()
    finally:
        await asyncio.to_thread(redis.start)
    for worker in two.workers:
        await asyncio.to_thread(worker.wait_ready)
    assert (await ada.room(room))["last_seq"] > 2
    shared = "limits: shared again"
    deadline = time.monotonic() + 5
    while not all(shared in worker.log.read_text() for worker in two.workers):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    count = await flood(sockets, "message.send", 80, 2, room=room)
    assert count.allowed <= SENDS * count.took_s * 1.1 + 2 * SENDS, count
    for socket in sockets:
        await socket.close()
