"""One room's events in this process, in `seq` order, whatever the bus does with them.

The feed knows the room's head; each subscription its own position. The next number is delivered,
a gap is first read from the log, and what is not above the position has no effect at all.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from django.conf import settings

from gateway.pool import DatabasePool
from gateway.run import Hint, Run
from messaging.events import read_events
from realtime.publish import RoomEvent

logger = logging.getLogger(__name__)

_WAITING_MAX = 1_000  # events ahead of a gap; more are read from the log anyway
_RETRY_S = 0.5


class Subscriber(Protocol):
    """Whoever a feed delivers to."""

    def hint(self, hint: Hint) -> None:
        """Take an unnumbered frame."""

    def deliver_run(self, run: Run) -> None:
        """Take the events of it that are above one's position."""


class RoomFeed:
    """Delivers to the subscriptions in `live`. `holders` counts whoever still needs the feed."""

    def __init__(self, room_id: UUID, pool: DatabasePool, on_idle: Callable[["RoomFeed"], None]) -> None:
        self.room_id = room_id
        self.head: int | None = None
        self.live: set[Subscriber] = set()
        self.holders = 0
        self.memberships_changed = 0  # how often, as delivered here
        self.joined: asyncio.Future[None] | None = None
        self._pool = pool
        self._on_idle = on_idle
        self._waiting: dict[int, RoomEvent] = {}
        self._target = 0
        self._timer: asyncio.TimerHandle | None = None
        self._repair: asyncio.Task[None] | None = None

    def release(self) -> None:
        """One holder less; without any the feed ends."""
        self.holders -= 1
        if self.holders == 0:
            if self._timer is not None:
                self._timer.cancel()
            if self._repair is not None:
                self._repair.cancel()
            self._on_idle(self)

    def offer(self, events: Iterable[RoomEvent]) -> None:
        """Take events from the bus or the log: any of them, in any order, any number of times."""
        following: list[RoomEvent] = []
        for event in events:
            head = following[-1].seq if following else self.head
            if head is None or event.seq > head + 1:
                if head is not None and not settings.GAP_REPAIR:
                    self._advance(following)
                    self._advance([event])
                    following = []
                elif len(self._waiting) < _WAITING_MAX:
                    self._waiting[event.seq] = event
                    self._target = max(self._target, event.seq)
            elif event.seq == head + 1:
                following.append(event)
                if self._waiting:
                    self._follow(following)
        self._advance(following)
        self._mind_gap(settings.HUB_GAP_GRACE_S)

    def hint(self, hint: Hint) -> None:
        """Pass an unnumbered frame to whoever is up to date; the others would get it in the wrong place."""
        for subscriber in tuple(self.live):
            subscriber.hint(hint)

    def settle(self, head: int) -> None:
        """The log is known to reach `head`: where a new feed starts, or what an old one has to reach."""
        if self.head is None:
            self.head = head
            for seq in [seq for seq in self._waiting if seq <= head]:
                del self._waiting[seq]
            self._take_waiting()
        self.expect(head)

    def expect(self, head: int, *, grace_s: float | None = None) -> None:
        """Read from the log what the bus has not brought up to `head` within `grace_s` seconds."""
        self._target = max(self._target, head)
        self._mind_gap(settings.HUB_GAP_GRACE_S if grace_s is None else grace_s)

    def _take_waiting(self) -> None:
        assert self.head is not None
        following: list[RoomEvent] = []
        if (event := self._waiting.pop(self.head + 1, None)) is not None:
            following.append(event)
            self._follow(following)
        self._advance(following)

    def _follow(self, following: list[RoomEvent]) -> None:
        """Take what waited for the last of them."""
        while self._waiting and (event := self._waiting.pop(following[-1].seq + 1, None)) is not None:
            following.append(event)

    def _advance(self, following: list[RoomEvent]) -> None:
        """Deliver consecutive events, of which the first is the next."""
        if not following:
            return
        run = Run(following)
        self.head = run.last
        self.memberships_changed += run.personal
        for subscriber in tuple(self.live):
            subscriber.deliver_run(run)

    def _mind_gap(self, grace_s: float) -> None:
        """Start reading the log after the grace, unless the gap is closed by then."""
        if not settings.GAP_REPAIR or self.head is None or self._target <= self.head:
            return
        if self._timer is None and self._repair is None and self.holders > 0:
            self._timer = asyncio.get_running_loop().call_later(grace_s, self._start_repair)

    def _start_repair(self) -> None:
        self._timer = None
        if self.head is not None and self._target > self.head:
            self._repair = asyncio.get_running_loop().create_task(self._read_log())

    async def _read_log(self) -> None:
        try:
            while self.head is not None and self._target > self.head:
                after = self.head
                try:
                    events = await self._pool.read(
                        lambda after=after: read_events(  # type: ignore[misc]  # bound now, not later
                            self.room_id, after, settings.REPLAY_PAGE_EVENTS, settings.REPLAY_PAGE_BYTES
                        )
                    )
                except Exception as error:
                    logger.warning("log of room %s: %s", self.room_id, type(error).__name__)
                    await asyncio.sleep(_RETRY_S)
                    continue
                head = self.head  # the bus may have gone on meanwhile
                self._advance([event for event in events if event.seq > head])
                for seq in [seq for seq in self._waiting if seq <= self.head]:
                    del self._waiting[seq]
                self._take_waiting()
                if not events and self._target > self.head:
                    self._target = self.head  # announced, but not in the log: nothing to wait for
        finally:
            self._repair = None
