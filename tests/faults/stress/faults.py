"""Carrying out one planned fault. Each asserts that it was felt."""

import asyncio
import contextlib
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.client.resuming import ResumingClient
from tests.faults import breaking
from tests.faults.proxy import Proxy
from tests.faults.stress.plan import Fault
from tests.faults.stress.scene import TIMING, Scene
from tests.faults.worker import STOP_TIMEOUT_S, Worker

PROBE_S = 0.4  # without an answer for so long, it is paused
DRAINED = (1001, 1012)  # how a worker that is stopped ends its sockets
STOPPED_IN_S = 12.0  # DRAIN_S and some air
SLOW_BITS_PER_S = 1e6
FELT_S = 20.0  # for clients to notice what was done to them, on a machine that does much else
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # PostgreSQL answers it with one letter


class Breaker:
    """Breaks what a plan says, on one scene. Two lanes may be under way at once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.cluster = scene.cluster
        self.stores = scene.cluster.stores
        # A worker cannot start without its database, and a supervisor's patience is not what is looked at.
        self._database = asyncio.Lock()

    async def carry_out(self, fault: Fault) -> None:
        """Raises AssertionError when it was not felt, or what it broke did not behave."""
        name = fault.kind.replace(" ", "_")
        carry_out: Callable[[Fault], Awaitable[None]] = getattr(self, f"_{name}")
        await carry_out(fault)

    # Stores

    async def _redis_is_stopped(self, fault: Fault) -> None:
        await breaking.restart_redis(self.cluster, fault.for_s)

    async def _redis_is_paused(self, fault: Fault) -> None:
        server, started = self.stores.redis, time.monotonic()
        server.pause()
        try:
            assert not await asyncio.to_thread(self._redis_answers), "a paused Redis answered"
            await asyncio.sleep(max(0.0, started + fault.for_s - time.monotonic()))
        finally:
            server.resume()

    def _redis_answers(self) -> bool:
        with redis.Redis(
            port=self.stores.redis.port, socket_timeout=PROBE_S, retry=Retry(NoBackoff(), 0)
        ) as probe:
            try:
                return bool(probe.ping())
            except redis.RedisError:
                return False

    async def _redis_is_emptied(self, _: Fault) -> None:
        await breaking.flush_bus(self.cluster)

    async def _redis_cuts_every_connection(self, _: Fault) -> None:
        deadline = time.monotonic() + FELT_S  # after another fault the workers first have to come back
        while not await asyncio.to_thread(self.stores.cut_bus):
            assert time.monotonic() < deadline, "there was no connection to cut"
            await asyncio.sleep(0.1)

    async def _postgres_is_restarted(self, fault: Fault) -> None:
        server = self.stores.postgres
        async with self._database:
            await asyncio.to_thread(server.stop)
            try:
                assert not await asyncio.to_thread(self._postgres_answers), "a stopped PostgreSQL answered"
                await asyncio.sleep(fault.for_s)
            finally:
                await asyncio.to_thread(server.start)

    async def _postgres_is_paused(self, fault: Fault) -> None:
        server, started = self.stores.postgres, time.monotonic()
        async with self._database:
            server.pause()
            try:
                assert not await asyncio.to_thread(self._postgres_answers), "a paused PostgreSQL answered"
                await asyncio.sleep(max(0.0, started + fault.for_s - time.monotonic()))
            finally:
                server.resume()

    def _postgres_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.stores.postgres.port), PROBE_S) as line:
                line.sendall(_SSL_REQUEST)
                return bool(line.recv(1))
        except OSError:
            return False

    async def _postgres_ends_every_session(self, _: Fault) -> None:
        async with self._database:
            deadline = time.monotonic() + FELT_S  # after another fault the workers first have to come back
            while True:
                with contextlib.suppress(psycopg.OperationalError):
                    if await asyncio.to_thread(self.stores.end_sessions):
                        return
                assert time.monotonic() < deadline, "there was no session to end"
                await asyncio.sleep(0.1)

    # Workers

    async def _worker(self, fault: Fault) -> Worker:
        """The planned one, or the other where all clients have gone there."""
        workers = sorted(self.cluster.workers, key=lambda worker: worker.name != fault.where)
        for worker in workers:
            if (await asyncio.to_thread(worker.census))["people"] > 1:
                return worker
        raise AssertionError(f"no worker has clients: {self.cluster.tails()}")

    async def _a_worker_is_killed(self, fault: Fault) -> None:
        async with self._database:
            before = len(self.scene.endings)
            await breaking.kill_worker(await self._worker(fault), fault.for_s)
            await self._felt(lambda: len(self.scene.endings) > before, "no socket ended with the worker")

    async def _a_worker_is_stopped(self, fault: Fault) -> None:
        async with self._database:
            await self._stop_and_start(await self._worker(fault), fault.for_s)

    async def _both_workers_are_renewed(self, _: Fault) -> None:
        async with self._database:
            for worker in self.cluster.workers:
                await self._stop_and_start(worker, 0.0)

    async def _stop_and_start(self, worker: Worker, down_s: float) -> None:
        """As `serve` does it for each of several workers: nobody is thrown off without a word."""
        held = await asyncio.to_thread(worker.census)
        before, started = self._endings(), time.monotonic()
        code = await asyncio.to_thread(worker.stop)
        took_s = time.monotonic() - started
        if held["people"]:
            await self._felt(lambda: self._endings() != before, "no socket ended with the worker")
        ended = [ending for ending in (self._endings() - before).elements() if not ending[2]]
        await asyncio.sleep(down_s)
        worker.start()
        await asyncio.to_thread(worker.wait_ready)
        assert code == 0, f"a worker that was stopped ended with {code}"
        assert took_s < STOPPED_IN_S <= STOP_TIMEOUT_S, f"a worker took {took_s:.1f} s to stop"
        others = [ending for ending in ended if ending[1] not in DRAINED]
        assert not others, f"sockets of a worker that was stopped ended with {others}, {len(ended)} in all"

    def _endings(self) -> Counter[tuple[str, int, bool]]:
        """Whose socket, its close code, and whether it was cut on the client's side."""
        return Counter(
            (f"{client.rest.user['username']} by {client.rest.base_url}", int(ending.code), ending.by_us)
            for client in self.scene.clients
            for ending in client.endings
        )

    async def _felt(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + FELT_S
        while not true():
            assert time.monotonic() < deadline, what
            await asyncio.sleep(0.05)

    # The network

    async def _the_bus_drops_messages(self, fault: Fault) -> None:
        await breaking.drop_silently(await self._worker(fault), 1, fault.for_s)

    def _way(self, fault: Fault) -> Proxy:
        return self.cluster.balancer if fault.where == "first" else self.scene.second

    async def _a_way_is_cut(self, fault: Fault) -> None:
        await self._cut(self._way(fault))

    async def _cut(self, way: Proxy) -> None:
        """Returns when all sockets on it have ended, so that no later fault is taken for the cause."""
        await self._used(way)
        before = len(self.scene.endings)
        on_it = [client.socket for client in self.scene.clients if client.rest.base_url == way.url]
        assert await asyncio.to_thread(way.cut_all) > 0, "there was nothing to cut"
        await self._felt(lambda: len(self.scene.endings) > before, "no client felt that its way was cut")
        await self._felt(
            lambda: all(socket is None or socket.ending for socket in on_it), "a socket outlived its way"
        )

    async def _used(self, way: Proxy) -> None:
        """Returns when somebody's socket is on it: after another fault they first have to come back."""
        theirs = [client for client in self.scene.clients if client.rest.base_url == way.url]
        await self._felt(lambda: any(client.socket for client in theirs), "nobody is on the way")

    async def _a_way_is_a_black_hole(self, fault: Fault) -> None:
        """The second way, so for half of the clients."""
        way, started = self.scene.second, time.monotonic()
        way.black_hole()
        try:
            assert not await _answers(way), "a black hole answered"
            await asyncio.sleep(max(0.0, started + fault.for_s - time.monotonic()))
        finally:
            way.heal()

    async def _answers_are_lost(self, fault: Fault) -> None:
        """What is asked on the second way is done, and no answer comes back."""
        way = self.scene.second
        await self._used(way)
        way.black_hole(answers_only=True)
        before, asked = way.counts.bytes_down, way.counts.bytes_up
        try:
            await asyncio.sleep(fault.for_s)
            await self._felt(lambda: way.counts.bytes_up > asked, "nothing was asked while answers were lost")
            assert way.counts.bytes_down == before, "answers came"
            await self._cut(way)
        finally:
            way.heal()

    async def _a_reader_is_slow(self, fault: Fault) -> None:
        """Somebody resumes from the beginning over a thin line, and gets everything all the same."""
        scene = self.scene
        room, worker = scene.rooms[0], await self._worker(fault)
        way = self.cluster.slow_way(worker, SLOW_BITS_PER_S)
        person = next(client.rest for name, client in scene.subscribers.items() if name.startswith("watcher"))
        client = ResumingClient(
            scene.people.at(person, way.url), rooms=[room], since={room: 0}, timing=TIMING
        )
        try:
            with contextlib.suppress(TimeoutError):
                await client.start()
                await asyncio.sleep(fault.for_s)
            assert way.counts.bytes_down > 0, "nothing went over the thin line"
        finally:
            await client.stop()
            way.close()
        for where, record in client.records.items():
            scene.visited(f"slow reader at {fault.at_s} s", where, record)


async def _answers(way: Proxy) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=PROBE_S) as probe:
        try:
            await probe.get(f"{way.url}/healthz")
        except httpx.TransportError:
            return False
        return True
