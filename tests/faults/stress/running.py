"""One run: a plan carried out on a cluster, and what came of it."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.client.resuming import ResumingClient
from tests.faults.cluster import Cluster
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.proxy import Proxy
from tests.faults.stores import Stores
from tests.faults.stress import holdings
from tests.faults.stress.faults import Breaker
from tests.faults.stress.holdings import Holdings
from tests.faults.stress.plan import ROOMS, Fault, Plan
from tests.faults.stress.scene import Scene
from tests.faults.traffic import percentile

# Shortened, as the hub's check is by Cluster; and a token lives longer than a run.
SETTINGS = {"SOCKET_CLOSE_SPREAD_S": "0.5", "PLACE_LEASE_S": "3", "ACCESS_TOKEN_S": "86400"}
KNOCK_S = 0.7
WARM_SENDS = 30  # a room, before what is held is counted for the first time
PLANNED_SHARE = 0.9  # of the sends a plan means; a busy machine makes fewer


@dataclass
class Outcome:
    """What a run did, and `wrong`: every violation in words."""

    plan: Plan
    wrong: list[str] = field(default_factory=list)
    sends: int = 0
    events: int = 0
    deliveries: int = 0
    reconnects: int = 0
    moves: int = 0
    faults: int = 0
    ack_p99_s: float = 0.0
    took_s: float = 0.0

    def __str__(self) -> str:
        kept = "kept" if not self.wrong else f"BROKEN, {len(self.wrong)} violations"
        return (
            f"seed {self.plan.seed}: {kept}; {self.faults} faults, {self.moves} moves, {self.sends} sends, "
            f"{self.events} events, {self.deliveries} deliveries, {self.reconnects} reconnects, "
            f"ack p99 {self.ack_p99_s:.2f} s, {self.took_s:.0f} s"
        )


@contextlib.contextmanager
def cluster(folder: Path, env: Mapping[str, str] = {}) -> Iterator[Cluster]:
    """Stores and two workers of a run's own."""
    thread = LoopThread()
    try:
        with Stores() as stores, Cluster(stores, thread, folder, {**SETTINGS, **env}) as two:
            yield two
    finally:
        thread.close()


async def warm_up(two: Cluster) -> Holdings:
    """What the workers hold when they have served and nobody is there any more."""
    people = People(two)
    with _second_way(two) as second:
        scene = Scene(two, people, second)
        try:
            await scene.open()
            scene.begin(20)
            await asyncio.gather(*(traffic.reached(WARM_SENDS) for traffic in scene.traffic))
            await scene.settle()
        finally:
            await scene.close()
            await people.close()
    nothing = {
        "inbound": 0,
        "people": 0,
        "rooms": 0,
        "groups": 1,
        "joined": 1,
        "tasks": 1000,
        "threads": 1000,
    }
    empty = {worker.name: nothing | {"fds": 1000, "rss": 1 << 40} for worker in two.workers}
    before, wrong = await holdings.settled(two, Holdings(empty, channels=1 << 20))
    assert not wrong, f"after the warm-up: {wrong}"
    return before


@contextlib.contextmanager
def _second_way(two: Cluster) -> Iterator[Proxy]:
    with Proxy(two.thread, [("127.0.0.1", worker.port) for worker in two.workers]) as second:
        yield second


async def run(
    two: Cluster, plan: Plan, before: Holdings | None, device: type[ResumingClient] = ResumingClient
) -> Outcome:
    """Carry a plan out; the workers run when it returns.

    Args:
        before: what they held when nobody was there; None: what they hold in the end is not looked at.
    """
    outcome = Outcome(plan)
    started = time.monotonic()
    people = People(two)
    two.alarms()  # not this run's
    with _second_way(two) as second:
        scene = Scene(two, people, second, device)
        try:
            await scene.open()
            await _perform(scene, plan, outcome)
        finally:
            await scene.close()
            await people.close()
    outcome.wrong += scene.wrong
    for worker in two.workers:
        if worker.pid is None:
            outcome.wrong.append(f"worker {worker.name} does not run")
            worker.start()
            worker.wait_ready()
    if before is not None:
        _, more = await holdings.settled(two, before)
        outcome.wrong += more
    outcome.wrong += [f"in a log: {text}" for text in two.alarms()]
    outcome.took_s = time.monotonic() - started
    return outcome


async def _perform(scene: Scene, plan: Plan, outcome: Outcome) -> None:
    started = time.monotonic()
    scene.begin(plan.per_s)
    breaker = Breaker(scene)
    knocking = asyncio.create_task(_knock(scene, plan.seed))
    await asyncio.gather(
        _lane(breaker, plan.stores, started, outcome),
        _lane(breaker, plan.processes, started, outcome),
        scene.carry_out(plan, started),
        asyncio.sleep(plan.seconds),
    )
    knocking.cancel()
    await scene.settle()
    reports = await scene.judge()
    for number, report in enumerate(reports):
        outcome.wrong += [f"room {number}: {text}" for text in report.details]
        outcome.events += report.events
        outcome.deliveries += report.delivered
        outcome.sends += report.acked
    acks = [latency for traffic in scene.traffic for latency in traffic.latencies_s()]
    outcome.ack_p99_s = percentile(acks, 99) if acks else 0.0
    outcome.reconnects = scene.reconnects
    outcome.moves = scene.moves_made
    outcome.wrong += _not_done(scene, plan, outcome)


def _not_done(scene: Scene, plan: Plan, outcome: Outcome) -> list[str]:
    """What was planned and did not happen: a run that did nothing would find nothing."""
    wrong = []
    planned = PLANNED_SHARE * plan.per_s * plan.seconds * len(ROOMS)
    if outcome.sends < planned:
        wrong.append(f"{outcome.sends} sends, and {planned:.0f} were planned")
    if outcome.deliveries < outcome.events * 4:
        wrong.append(f"only {outcome.deliveries} deliveries of {outcome.events} events")
    if outcome.faults < len(plan.faults):
        wrong.append(f"{outcome.faults} faults, and {len(plan.faults)} were planned")
    if outcome.moves < len(plan.moves):
        wrong.append(f"{outcome.moves} moves, and {len(plan.moves)} were planned")
    if not scene.asked_by_stranger:
        wrong.append("the stranger never asked")
    throwing = [f for f in plan.processes if f.kind not in ("the bus drops messages", "a reader is slow")]
    if throwing and not outcome.reconnects:
        wrong.append("nobody had to come back")
    return wrong


async def _lane(breaker: Breaker, faults: tuple[Fault, ...], started: float, outcome: Outcome) -> None:
    for fault in faults:
        await asyncio.sleep(max(0.0, started + fault.at_s - time.monotonic()))
        try:
            await breaker.carry_out(fault)
            outcome.faults += 1
        except AssertionError as error:
            outcome.wrong.append(f"{fault}: {error!s:.600}")
        outcome.wrong += [f"after {fault}: {text}" for text in breaker.scene.so_far()[:3]]


async def _knock(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    while True:
        await scene.knock(chance)
        await asyncio.sleep(KNOCK_S)
