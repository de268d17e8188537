"""How many sockets a person may have, and an address before it has said who it is; over all processes."""

from uuid import UUID

from django.conf import settings

from common.errors import TooManyConnections
from common.leases import leases


class Entrance:
    """The place that one socket takes, of its address or of its person."""

    def __init__(self, address: str) -> None:
        """`address`: by common.addresses."""
        self.address = address
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
        """It is this person's, or a bot of theirs has it. TooManyConnections where SOCKETS_PER_PERSON are."""
        await self._take(
            f"person:{user_id}",
            settings.SOCKETS_PER_PERSON,
            "You and your bots have as many sockets as you may; close one.",
        )

    def leave(self) -> None:
        """It is gone."""
        self._left = True
        self._give_back()

    async def _take(self, place: str, most: int, detail: str) -> None:
        if self._left:
            return
        leases.take(place)
        self._give_back()
        self._place = place
        await leases.exchange.told()
        if leases.count(place) > most:
            self._give_back()
            raise TooManyConnections(detail)

    def _give_back(self) -> None:
        if self._place is not None:
            leases.give_back(self._place)
            self._place = None
