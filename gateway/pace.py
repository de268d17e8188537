"""How fast one socket may talk: a person's frames are limited over all their sockets."""

from collections import deque
from collections.abc import Hashable

from django.conf import settings

from common import clock
from common.errors import RateLimited
from common.limits import FRAMES

_REMEMBERED_S = 60


class Pace:
    """Of one socket. Who is refused a frame and sends the next before `retry_after` is over goes on."""

    def __init__(self) -> None:
        self._wait_until = 0.0
        self._unheeded: deque[float] = deque()

    def one_more(self, payer: Hashable) -> RateLimited | None:
        """Why the next frame is not carried out, or None."""
        standing = FRAMES.take(payer)
        if standing.allowed:
            return None
        now = clock.seconds()
        if now < self._wait_until:
            self._unheeded.append(now)
        self._wait_until = now + standing.retry_after_s
        return RateLimited.by(standing, "Too many frames; wait a little.")

    @property
    def went_on(self) -> bool:
        """Whether it has done so FRAMES_BURST times within a minute."""
        while self._unheeded and self._unheeded[0] < clock.seconds() - _REMEMBERED_S:
            self._unheeded.popleft()
        return len(self._unheeded) >= settings.FRAMES_BURST
