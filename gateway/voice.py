"""What one socket says to a room that is not stored: typing, signals. Whether it may, mostly without asking.

A socket with a live subscription keeps what its user may do there, and the hub takes that away the moment it is
told of a change: an event of their own membership, a block. So fifty signals a second cost no query, and after a
mute, a ban or a block has come here, none goes out.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from common import clock
from common.errors import ParleyError
from gateway.hub import Hub
from gateway.socket_rooms import SocketRooms
from gateway.subscription import Kept
from rooms.access import known_id
from rooms.selectors import Standing, standing

Tell = Callable[[UUID], None]
Told = Callable[[Exception | None], None]


class Speaker(Protocol):
    """The socket that speaks."""

    user_id: UUID
    rooms: SocketRooms


class Voice:
    """All of it runs on the event loop; between looking at a standing and telling nothing awaits."""

    def __init__(self, speaker: Speaker, hub: Hub) -> None:
        self._speaker = speaker
        self._hub = hub
        self._lines: dict[UUID, list[tuple[Tell, Told]]] = {}

    def say(self, room: str, tell: Tell, told: Told) -> None:
        """Call `tell` with the room's id, at once or later, in the order of these calls for one room; then `told`.

        `told` gets what spoke against it, or None: NotAMember or NotFound as for a send, Muted, Blocked, whatever
        the database raises. NotFound is raised where `room` is not written like an id.
        """
        room_id = known_id(room)
        line = self._lines.get(room_id)
        if line is None:
            kept = self._kept(room_id)
            if kept is not None:
                _say(room_id, kept, tell, told)
                return
            line = self._lines[room_id] = []
            self._hub.spawn(self._ask(room_id, line))
        line.append((tell, told))

    def _kept(self, room_id: UUID) -> Standing | None:
        """What was read for a live subscription, no longer ago than a lost message of the bus stays unnoticed."""
        subscription = self._speaker.rooms.live(room_id)
        kept = None if subscription is None else subscription.kept
        if kept is None or asyncio.get_running_loop().time() - kept.asked_at > self._hub.check_period_s:
            return None
        return kept.standing

    async def _ask(self, room_id: UUID, line: list[tuple[Tell, Told]]) -> None:
        """Ask the database once for all that gathers, until it answers for what is still so."""
        user_id = self._speaker.user_id
        found: Standing | Exception | None = None
        while found is None:
            subscription = self._speaker.rooms.live(room_id)
            kept = Kept()
            kept.asked_at = asyncio.get_running_loop().time()
            if subscription is not None:
                subscription.kept = kept
            try:
                found = await self._hub.pool.run(lambda: standing(user_id=user_id, room_id=room_id))
                if subscription is not None and subscription.kept is not kept:
                    found = None  # it has changed meanwhile
                else:
                    kept.standing = found
            except Exception as error:
                found = error
        del self._lines[room_id]
        for tell, told in line:
            if isinstance(found, Exception):
                told(found)
            else:
                _say(room_id, found, tell, told)


def _say(room_id: UUID, standing: Standing, tell: Tell, told: Told) -> None:
    try:
        standing.require_voice(clock.now())
    except ParleyError as error:
        told(error)
    else:
        tell(room_id)
        told(None)
