"""What is on its way to one socket, in order, and the bounds on it.

It never makes anybody else wait. A reader who owes more than SOCKET_QUEUE_MAX_BYTES of live frames,
or takes nothing for SOCKET_STALL_S, is closed with 1013.

Where the server offers `parley.transport` ready frames are written to it (gateway/direct_outbox.py); where
not, frames are sent one by one (`PumpedOutbox`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from gateway.frames import closing_frame
from gateway.run import Hint, Run

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outbox(ABC):
    """Frames are sent in the order of the calls; after `close` nothing more is taken."""

    __slots__ = ("_abort", "_close", "_cut", "_loop", "_send", "gone")

    def __init__(self, send: Send, abort: Callable[[], None] | None) -> None:
        """`abort` cuts the line without waiting for the reader, where the server can do that."""
        self._send = send
        self._abort = abort
        self._loop = asyncio.get_running_loop()
        self._close: dict[str, Any] | None = None
        self._cut: asyncio.TimerHandle | None = None
        self.gone = False

    @property
    def closing(self) -> bool:
        """Whether `close` was called or the line is gone: nothing that is put will arrive."""
        return self.shut or self.gone

    @property
    def shut(self) -> bool:
        """Whether `close` was called: the server wants no more of this socket."""
        return self._close is not None

    @property
    @abstractmethod
    def full(self) -> bool:
        """Whether a replay should await `drained` before it puts more."""

    @abstractmethod
    def put(self, frame: str, *, counted: bool = True) -> None:
        """Send a frame. Replayed ones do not count towards the bound: they are read as they drain."""

    @abstractmethod
    def put_run(self, run: Run, *, counted: bool = True) -> bool:
        """Send the frames of a run of events; False, and none of them, where they are more than fits just now."""

    @abstractmethod
    def put_notice(self, frame: str) -> None:
        """Send a notice, or drop it where it does not fit: what it tells can be read."""

    @abstractmethod
    def put_hint(self, hint: Hint) -> None:
        """Send a hint, if the reader owes no more than SOCKET_HINTS_MAX_BYTES: else it is dropped, so that hints
        are never why a reader who reads slowly is closed, and take no space that events need. It counts."""

    @abstractmethod
    async def drained(self) -> None:
        """Return when little or nothing waits to be sent, or nothing ever will be."""

    @abstractmethod
    async def closed(self) -> None:
        """Return when all that `close` sends is under way, or the line is gone."""

    def too_slow(self) -> None:
        """Close with 1013: the client resumes from its own position."""
        self.close(1013, "too_slow", "The socket did not read what was sent to it; resume.")

    def close(self, code: int, reason: str, detail: str) -> None:
        """Send what is queued, the `error` that names the reason, and close; once.

        Whoever has not taken it after SOCKET_CLOSE_S is cut off.
        """
        if self.closing:
            return
        self._close = {"type": "websocket.close", "code": code, "reason": reason}
        if self._abort is not None:
            self._cut = self._loop.call_later(settings.SOCKET_CLOSE_S, self._abort)
        self._end_with(closing_frame(reason, detail))

    @abstractmethod
    def _end_with(self, frame: str) -> None:
        """Send the last frame and then `self._close`."""

    def stop(self) -> None:
        """The line is gone: forget what waits."""
        self.gone = True
        if self._cut is not None:
            self._cut.cancel()

    async def _send_close(self) -> None:
        assert self._close is not None
        try:
            await self._send(self._close)
        except Exception:
            # daphne sends 1000 and 3000 … 4999 alone and would leave the line open; the `error` has said why.
            await self._send({**self._close, "code": 1000})


def bound(*, live: bool) -> int:
    """How many bytes may wait for a reader. What is `live`, sent without being asked for, fills half of it: an
    answer finds space after a burst of others."""
    return settings.SOCKET_QUEUE_MAX_BYTES // 2 if live else settings.SOCKET_QUEUE_MAX_BYTES


class PumpedOutbox(Outbox):
    """A bounded queue, and one task that sends it."""

    __slots__ = ("_drained", "_owed", "_progress_at", "_pump", "_queue", "_watch")

    def __init__(self, send: Send, abort: Callable[[], None] | None = None) -> None:
        super().__init__(send, abort)
        self._queue: deque[tuple[str, int]] = deque()
        self._owed = 0
        self._pump: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._progress_at = self._loop.time()
        self._watch: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """Whether anything waits."""
        return bool(self._queue)

    def put(self, frame: str, *, counted: bool = True) -> None:
        """Queue a frame."""
        size = len(frame) if counted else 0
        if self.closing:
            return
        if self._fits(size):
            self._add(frame, size)
        else:
            self.too_slow()

    def _fits(self, size: int, *, live: bool = False) -> bool:
        return self._owed + size <= bound(live=live)

    def _add(self, frame: str, size: int) -> None:
        if self.closing:
            return
        self._owed += size
        self._queue.append((frame, size))
        if self._pump is None:
            self._progress_at = self._loop.time()
            self._pump = self._loop.create_task(self._run())
            if self._watch is None:
                self._watch = self._loop.call_later(settings.SOCKET_STALL_S, self._look)

    def put_run(self, run: Run, *, counted: bool = True) -> bool:
        """Queue them one by one."""
        if counted and not self._fits(sum(len(event.frame) for event in run.events), live=True):
            return False
        for event in run.events:
            self._add(event.frame, len(event.frame) if counted else 0)
        return True

    def put_notice(self, frame: str) -> None:
        """Queue it."""
        if self._fits(len(frame), live=True):
            self._add(frame, len(frame))

    def put_hint(self, hint: Hint) -> None:
        """Queue it."""
        if self._owed <= settings.SOCKET_HINTS_MAX_BYTES:
            self.put(hint.frame)

    def too_slow(self) -> None:
        """Drops what waits."""
        self._queue.clear()
        super().too_slow()

    def _end_with(self, frame: str) -> None:
        self._queue.append((frame, 0))
        if self._pump is None:
            self._pump = self._loop.create_task(self._run())

    async def drained(self) -> None:
        """Return when nothing waits."""
        while self._pump is not None and not self.gone:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    async def closed(self) -> None:
        """The close was the last in the queue."""
        await self.drained()

    def stop(self) -> None:
        """The line is gone."""
        super().stop()
        self._queue.clear()
        if self._watch is not None:
            self._watch.cancel()
        if self._pump is not None:
            self._pump.cancel()
        self._release()

    async def _run(self) -> None:
        try:
            while self._queue:
                frame, size = self._queue.popleft()
                await self._send({"type": "websocket.send", "text": frame})
                self._owed -= size
                self._progress_at = self._loop.time()
            if self._close is not None:
                await self._send_close()
        except Exception:  # the line broke: the server tells the consumer by websocket.disconnect
            self.gone = True
            self._queue.clear()
        finally:
            self._pump = None
            self._release()

    def _look(self) -> None:
        """Whether anything was taken lately; armed only while something waits."""
        self._watch = None
        if self._pump is None or self.closing:
            return
        left_s = self._progress_at + settings.SOCKET_STALL_S - self._loop.time()
        if left_s <= 0:
            self.too_slow()
        else:
            self._watch = self._loop.call_later(left_s, self._look)

    def _release(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
