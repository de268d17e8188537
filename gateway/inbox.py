"""The frames of one socket, carried out in the order the contract asks for.

`subscribe`, `unsubscribe` and `auth` run alone, in order; everything else is started in order and
may end in any. Reading stops while SOCKET_INBOX_MAX_FRAMES or SOCKET_INBOX_MAX_BYTES are under way, so a
flood waits at the client's end and not in our memory.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from django.conf import settings

Start = Callable[[Callable[[], None]], None]
"""Begins a frame's work; calls its argument once when that has ended."""


class Inbox:
    """`put` frames in the order received; each is begun when its turn has come."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Start, bool, int]] = deque()
        self._under_way = 0
        self._bytes = 0  # of both
        self._alone = False
        self._beginning = False
        self._when_idle: Callable[[], None] | None = None
        self._space = asyncio.Event()
        self._space.set()

    def put(self, start: Start, *, alone: bool, size: int) -> None:
        """Begin `start`, a frame of `size` characters, in its turn."""
        self._waiting.append((start, alone, size))
        self._bytes += size
        self._advance()
        if not self._has_space():
            self._space.clear()

    async def space(self) -> None:
        """Return when more frames may be read."""
        await self._space.wait()

    def when_idle(self, act: Callable[[], None]) -> None:
        """Call `act` once what was put has ended; at once where nothing is under way."""
        self._when_idle = act
        self._look_idle()

    def _look_idle(self) -> None:
        if self._when_idle is not None and not self._under_way and not self._waiting:
            act, self._when_idle = self._when_idle, None
            act()

    def close(self) -> None:
        """Begin nothing more."""
        self._waiting.clear()
        self._space.set()

    def _advance(self) -> None:
        if self._beginning:  # a frame that ended at once: the loop further down goes on, however many do
            return
        self._beginning = True
        try:
            while self._waiting and not self._alone:
                start, alone, size = self._waiting[0]
                if alone and self._under_way:
                    return
                self._waiting.popleft()
                self._under_way += 1
                self._alone = alone
                start(self._once(size))
        finally:
            self._beginning = False

    def _has_space(self) -> bool:
        frames = len(self._waiting) + self._under_way
        return frames < settings.SOCKET_INBOX_MAX_FRAMES and self._bytes < settings.SOCKET_INBOX_MAX_BYTES

    def _once(self, size: int) -> Callable[[], None]:
        called = False

        def done(*_: Any) -> None:
            nonlocal called
            if called:
                return
            called = True
            self._under_way -= 1
            self._bytes -= size
            self._alone = False
            if self._has_space():
                self._space.set()
            self._advance()
            self._look_idle()

        return done
