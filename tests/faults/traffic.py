"""Senders that keep a pace, and what became of each send."""

import asyncio
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Self

from tests.client.rest import Rest, Sent

# room, client_id, body → the acknowledged send
Send = Callable[[str, str, str], Awaitable[Sent]]


def by_rest(rest: Rest, deadline_s: float = 30.0) -> Send:
    """Sends over REST, repeated until acknowledged."""
    return partial(rest.send_until_acked, deadline_s=deadline_s)


class Traffic:
    """Together the senders make `per_s` sends a second, each in turn, whether or not earlier ones are acked.

    `asked` holds when each `client_id` was first tried (`time.monotonic()`), `sent` the acknowledged ones in the
    order of their acks, `failed` why others were not.
    """

    def __init__(self, room: str, senders: Sequence[Send], per_s: float, *, body: str = "hello") -> None:
        self.room = room
        self.asked: dict[str, float] = {}
        self.sent: list[Sent] = []
        self.failed: list[str] = []
        self._senders = senders
        self._per_s = per_s
        self._body = body
        self._mark = secrets.token_hex(4)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pace: asyncio.Task[None] | None = None
        self._stopping = False
        self._moved = asyncio.Condition()

    def start(self, count: int | None = None) -> Self:
        """Begin; `count` sends, or until `stop`."""
        self._pace = asyncio.create_task(self._run(count))
        return self

    async def _run(self, count: int | None) -> None:
        started, made = time.monotonic(), 0
        while not self._stopping and (count is None or made < count):
            await asyncio.sleep(max(0.0, started + made / self._per_s - time.monotonic()))
            task = asyncio.create_task(self._one(made))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            made += 1

    async def _one(self, number: int) -> None:
        client_id = f"{self._mark}-{number}"
        self.asked[client_id] = time.monotonic()
        async with self._moved:
            self._moved.notify_all()
        try:
            send = self._senders[number % len(self._senders)]
            self.sent.append(await send(self.room, client_id, f"{number} {self._body}"))
        except Exception as error:
            self.failed.append(f"{client_id}: {error!r:.300}")

    async def reached(self, count: int, timeout_s: float = 60.0) -> None:
        """Wait until so many sends were tried."""
        async with asyncio.timeout(timeout_s), self._moved:
            while len(self.asked) < count:
                await self._moved.wait()

    async def finish(self, timeout_s: float = 60.0) -> None:
        """Wait until all `count` sends were made and settled."""
        assert self._pace is not None
        async with asyncio.timeout(timeout_s):
            await self._pace
            while self._tasks:
                await asyncio.wait(set(self._tasks))

    async def stop(self, timeout_s: float = 60.0) -> None:
        """Make no more, and wait until the others have settled."""
        self._stopping = True
        await self.finish(timeout_s)

    @property
    def acked(self) -> list[str]:
        return [sent.client_id for sent in self.sent]

    def latencies_s(self, since: float = -math.inf, until: float = math.inf) -> list[float]:
        """First try to ack, of the sends first tried in that time."""
        return [sent.latency_s for sent in self.sent if since <= sent.asked_at < until]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not below `percent` of them."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
