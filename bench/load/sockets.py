"""Playing a plan over WebSockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter

from bench.load import proc
from bench.load.connection import Board, Connection, Sender
from bench.load.ledger import Room
from bench.load.plan import Bursts, Closed, Found, Idle, Open, Plan, Reconnect, Seat, percentiles
from bench.load.wires import WIRES

STALL_S = 30.0  # an own message that took longer is given up on
DRAIN_S = 90.0  # for what is on its way when sending stops …
QUIET_S = 20.0  # … or until nothing came for so long; the tutorial is silent for 15 s and still delivers
SETTLE_S = 0.5  # Redis confirms a subscription late
WATCHED_A_ROOM = 20  # connections whose deliveries are timed
PAUSE_S = 0.001
MIB = 1024 * 1024


class Crowd:
    """All connections of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.board = Board(WIRES[plan.wire])
        heads = plan.heads or [0] * len(plan.rooms)
        self.rooms = [Room(room, head) for room, head in zip(plan.rooms, heads, strict=True)]
        self.connections: list[Connection] = []

    @property
    def found(self) -> Found:
        return self.board.found

    async def connect(self, seats: list[Seat], *, missed: int | None = None) -> None:
        """Open all seats, so many at once as the plan says. One that stays out counts as an error."""
        gate = asyncio.Semaphore(self.plan.connect_at_once)
        new = [self._connection(seat) for seat in seats]
        self.connections += new

        async def one(seat: Seat, connection: Connection) -> None:
            async with gate:
                rooms = [self.plan.rooms[index] for index in seat.rooms]
                since = (
                    [self.plan.heads[index] - missed for index in seat.rooms] if missed is not None else None
                )
                try:
                    await connection.open(self.plan.address, seat.token, rooms, since)
                except (OSError, RuntimeError, TimeoutError, ValueError) as error:
                    self.found.add_error(f"connecting: {type(error).__name__} {error}")
                except Exception as error:  # picows' own have no base in common
                    self.found.add_error(f"connecting: {error!r}")

        await asyncio.gather(*(one(seat, connection) for seat, connection in zip(seats, new, strict=True)))

    def _connection(self, seat: Seat) -> Connection:
        return Connection(self.board, self.rooms[seat.rooms[0]] if len(seat.rooms) == 1 else None)

    def seat_senders(self) -> list[Sender]:
        """The plan's senders, on their connections; some receivers of each room are timed too."""
        body = "x" * self.plan.body_bytes
        senders = []
        for number, index in enumerate(self.plan.senders):
            connection = self.connections[index]
            assert connection.room is not None
            frame = self.board.wire.frames(connection.room.id, self.plan.run, number, body)
            sender = Sender(number, connection, connection.room, frame)
            self.board.senders[number] = sender
            senders.append(sender)
        self.watch_some()
        return senders

    def watch_some(self) -> None:
        members: dict[int, list[Connection]] = {}
        for connection in self.connections:
            if connection.room is not None:
                members.setdefault(id(connection.room), []).append(connection)
        for everybody in members.values():
            for connection in everybody[:: max(1, len(everybody) // WATCHED_A_ROOM)]:
                connection.watches = True

    @property
    def received(self) -> int:
        return sum(connection.received for connection in self.connections)

    @property
    def due(self) -> int:
        return sum(connection.room.expected for connection in self.connections if connection.room)

    async def drained(self) -> None:
        """Return when everything due has come, or nothing comes any more."""
        end = perf_counter() + DRAIN_S
        last, since = -1, perf_counter()
        while perf_counter() < end:
            got = self.received
            if got != last:
                last, since = got, perf_counter()
            if (
                sum(connection.distinct for connection in self.connections) >= self.due
                or perf_counter() - since > QUIET_S
            ):
                return
            await asyncio.sleep(0.05)

    def verdict(self) -> None:
        """Count what is lost, doubled and out of order, on every connection."""
        found = self.found
        for connection in self.connections:
            if connection.room is not None:
                found.expected += connection.room.expected
                found.lost += max(0, connection.room.expected - connection.distinct)
            if connection.seen is not None:
                found.doubled += connection.seen.doubled
                found.disordered += connection.seen.disordered
        found.sent = sum(room.sent for room in self.rooms)

    def close(self) -> None:
        self.board.ending = True
        for connection in self.connections:
            if connection.transport is not None:
                connection.transport.disconnect(False)

    @asynccontextmanager
    async def window(self) -> AsyncIterator[None]:
        """Counts, rates and CPU are of the time inside."""
        found, board, watch = self.found, self.board, self.plan.watch
        own, got = board.own, self.received
        del board.latencies[:], board.acks[:]
        cpu = {name: proc.cpu_us(pid) for name, pid in watch.items()}
        mine, begun = time.process_time(), perf_counter()
        yield
        found.seconds = perf_counter() - begun
        found.client_share = (time.process_time() - mine) / found.seconds
        found.cpu_us = {name: proc.cpu_us(pid) - cpu[name] for name, pid in watch.items()}
        found.messages, found.deliveries = board.own - own, self.received - got
        found.latency_ms, found.ack_ms = percentiles(board.latencies), percentiles(board.acks)


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
    cpu = proc.cpu_us(plan.watch["server"])
    await asyncio.sleep(plan.seconds)
    crowd.found.seconds = plan.seconds
    crowd.found.cpu_us = {"server": proc.cpu_us(plan.watch["server"]) - cpu}


async def _reconnect(crowd: Crowd, missed: int) -> None:
    plan, found = crowd.plan, crowd.found
    for room in crowd.rooms:
        room.head -= missed
        room.sent = missed
    cpu = {name: proc.cpu_us(pid) for name, pid in plan.watch.items()}
    mine, begun = time.process_time(), perf_counter()
    connecting = asyncio.create_task(crowd.connect(plan.seats, missed=missed))
    end = begun + DRAIN_S
    while perf_counter() < end and not (connecting.done() and crowd.received >= crowd.due):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    found.took_s = found.seconds = perf_counter() - begun
    found.client_share = (time.process_time() - mine) / found.took_s
    found.cpu_us = {name: proc.cpu_us(pid) - cpu[name] for name, pid in plan.watch.items()}
    found.deliveries = crowd.received
    await connecting
