"""What a client was told about a room, in the order it was told, for a checker to judge."""

import time
from dataclasses import dataclass, field

from tests.client.strict_json import Json


@dataclass
class Stretch:
    """A subscription's life: from its starting point on, over any number of sockets, without a `resync`.

    `start` is the `seq` before the first event due; None when the server did not say (a room joined under
    `"all"`, which starts with one's own `member.joined`). `frames` and `at` (`time.monotonic()` seconds) are the
    events as delivered, nothing dropped or put in order. `ended` is the reason of `unsubscribed`.
    """

    start: int | None
    frames: list[Json] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    ended: str | None = None

    def add(self, frame: Json) -> None:
        self.frames.append(frame)
        self.at.append(time.monotonic())

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames]


@dataclass
class RoomRecord:
    """All stretches of one room, oldest first.

    `resyncs` are the reasons given; `uninvited` are events that came outside any subscription.
    """

    stretches: list[Stretch] = field(default_factory=list)
    resyncs: list[str] = field(default_factory=list)
    uninvited: list[Json] = field(default_factory=list)

    @property
    def open(self) -> Stretch | None:
        """The stretch that goes on."""
        return self.stretches[-1] if self.stretches and self.stretches[-1].ended is None else None

    def begin(self, start: int | None) -> None:
        self.stretches.append(Stretch(start))

    def add(self, frame: Json) -> None:
        stretch = self.open
        if stretch is None:
            self.uninvited.append(frame)
        else:
            stretch.add(frame)

    def end(self, reason: str) -> None:
        stretch = self.open
        if stretch is not None:
            stretch.ended = reason

    @property
    def frames(self) -> list[Json]:
        """Every event of every stretch."""
        return [frame for stretch in self.stretches for frame in stretch.frames]
