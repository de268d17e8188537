"""The hub, one a process: what the bus says goes to the feeds, what it kept silent is found in the log.

One channel-layer subscription for each room and person with a local socket, however many sockets.
Heads, memberships and sessions of all of them are compared with the database, in one query each,
every HUB_CHECK_S; every HUB_CHECK_BUS_DOWN_S while the bus fails.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.selectors import ended_credentials
from accounts.token_uses import token_uses
from common.tasks import cancel_and_wait
from gateway.bus import Bus
from gateway.connection import Connection, Stranger, tell
from gateway.feed import RoomFeed
from gateway.pool import DatabasePool
from gateway.run import Hint
from realtime import groups
from realtime.publish import read_room_message
from rooms.selectors import Head, Place, current_epoch, heads, places_of

logger = logging.getLogger(__name__)

_CLOSING_STEPS = 100
_CLOSING_PAUSE_S = 0.01  # a socket, when there are few


class Hub:
    """See the module. All of it runs on one event loop; nothing of it blocks."""

    def __init__(self) -> None:
        self.pool = DatabasePool(settings.SOCKET_DATABASE_THREADS, "socket-db")
        self.bus = Bus(self._on_message, self._on_bus_turn)
        self._feeds: dict[UUID, RoomFeed] = {}
        self._people: dict[UUID, set[Connection]] = {}
        self._strangers: set[Stranger] = set()  # who have not said yet who they are
        self._young: set[UUID] = set()  # rooms and people whose group the bus may not have confirmed yet
        self._young_timer: asyncio.TimerHandle | None = None
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._check_now = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._epoch: str | None = None

    # --- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to listen and to check."""
        self.bus.start()
        if settings.GAP_REPAIR:
            self.spawn(self._check_for_ever())

    async def stop(self) -> None:
        """End everything that runs."""
        if self._young_timer is not None:
            self._young_timer.cancel()
        await self.bus.stop()
        await cancel_and_wait(self._tasks)
        self.pool.stop()

    def spawn(self, work: Any) -> None:
        """Run a coroutine in the background and keep hold of it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- who is here --------------------------------------------------------------------------

    def knock(self, stranger: Stranger) -> None:
        """A socket is here that is nobody's yet; `arrive` or `pass_by` follows."""
        self._strangers.add(stranger)
        self._nobody.clear()

    async def arrive(self, connection: Connection) -> None:
        """An authenticated socket is here: what concerns its user reaches it from now on."""
        self._strangers.discard(connection)
        local = self._people.setdefault(connection.user_id, set())
        local.add(connection)
        self._nobody.clear()
        self._check_soon(connection.user_id)
        if len(local) == 1:
            await self.bus.join(groups.user(connection.user_id))

    def renewed(self, connection: Connection) -> None:
        """It may have another session now, which may have ended while the token was looked at."""
        self._check_soon(connection.user_id)

    def pass_by(self, stranger: Stranger) -> None:
        """It is gone; it may never have been anybody's."""
        self._strangers.discard(stranger)
        self._see_who_is_left()

    def _see_who_is_left(self) -> None:
        if not self._people and not self._strangers:
            self._nobody.set()

    def depart(self, connection: Connection) -> None:
        """It is gone."""
        local = self._people.get(connection.user_id)
        if local is None or connection not in local:
            return
        local.discard(connection)
        if not local:
            del self._people[connection.user_id]
            self._see_who_is_left()
            self.spawn(self._forget(connection.user_id))

    async def _forget(self, user_id: UUID) -> None:
        if user_id not in self._people:
            await self.bus.leave(groups.user(user_id))
            if user_id in self._people:  # they came back while the bus was told
                await self.bus.join(groups.user(user_id))

    def without_feed(self, room_ids: Iterable[UUID]) -> set[UUID]:
        """Those of the rooms that no socket here has, so that entering them asks the bus."""
        return {room_id for room_id in room_ids if room_id not in self._feeds}

    def memberships_changed(self, room_id: UUID) -> int | None:
        """How often the members of a room were told to have changed; None where no socket here has the room."""
        feed = self._feeds.get(room_id)
        return None if feed is None else feed.memberships_changed

    async def enter(self, room_ids: Iterable[UUID]) -> dict[UUID, RoomFeed]:
        """The feeds of these rooms, held for the caller, who gives each back by `release()`.

        Returns when the bus has confirmed them, or after its time limit: the first check, shortly
        after a feed began, finds what came between.
        """
        feeds = {room_id: self._feed(room_id) for room_id in room_ids}
        waiting = [feed.joined for feed in feeds.values() if feed.joined and not feed.joined.done()]
        if waiting:
            try:
                await asyncio.wait(waiting)
            except BaseException:  # the socket went away meanwhile: nobody would give them back
                for feed in feeds.values():
                    feed.release()
                raise
        return feeds

    def _feed(self, room_id: UUID) -> RoomFeed:
        feed = self._feeds.get(room_id)
        if feed is None:
            feed = self._feeds[room_id] = RoomFeed(room_id, self.pool, self._feed_idle)
            feed.joined = asyncio.ensure_future(self.bus.join(groups.room(room_id)))
            self._check_soon(room_id)
        feed.holders += 1
        return feed

    def _feed_idle(self, feed: RoomFeed) -> None:
        if self._feeds.get(feed.room_id) is feed:
            del self._feeds[feed.room_id]
            self.spawn(self._leave(feed.room_id))

    async def _leave(self, room_id: UUID) -> None:
        if room_id not in self._feeds:
            await self.bus.leave(groups.room(room_id))
            if room_id in self._feeds:  # somebody came while the bus was told
                await self.bus.join(groups.room(room_id))

    # --- what the bus says --------------------------------------------------------------------

    def _on_message(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "room.events":
            room_id, events = read_room_message(message)
            feed = self._feeds.get(room_id)
            if feed is not None:
                feed.offer(events)
        elif kind == "room.hint":
            feed = self._feeds.get(UUID(message["room"]))
            if feed is not None:
                user = UUID(message["user"]) if message["user"] else None
                feed.hint(Hint(str(message["frame"]), user, str(message["socket"])))
        else:
            for connection in tuple(self._people.get(UUID(message["user"]), ())):
                tell(connection, kind, message)

    def _on_bus_turn(self) -> None:
        # Failing: what was published just before may be lost. Working again: what was meanwhile.
        self._check_now.set()

    # --- what it kept silent ------------------------------------------------------------------

    async def _check_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self.check_period_s):
                    await self._check_now.wait()
            except TimeoutError:
                pass
            self._check_now.clear()
            try:
                await self.check()
            except Exception as error:
                logger.warning("check against the database failed: %s", type(error).__name__)

    @property
    def check_period_s(self) -> float:
        """How long what the bus has lost can stay unnoticed."""
        return settings.HUB_CHECK_BUS_DOWN_S if self.bus.failing else settings.HUB_CHECK_S

    async def check(self) -> None:
        """Compare everything local with the database: four statements, whatever there is."""
        self.spawn(self.bus.refresh())
        await self._compare(tuple(self._feeds), tuple(self._people))

    def _restart_all(self, detail: str) -> None:
        for connection in {*self._strangers, *(c for local in self._people.values() for c in local)}:
            connection.restart(detail)

    async def close_all(self, detail: str) -> None:
        """Close every socket with 1012, and return when they are gone, or SOCKET_CLOSE_S later.

        Many of them over SOCKET_CLOSE_SPREAD_S, so that they do not all come back at one moment.
        """
        waiting = [*self._strangers, *(connection for local in self._people.values() for connection in local)]
        steps = min(len(waiting), _CLOSING_STEPS)
        for step in range(steps):
            for connection in waiting[step::steps]:
                connection.restart(detail)
            await asyncio.sleep(min(settings.SOCKET_CLOSE_SPREAD_S, len(waiting) * _CLOSING_PAUSE_S) / steps)
        self._restart_all(detail)  # whoever came meanwhile
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.SOCKET_CLOSE_S):
                await self._nobody.wait()

    def _check_soon(self, new: UUID) -> None:
        """A room or person is new here: what came before the bus had confirmed their group is found by this."""
        self._young.add(new)
        if self._young_timer is None and settings.GAP_REPAIR:
            self._young_timer = asyncio.get_running_loop().call_later(
                settings.HUB_FIRST_CHECK_S, self._check_young
            )

    def _check_young(self) -> None:
        self._young_timer = None
        young, self._young = self._young, set()
        self.spawn(self._check_some(young & self._feeds.keys(), young & self._people.keys()))

    async def _check_some(self, rooms: Iterable[UUID], users: Iterable[UUID]) -> None:
        try:
            await self._compare(tuple(rooms), tuple(users))
        except Exception as error:
            logger.warning("first check against the database failed: %s", type(error).__name__)

    async def _compare(self, rooms: Sequence[UUID], users: Sequence[UUID]) -> None:
        people = {connection for user_id in users for connection in self._people.get(user_id, ())}
        credentials = {connection.credential_id for connection in people}
        followers = {c.user_id for c in people if c.follows_memberships}
        token_uses.note({c.api_token for c in people if c.api_token})

        def read() -> tuple[str, dict[UUID, Head], dict[UUID, str], dict[UUID, list[Place]]]:
            return current_epoch(), heads(rooms), ended_credentials(credentials), places_of(followers)

        epoch, found, ended, memberships = await self.pool.read(read)
        if self._epoch is not None and epoch != self._epoch:
            logger.warning("the database was restored: closing all sockets")
            self._restart_all("The server's data was restored; load the rooms anew.")
        self._epoch = epoch
        for room_id, head in found.items():
            feed = self._feeds.get(room_id)
            if feed is not None and feed.head is not None:
                feed.expect(head.last_seq, grace_s=0)
        for connection in people:
            if connection.credential_id in ended:
                connection.ended(ended[connection.credential_id])
            elif connection.user_id in memberships:
                connection.memberships_are(memberships[connection.user_id])
