"""What goes to many sockets of one room, encoded once: a server's frames are not masked, so their bytes are the
same for all."""

from collections.abc import Sequence
from functools import cached_property
from uuid import UUID

from gateway.frames import ready_frame
from realtime.publish import RoomEvent


class Run:
    """Consecutive events, at least one. `personal`: one of them means more to some subscribers than to others."""

    def __init__(self, events: Sequence[RoomEvent]) -> None:
        self.events = events
        self.before = events[0].seq - 1
        self.last = events[-1].seq
        self.personal = any(event.member is not None or event.reason for event in events)

    @cached_property
    def ready(self) -> bytes:
        """All of them as WebSocket frames."""
        return b"".join([ready_frame(event.frame) for event in self.events])


class Hint:
    """An unnumbered frame: typing, a signal. Not for the sockets of `user`, nor for the one called `socket`."""

    def __init__(self, frame: str, user: UUID | None, socket: str) -> None:
        self.frame = frame
        self.user = user
        self.socket = socket

    @cached_property
    def ready(self) -> bytes:
        """It as a WebSocket frame."""
        return ready_frame(self.frame)
