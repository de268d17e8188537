"""One socket's place in one room: its own position, and how it comes to the end of the log."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings

from gateway.feed import RoomFeed
from gateway.outbox import Outbox
from gateway.pool import DatabasePool
from gateway.run import Hint, Run
from messaging.events import read_events
from realtime.publish import RoomEvent
from rooms.selectors import Standing

logger = logging.getLogger(__name__)

_RETRY_S = 0.5


class Owner(Protocol):
    """The connection a subscription belongs to."""

    user_id: UUID
    connection_id: str
    outbox: Outbox

    def subscription_behind(self, subscription: "Subscription") -> None:
        """It has to be replayed: the socket does not read as fast as the room goes on."""

    def subscription_ended(self, subscription: "Subscription", reason: str) -> None:
        """The user is out of the room; the subscription delivers nothing more."""


class Kept(NamedTuple):
    """What a subscription's user may do in its room, and the loop's time when that was asked."""

    standing: Standing
    asked_at: float


class Subscription:
    """Delivers the events after `position`, each once, in order, until it ends.

    `known_head` is the log's end when the user was last seen to be a member: a `member.left` of
    theirs at or below it is history, a later one ends the subscription. `kept` is gateway/voice.py's, and
    gone with the next event that changes their membership.
    """

    __slots__ = ("_known_head", "_outbox", "ended", "feed", "kept", "owner", "position")

    def __init__(self, owner: Owner, feed: RoomFeed, *, position: int, known_head: int) -> None:
        self.owner = owner
        self.feed = feed
        self.position = position
        self.ended = False
        self.kept: Kept | None = None
        self._known_head = known_head
        self._outbox = owner.outbox
        feed.holders += 1

    @property
    def room_id(self) -> UUID:
        """The room it is of."""
        return self.feed.room_id

    @property
    def live(self) -> bool:
        """Whether it gets what happens as it happens; else it is still reading the log."""
        return self in self.feed.live

    def deliver_run(self, run: Run, *, counted: bool = True) -> None:
        """Send a run of events on, whole where all of it is new and none can end the subscription."""
        if self.position != run.before or run.personal or self.ended:
            for event in run.events:
                if event.seq > self.position and not self.ended and not self._deliver(event, counted=counted):
                    return
        elif self._put(run, counted=counted):
            self.position = run.last

    def _put(self, run: Run, *, counted: bool) -> bool:
        """Whether the socket took it. If not, the subscription goes on from the log, as the socket reads: a burst
        closes nobody who does."""
        if self._outbox.put_run(run, counted=counted):
            return True
        self.feed.live.discard(self)
        self.owner.subscription_behind(self)
        return False

    def hint(self, hint: Hint) -> None:
        """Send an unnumbered frame, unless it is from this very person or socket."""
        if hint.user != self.owner.user_id and hint.socket != self.owner.connection_id:
            self._outbox.put_hint(hint)

    def _deliver(self, event: RoomEvent, *, counted: bool) -> bool:
        """Send the next event on; False where the socket did not take it."""
        if not self._put(Run([event]), counted=counted):
            return False
        self.position = event.seq
        if event.seq > self._known_head:
            if event.ends_for(self.owner.user_id):
                self.end()
                self.owner.subscription_ended(self, event.reason)
            elif event.member == self.owner.user_id:
                self.kept = None
        return True

    def end(self) -> None:
        """Deliver nothing more."""
        if not self.ended:
            self.ended = True
            self.kept = None
            self.feed.live.discard(self)
            self.feed.release()

    def try_live(self) -> bool:
        """Join the feed where the position has come up with it; False where the log must be read first."""
        head = self.feed.head
        if self.ended or head is None or self.position >= head:
            if not self.ended:
                self.feed.live.add(self)
            return True
        return False

    async def replay(self, pool: DatabasePool) -> None:
        """Read the log page by page as the socket drains, then join the feed. Nothing is buffered.

        After a page that REPLAY_PAGE_BYTES has cut short the next one is read so small that little is read in vain.
        """
        limit = settings.REPLAY_PAGE_EVENTS
        while not self.try_live():
            await self._outbox.drained()
            if self._outbox.closing:
                return
            try:
                events = await pool.read(
                    lambda limit=limit: read_events(  # type: ignore[misc]  # bound now, not later
                        self.room_id, self.position, limit, settings.REPLAY_PAGE_BYTES
                    )
                )
            except Exception as error:
                logger.warning("log of room %s: %s", self.room_id, type(error).__name__)
                await asyncio.sleep(_RETRY_S)
                continue
            limit = min(settings.REPLAY_PAGE_EVENTS, 2 * len(events) or 1)
            for run in _runs(events):
                self.deliver_run(run, counted=False)
                if self._outbox.full:
                    await self._outbox.drained()
            if not events:  # the log is shorter than the feed: a restored database, whose epoch will tell
                await asyncio.sleep(_RETRY_S)


def _runs(events: Sequence[RoomEvent]) -> Iterator[Run]:
    """The events in runs of about SOCKET_REPLAY_AHEAD_BYTES: one write each instead of one an event."""
    start = size = 0
    for end, event in enumerate(events, 1):
        size += len(event.frame)
        if size >= settings.SOCKET_REPLAY_AHEAD_BYTES or end == len(events):
            yield Run(events[start:end])
            start, size = end, 0
