"""A run of events of one room, encoded once for every socket that takes all of it."""

from collections.abc import Sequence
from functools import cached_property

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
        """All of them as WebSocket frames: a server's are not masked, so the bytes are the same for all."""
        return b"".join([ready_frame(event.frame) for event in self.events])
