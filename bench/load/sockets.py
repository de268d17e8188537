"""Playing a plan over WebSockets."""

import asyncio
from collections.abc import Callable
from time import perf_counter

from bench.load import proc
from bench.load.connection import Sender
from bench.load.crowd import DRAIN_S, Crowd
from bench.load.meter import Meter
from bench.load.plan import Bursts, Closed, Found, Idle, Open, Plan, Reconnect, percentiles

STALL_S = 30.0  # an own message that took longer is given up on
SETTLE_S = 0.5  # Redis confirms a subscription late
PAUSE_S = 0.001


async def play(plan: Plan) -> Found:
    """One run over WebSockets."""
    crowd = Crowd(plan)
    match plan.load:
        case Idle(warm):
            await _idle(crowd, warm)
        case Reconnect(missed):
            await _reconnect(crowd, missed)
        case Closed() | Open() | Bursts():
            await _traffic(crowd)
    crowd.verdict()
    crowd.close()
    return crowd.found


async def _traffic(crowd: Crowd) -> None:
    plan = crowd.plan
    begun = perf_counter()
    await crowd.connect(plan.seats)
    crowd.found.connects_per_s = len(plan.seats) / (perf_counter() - begun)
    senders = crowd.seat_senders()
    await asyncio.sleep(SETTLE_S)
    sending = asyncio.create_task(_sending(plan, senders))
    given_up = asyncio.create_task(_give_up(crowd, senders))
    await asyncio.sleep(min(2.0, plan.seconds / 4))
    async with crowd.window():
        await asyncio.sleep(plan.seconds)
    if isinstance(plan.load, Open | Bursts):
        crowd.found.behind = sum(len(sender.under_way) for sender in senders)
    for sender in senders:
        sender.again = False
    sending.cancel()
    await crowd.drained()
    given_up.cancel()
    if isinstance(plan.load, Open | Bursts):
        # The slowest belong to the numbers too: the window's end must not cut them off.
        crowd.found.latency_ms = percentiles(crowd.board.latencies)
        crowd.found.ack_ms = percentiles(crowd.board.acks)


async def _sending(plan: Plan, senders: list[Sender]) -> None:
    match plan.load:
        case Closed(outstanding):
            for sender in senders:
                sender.again = True
                for _ in range(outstanding):
                    sender.send(perf_counter())
        case Open(rate):
            await _paced(lambda number, due: senders[number % len(senders)].send(due), 1 / rate)
        case Bursts(size, every_s):

            def burst(_: int, due: float) -> None:
                for number in range(size):
                    senders[number % len(senders)].send(due)

            await _paced(burst, every_s)


async def _paced(act: Callable[[int, float], None], every_s: float) -> None:
    """Call `act(number, due)` at its times, which do not wait for anything; late ones at once."""
    begun, number = perf_counter(), 0
    while True:
        while (due := begun + number * every_s) <= perf_counter():
            act(number, due)
            number += 1
        await asyncio.sleep(max(PAUSE_S, due - perf_counter()))


async def _give_up(crowd: Crowd, senders: list[Sender]) -> None:
    while True:
        await asyncio.sleep(1)
        for sender in senders:
            crowd.found.stalled += sender.give_up(perf_counter() - STALL_S)


async def _idle(crowd: Crowd, warm: int) -> None:
    plan = crowd.plan
    await crowd.connect(plan.seats[:warm])
    await asyncio.sleep(plan.seconds)
    before = proc.memory_bytes(plan.watch["server"])
    begun = perf_counter()
    await crowd.connect(plan.seats[warm:])
    crowd.found.connects_per_s = (len(plan.seats) - warm) / (perf_counter() - begun)
    await asyncio.sleep(plan.seconds)
    after = proc.memory_bytes(plan.watch["server"])
    crowd.found.memory_bytes = (after - before) / (len(plan.seats) - warm)
    meter = Meter(plan.watch)
    await asyncio.sleep(plan.seconds)
    meter.stop(crowd.found)


async def _reconnect(crowd: Crowd, missed: int) -> None:
    plan, found = crowd.plan, crowd.found
    for room in crowd.rooms:
        room.head -= missed
        room.sent = missed
    meter = Meter(plan.watch)
    connecting = asyncio.create_task(crowd.connect(plan.seats, missed=missed))
    end = perf_counter() + DRAIN_S
    while perf_counter() < end and not (connecting.done() and crowd.received >= crowd.due):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    meter.stop(found)
    found.took_s = found.seconds
    found.deliveries = crowd.received
    await connecting
