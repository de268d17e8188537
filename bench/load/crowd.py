"""All connections of a plan: opening them, waiting for what is due, and what each of them got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from bench.load.connection import Board, Connection, Sender
from bench.load.ledger import Room
from bench.load.meter import Meter
from bench.load.plan import Found, Plan, Seat, percentiles
from bench.load.wires import WIRES

DRAIN_S = 90.0  # for what is on its way when sending stops …
QUIET_S = 20.0  # … or until nothing came for so long; the tutorial is silent for 15 s and still delivers
WATCHED_A_ROOM = 20  # connections whose deliveries are timed


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
        found, board = self.found, self.board
        own, got = board.own, self.received
        del board.latencies[:], board.acks[:]
        meter = Meter(self.plan.watch)
        yield
        meter.stop(found)
        found.messages, found.deliveries = board.own - own, self.received - got
        found.latency_ms, found.ack_ms = percentiles(board.latencies), percentiles(board.acks)
