"""What one socket says to a room that is not stored: typing, signals. Whether it may, mostly without asking.

A socket with a live subscription keeps what its user may do there, and the hub takes that away the moment it is
told of a change: an event of their own membership, a block. So fifty signals a second cost no query, and after a
mute, a ban or a block has come here, none goes out: what has only been put to be told is told first.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from common import clock
from common.errors import ParleyError, Unavailable
from gateway.hub import Hub
from gateway.outbox import Outbox
from gateway.socket_rooms import SocketRooms
from gateway.subscription import Kept
from realtime.publish import publisher
from rooms.access import known_id
from rooms.selectors import Standing, standing

_TRIES = 5  # while people come and go faster than the database answers

Tell = Callable[[UUID], None]
Told = Callable[[Exception | None], None]


class Speaker(Protocol):
    """The socket that speaks."""

    user_id: UUID
    rooms: SocketRooms
    outbox: Outbox


class Voice:
    """All of it runs on the event loop; between looking at a standing and telling nothing awaits."""

    def __init__(self, speaker: Speaker, hub: Hub) -> None:
        self._speaker = speaker
        self._hub = hub
        self._blocks = 0
        self._lines: dict[UUID, list[tuple[Tell, Told]]] = {}

    def say(self, room: str, tell: Tell, told: Told) -> None:
        """Call `tell` with the room's id, at once or later, in the order of these calls for one room; then `told`.

        `told` gets what spoke against it, or None: NotAMember or NotFound as for a send, Muted, Blocked, whatever
        the database raises. NotFound is raised where `room` is not written like an id.
        """
        room_id = known_id(room)
        publisher.settle()
        line = self._lines.get(room_id)
        if line is None:
            kept = self._kept(room_id)
            if kept is not None:
                self._say(room_id, kept, tell, told)
                return
            line = self._lines[room_id] = []
            self._hub.spawn(self._ask(room_id))
        line.append((tell, told))

    def blocks_moved(self) -> None:
        """Somebody blocks the user now, or no more, or the user somebody: nothing that was read still counts."""
        self._blocks += 1
        self._speaker.rooms.forget_standings()

    def _kept(self, room_id: UUID) -> Standing | None:
        """What was read for a live subscription, no longer ago than a lost message of the bus stays unnoticed."""
        subscription = self._speaker.rooms.live(room_id)
        kept = None if subscription is None else subscription.kept
        if kept is None or asyncio.get_running_loop().time() - kept.asked_at > self._hub.check_period_s:
            return None
        return kept.standing

    def _changes(self, room_id: UUID) -> tuple[int | None, int]:
        """Something else once this process was told of a change that may concern the standing of its user."""
        return self._hub.memberships_changed(room_id), self._blocks

    async def _ask(self, room_id: UUID) -> None:
        """Ask the database once for all that gathers."""
        try:
            kept = await self._read(room_id)
        except Exception as error:
            for _, told in self._lines.pop(room_id):
                told(error)
            return
        subscription = self._speaker.rooms.live(room_id)
        if subscription is not None:
            subscription.kept = kept
        for tell, told in self._lines.pop(room_id):
            self._say(room_id, kept.standing, tell, told)

    async def _read(self, room_id: UUID) -> Kept:
        """What the database says, and is still so."""
        user_id = self._speaker.user_id
        for _ in range(_TRIES):
            asked_at, before = asyncio.get_running_loop().time(), self._changes(room_id)
            found = await self._hub.pool.read(lambda: standing(user_id=user_id, room_id=room_id))
            publisher.settle()
            if self._changes(room_id) == before:
                return Kept(found, asked_at)
        raise Unavailable(retry_after_s=1)

    def _say(self, room_id: UUID, standing: Standing, tell: Tell, told: Told) -> None:
        try:
            standing.require_voice(clock.now())
        except ParleyError as error:
            told(error)
        else:
            if not self._speaker.outbox.shut:  # else the session may have ended
                tell(room_id)
            told(None)
