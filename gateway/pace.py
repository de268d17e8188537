"""How fast one socket may talk: a person's frames are limited over all their sockets."""

import asyncio
from collections import deque
from collections.abc import Hashable

from django.conf import settings

from common.errors import RateLimited
from common.limits import FRAMES

_REMEMBERED_S = 60


class Pace:
    """Of one socket. Who is refused FRAMES_BURST frames within a minute has not heeded the errors."""

    def __init__(self) -> None:
        self._refused: deque[float] = deque()

    def one_more(self, payer: Hashable) -> RateLimited | None:
        """Why the next frame is not carried out, or None."""
        standing = FRAMES.take(payer)
        if standing.allowed:
            return None
        now = asyncio.get_running_loop().time()
        self._refused.append(now)
        while self._refused[0] < now - _REMEMBERED_S:
            self._refused.popleft()
        return RateLimited.by(standing, "Too many frames; wait a little.")

    @property
    def went_on(self) -> bool:
        """Whether the client did not slow down after errors that said so."""
        return len(self._refused) >= settings.FRAMES_BURST
