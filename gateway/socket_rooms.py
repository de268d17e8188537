"""The subscriptions of one socket: beginning them, `"all"`, replaying, ending them."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from django.conf import settings

from common.errors import TooManyRooms
from common.ids import parse_id
from gateway.feed import RoomFeed
from gateway.frames import error_frame
from gateway.hub import Hub
from gateway.outbox import Outbox
from gateway.subscription import Subscription
from realtime.protocol import (
    Position,
    Refused,
    Resync,
    Started,
    Subscribed,
    Unsubscribed,
    encode_frame,
)
from rooms.selectors import Place, places, places_of

logger = logging.getLogger(__name__)


class Holder(Protocol):
    """The connection they are of."""

    user_id: UUID
    connection_id: str
    outbox: Outbox

    def subscription_behind(self, subscription: Subscription) -> None:
        """It goes on from the log."""

    def subscription_ended(self, subscription: Subscription, reason: str) -> None:
        """The user is out of the room."""


class Wanted:
    """What one `subscribe` asks of the replay."""

    def __init__(self, epoch: str | None = None, most: int | None = None) -> None:
        limit = settings.REPLAY_MAX_EVENTS
        self.epoch = epoch or None
        self.most = limit if most is None else min(most, limit)
        self.budget = settings.REPLAY_MAX_EVENTS_PER_FRAME


class SocketRooms:
    """All of it runs on the event loop; between a snapshot's answer and the ack nothing awaits."""

    def __init__(self, holder: Holder, hub: Hub) -> None:
        self._holder = holder
        self._hub = hub
        self._rooms: dict[UUID, Subscription] = {}
        self._replays: deque[Subscription] = deque()
        self._replayer: asyncio.Task[None] | None = None
        self.all = False
        self._excluded: set[UUID] = set()
        self._too_many: set[UUID] = set()
        self._left: dict[UUID, int] = {}
        self._looking = False
        self._look_again = False
        self._closed = False

    def position(self, room_id: UUID) -> int | None:
        """Where the subscription to a room stands, None without one."""
        subscription = self._rooms.get(room_id)
        return None if subscription is None else subscription.position

    def live(self, room_id: UUID) -> Subscription | None:
        """The subscription to a room, if it has come up with what happens there."""
        subscription = self._rooms.get(room_id)
        return subscription if subscription is not None and subscription.live else None

    def forget_standings(self) -> None:
        """What the user may say is to be read anew, in every room."""
        for subscription in self._rooms.values():
            subscription.kept = None

    async def subscribe(
        self, asked: list[tuple[str, int | None]], wanted: Wanted, *, following: bool = False
    ) -> tuple[list[Position | Refused], list[Subscription]]:
        """Begin subscriptions. The caller sends its answer and then calls `go` with the second value.

        `following`: from then on to each room that is joined, too; not before, or a room that moves just now
        would be begun at its end and its `since` not be looked at.
        """
        user_id = self._holder.user_id
        known = {key for text, _ in asked if (key := parse_id(text)) is not None}
        # Whoever asks for rooms that are none of theirs must not make the process join them on the bus.
        new = self._hub.without_feed(known)
        mine = await self._hub.pool.read(lambda: places(user_id=user_id, room_ids=new)) if new else {}
        out = {key for key in new if key not in mine or mine[key].joined_seq is None}
        feeds = await self._hub.enter(known - out)
        try:
            found = await self._hub.pool.read(lambda: places(user_id=user_id, room_ids=feeds.keys()))
            for key in out & mine.keys():
                found[key] = mine[key]
            if following:
                self.all = True
                self._excluded.clear()
                self._too_many.clear()
            return self._begin(asked, found, feeds, wanted)
        finally:
            for feed in feeds.values():
                feed.release()

    async def subscribe_all(
        self, since: Mapping[str, int | None], wanted: Wanted
    ) -> tuple[list[Position | Refused], list[Subscription]]:
        """Begin a subscription to each of my rooms, and from now on to each I join."""
        user_id = self._holder.user_id
        mine = (await self._hub.pool.read(lambda: places_of([user_id])))[user_id]
        asked: list[tuple[str, int | None]] = []
        for place in mine:
            key = str(place.room_id)
            asked.append((key, since.get(key)))
        listed = {key for key, _ in asked}
        asked += [(key, position) for key, position in since.items() if key not in listed]
        answer = await self.subscribe(asked, wanted, following=True)
        self.look_again()  # what was joined while this was read
        return answer

    def _begin(
        self,
        asked: list[tuple[str, int | None]],
        found: dict[UUID, Place],
        feeds: dict[UUID, RoomFeed],
        wanted: Wanted,
    ) -> tuple[list[Position | Refused], list[Subscription]]:
        answers: list[Position | Refused] = []
        begun: list[Subscription] = []
        for text, since in asked:
            key = parse_id(text)
            place = None if key is None else found.get(key)
            if key is None or place is None or place.joined_seq is None:
                answers.append(Refused(text, "not_a_member" if place and place.public else "not_found"))
                continue
            self._excluded.discard(key)
            standing = self._rooms.get(key)
            if standing is not None:
                answers.append(Position(key, standing.position, None, already=True))
                continue
            if len(self._rooms) >= settings.SOCKET_MAX_ROOMS or self._closed:
                if self.all:
                    self._too_many.add(key)
                answers.append(Refused(text, TooManyRooms.code))
                continue
            resync = None if since is None else _resync(since, place, wanted)
            start = place.last_seq if since is None or resync else since
            begun.append(self._add(feeds[key], place, start))
            answers.append(Position(key, place.last_seq, resync, already=False))
        return answers, begun

    def _add(self, feed: RoomFeed, place: Place, start: int) -> Subscription:
        feed.settle(place.last_seq)
        subscription = Subscription(self._holder, feed, position=start, known_head=place.last_seq)
        self._rooms[place.room_id] = subscription
        self._left.pop(place.room_id, None)
        return subscription

    def go(self, begun: list[Subscription]) -> None:
        """Let subscriptions deliver: at once where nothing was missed, else after their replay."""
        for subscription in begun:
            if not subscription.try_live():
                self._replays.append(subscription)
        if self._replays and self._replayer is None:
            self._replayer = asyncio.get_running_loop().create_task(self._replay())

    async def _replay(self) -> None:
        try:
            while self._replays:
                await self._replays.popleft().replay(self._hub.pool)
        finally:
            self._replayer = None

    def unsubscribe(self, rooms: list[str]) -> None:
        """End these subscriptions; `"all"` leaves them out from now on."""
        for text in rooms:
            key = parse_id(text)
            if key is None:
                continue
            subscription = self._rooms.pop(key, None)
            if self.all and (subscription is not None or len(self._excluded) < settings.SOCKET_MAX_ROOMS):
                self._excluded.add(key)
            if subscription is not None:
                subscription.end()
        if self._too_many:
            self._too_many.clear()
            self.look_again()

    def ended(self, subscription: Subscription, reason: str) -> None:
        """The user left the room or was taken out of it: say so."""
        self._rooms.pop(subscription.room_id, None)
        self._left[subscription.room_id] = subscription.position
        self._holder.outbox.put(encode_frame(Unsubscribed(subscription.room_id, reason)))
        self.look_again()  # they may be in again, and have been told so before this late end

    def look_again(self) -> None:
        """Memberships may have moved: under `"all"`, begin what is new. Never edited step by step."""
        if not self.all or self._closed:
            return
        self._look_again = True
        if not self._looking:
            self._looking = True
            self._hub.spawn(self._look())

    def compare(self, mine: list[Place]) -> None:
        """As `look_again`, with the memberships read already."""
        if self.all and any(self._is_new(place) and place.room_id not in self._too_many for place in mine):
            self.look_again()

    async def _look(self) -> None:
        user_id = self._holder.user_id
        try:
            while self._look_again and not self._closed:
                self._look_again = False
                mine = (await self._hub.pool.read(lambda: places_of([user_id])))[user_id]
                fresh = [place for place in mine if self._is_new(place)]
                room = settings.SOCKET_MAX_ROOMS - len(self._rooms)
                if fresh[:room]:
                    await self._join(fresh[:room])
                self._refuse({place.room_id for place in fresh[room:]})
        except Exception as error:  # the hub's next check looks again
            logger.warning("memberships of a socket: %s", type(error).__name__)
        finally:
            self._looking = False

    def _is_new(self, place: Place) -> bool:
        """Not subscribed, not taken out by the client, and not a membership that ended meanwhile."""
        key = place.room_id
        assert place.joined_seq is not None
        return (
            key not in self._rooms and key not in self._excluded and place.joined_seq > self._left.get(key, 0)
        )

    def _refuse(self, rooms: set[UUID]) -> None:
        """Say once that there is no room for these; they are begun when there is."""
        told = rooms <= self._too_many
        self._too_many = rooms
        if not told:
            self._holder.outbox.put(
                error_frame(None, TooManyRooms(f"At most {settings.SOCKET_MAX_ROOMS} rooms a socket."))
            )

    async def _join(self, fresh: list[Place]) -> None:
        feeds = await self._hub.enter(place.room_id for place in fresh)
        try:
            user_id = self._holder.user_id
            found = await self._hub.pool.read(
                lambda: places(user_id=user_id, room_ids=[place.room_id for place in fresh])
            )
            begun = [
                self._add(feeds[place.room_id], place, place.joined_seq - 1)
                for place in found.values()
                if place.joined_seq is not None
                and self._is_new(place)
                and not self._closed
                and len(self._rooms) < settings.SOCKET_MAX_ROOMS
            ]
            if begun:
                started = [Started(s.room_id, s.position, None) for s in begun]
                self._holder.outbox.put(encode_frame(Subscribed(started)))
                self.go(begun)
        finally:
            for feed in feeds.values():
                feed.release()

    def close(self) -> None:
        """The socket is gone: end everything."""
        self._closed = True
        self._replays.clear()
        if self._replayer is not None:
            self._replayer.cancel()
        for subscription in self._rooms.values():
            subscription.end()
        self._rooms.clear()


def _resync(since: int, place: Place, wanted: Wanted) -> Resync | None:
    """Why the log cannot be replayed from `since`, or None; what can is taken off the budget."""
    if wanted.epoch is not None and place.epoch is not None and wanted.epoch != place.epoch:
        return "epoch"
    missed = place.last_seq - since
    if missed < 0:
        return "ahead"
    if since < place.first_seq - 1 or missed > wanted.most or missed > wanted.budget:
        return "too_far_behind"
    wanted.budget -= missed
    return None
