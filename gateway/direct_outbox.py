"""Frames written to the line itself, where the server offers `parley.transport`.

So there is no task a socket, and what many get is framed once (docs/decisions/0006-ready-frames.md).
"""

import asyncio
from typing import Any, Protocol

from django.conf import settings

from gateway.frames import ready_frame
from gateway.outbox import Outbox, PumpedOutbox, Send, bound
from gateway.run import Hint, Run

_LOOKS_A_STALL = 8  # how often progress is looked for within SOCKET_STALL_S


class Transport(Protocol):
    """The scope extension `parley.transport`: the line below the frames."""

    def write(self, frames: bytes) -> None:
        """Whole WebSocket frames; nothing happens once the line closes."""

    def waiting(self) -> int:
        """Bytes written that the kernel has not taken yet."""

    async def drained(self) -> None:
        """Return when little waits, or the line is gone."""

    def abort(self) -> None:
        """Cut the line at once, whatever waits."""

    def unanswered_s(self) -> float:
        """How many seconds a ping has waited for its answer; 0 where none does."""


def outbox_for(scope: dict[str, Any], send: Send) -> Outbox:
    """The outbox of a socket: by ready frames where its server can."""
    transport: Transport | None = (scope.get("extensions") or {}).get("parley.transport")
    return PumpedOutbox(send) if transport is None else DirectOutbox(send, transport)


class DirectOutbox(Outbox):
    """Writes to the transport, whose buffer is the queue.

    It and what it holds are dense: a message to a room of a thousand touches a thousand of them, none of which
    is in the processor's caches any more.
    """

    __slots__ = (
        "_bounds", "_closer", "_taken", "_taken_at", "_transport", "_uncounted", "_waiting", "_watch",
        "_write_frames", "_written",
    )  # fmt: skip

    def __init__(self, send: Send, transport: Transport) -> None:
        super().__init__(send, transport.abort)
        self._transport = transport
        self._waiting, self._write_frames = transport.waiting, transport.write
        self._bounds = bound(live=False), bound(live=True)  # looked up once: each frame to each socket asks
        self._written = 0
        self._uncounted = 0  # of what may still wait, replayed
        self._closer: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._taken = 0
        self._taken_at = 0.0

    @property
    def full(self) -> bool:
        """Over what the transport calls little."""
        return self._uncounted > settings.SOCKET_REPLAY_AHEAD_BYTES

    def put(self, frame: str, *, counted: bool = True) -> None:
        """Frame it for this socket alone."""
        if not self._write(ready_frame(frame), counted=counted):
            self.too_slow()

    def put_run(self, run: Run, *, counted: bool = True) -> bool:
        """The same bytes to everybody."""
        return self._write(run.ready, counted=counted, live=True)

    def put_notice(self, frame: str) -> None:
        """Frame it for this socket alone."""
        self._write(ready_frame(frame), counted=True, live=True)

    def put_hint(self, hint: Hint) -> None:
        """The same bytes to everybody."""
        if self._waiting() <= settings.SOCKET_HINTS_MAX_BYTES + self._uncounted:
            self._write(hint.ready, counted=True)

    def _write(self, frames: bytes, *, counted: bool, live: bool = False) -> bool:
        """False where it does not fit."""
        if self._close is not None or self.gone:
            return True
        # By names of their own: a slot's value that is called where it is read takes Python a longer way.
        waiting, write = self._waiting, self._write_frames
        if not counted:
            self._uncounted += len(frames)
        elif waiting() + len(frames) > self._bounds[live] + self._uncounted:
            return False
        write(frames)
        self._written += len(frames)
        if self._watch is None:
            self._taken = self._written - waiting()
            self._taken_at = self._loop.time()
            self._look_later()
        return True

    async def drained(self) -> None:
        """As the transport has it."""
        if not self.gone:
            await self._transport.drained()
        self._uncounted = 0

    async def closed(self) -> None:
        """The server's `send` of the close has returned."""
        if self._closer is not None:
            await asyncio.wait([self._closer])

    def _end_with(self, frame: str) -> None:
        self._write_frames(ready_frame(frame))
        self._closer = self._loop.create_task(self._finish())

    async def _finish(self) -> None:
        try:
            await self._send_close()
        except Exception:  # the line broke: the server tells the consumer by websocket.disconnect
            self.gone = True

    def stop(self) -> None:
        """The line is gone."""
        super().stop()
        if self._watch is not None:
            self._watch.cancel()
        if self._closer is not None:
            self._closer.cancel()

    def _look_later(self) -> None:
        left_s = self._taken_at + settings.SOCKET_STALL_S - self._loop.time()
        self._watch = self._loop.call_later(min(left_s, settings.SOCKET_STALL_S / _LOOKS_A_STALL), self._look)

    def _look(self) -> None:
        """Whether anything was taken lately; goes on while something waits."""
        self._watch = None
        waiting = self._waiting()
        if self.closing or not waiting:
            return
        taken = self._written - waiting
        if taken > self._taken:
            self._taken, self._taken_at = taken, self._loop.time()
        elif self._loop.time() - self._taken_at >= settings.SOCKET_STALL_S:
            self.too_slow()
            return
        self._look_later()
