"""How many sockets a person may have, and an address before it has said who it is; over all processes."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings

from common.errors import TooManyConnections
from common.leases import leases

_here: dict[str, set["Entrance"]] = {}  # the sockets of this process, by their place


class Entrance:
    """The place that one socket takes, of its address or of its person. Its calls are the event loop's."""

    def __init__(self, address: str, silent_s: Callable[[], float], close: Callable[[], None]) -> None:
        """`address`: by common.addresses. `silent_s` is since when nothing is heard of it; `close` is called once
        its place is another's."""
        self.address = address
        self._silent_s = silent_s
        self._close = close
        self._place: str | None = None
        self._left = False

    async def as_unknown(self) -> None:
        """It has not authenticated. TooManyConnections where UNKNOWN_SOCKETS_PER_ADDRESS have not."""
        await self._take(
            f"address:{self.address}",
            settings.UNKNOWN_SOCKETS_PER_ADDRESS,
            "Too many sockets of this address have not authenticated.",
        )

    async def as_person(self, user_id: UUID) -> None:
        """It is this person's, or a bot of theirs has it. TooManyConnections where SOCKETS_PER_PERSON are.

        Unless one of them is silent for SOCKET_SILENT_S, as when a phone has changed networks: the one that is so for
        longest is closed and gives its place. Only those of this process are known so well.
        """
        await self._take(
            f"person:{user_id}",
            settings.SOCKETS_PER_PERSON,
            "You and your bots have as many sockets as you may; close one.",
            or_a_silent_ones=True,
        )

    def leave(self) -> None:
        """It is gone."""
        self._left = True
        self._give_back()

    async def _take(self, place: str, most: int, detail: str, *, or_a_silent_ones: bool = False) -> None:
        if self._left:
            return
        leases.take(place)
        self._give_back()
        self._place = place
        _here.setdefault(place, set()).add(self)
        await leases.exchange.told()
        if leases.count(place) > most and not (or_a_silent_ones and _close_silent(place)):
            self._give_back()
            raise TooManyConnections(detail)

    def _give_back(self) -> None:
        if self._place is not None:
            leases.give_back(self._place)
            _here[self._place].discard(self)
            if not _here[self._place]:
                del _here[self._place]
            self._place = None


def _close_silent(place: str) -> bool:
    """Whether there was one that is silent for too long: it has no place any more."""
    found = max(_here.get(place, ()), key=lambda each: each._silent_s(), default=None)
    if found is None or found._silent_s() < settings.SOCKET_SILENT_S:
        return False
    found._give_back()
    found._close()
    return True
