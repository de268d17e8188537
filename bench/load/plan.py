"""What the client is told to do, and what it found. Both cross a pipe as JSON."""

from typing import Any, Literal

import msgspec


class Closed(msgspec.Struct, tag="closed", frozen=True):
    """Each sender keeps `outstanding` messages on the way: the next goes when one's own has come back."""

    outstanding: int


class Open(msgspec.Struct, tag="open", frozen=True):
    """`rate` messages a second over all senders in turn, whether or not anything comes back."""

    rate: float


class Bursts(msgspec.Struct, tag="bursts", frozen=True):
    """`size` messages at once, over all senders in turn, every `every_s`."""

    size: int
    every_s: float


class Idle(msgspec.Struct, tag="idle", frozen=True):
    """Connect and stay silent; the first `warm` connections are not counted."""

    warm: int


class Reconnect(msgspec.Struct, tag="reconnect", frozen=True):
    """All connect at once, each `missed` events behind the head of its room, and take them."""

    missed: int


class Http(msgspec.Struct, tag="http", frozen=True):
    """The requests in turn, forever, over `connections` kept-alive connections, one at a time on each."""

    connections: int
    requests: list["Request"]


class Request(msgspec.Struct, frozen=True):
    """One HTTP request; `group` is what its numbers are counted under."""

    method: str
    path: str
    token: str = ""
    body: str = ""
    group: str = ""


class Seat(msgspec.Struct, frozen=True):
    """One connection: whose token, and which rooms (indexes of the plan's)."""

    token: str
    rooms: list[int]


class Plan(msgspec.Struct, frozen=True):
    """One run against one server. `senders` are indexes of seats that each have exactly one room."""

    wire: Literal["parley", "chat", "socketio", "bare"]
    address: str  # host:port
    load: Closed | Open | Bursts | Idle | Reconnect | Http
    seconds: float
    run: str  # a word that makes this run's message ids its own; without "-"
    rooms: list[str] = []
    heads: list[int] = []  # the rooms' last numbers, where the load needs them
    seats: list[Seat] = []
    senders: list[int] = []
    body_bytes: int = 100
    watch: dict[str, int] = {}  # process ids whose trees' CPU is measured: server, postgres, redis
    connect_at_once: int = 50


class Found(msgspec.Struct):
    """What one run found. Times are in ms, CPU in µs; an empty number is one that does not apply."""

    seconds: float = 0.0
    messages: int = 0  # own messages that came back to their senders in the window
    deliveries: int = 0  # events that came to anybody in the window
    requests: int = 0
    sent: int = 0  # in the whole run, like all that follows but CPU
    expected: int = 0  # deliveries that were due
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    errors: int = 0  # error frames, answers other than 2xx
    closed: dict[str, int] = {}  # close code → connections the server closed
    stalled: int = 0  # own messages given up on
    behind: int = 0  # open loops: own messages on their way when the window ended
    latency_ms: dict[str, float] = {}  # p50, p99, max: send (or its schedule) to delivery, request to answer
    ack_ms: dict[str, float] = {}
    cpu_us: dict[str, float] = {}  # by the names of `watch`, in the window
    client_share: float = 0.0  # of one core, in the window
    others_share: float = 0.0  # in cores: what neither the server, its stores nor the client used
    connects_per_s: float = 0.0
    took_s: float = 0.0  # reconnect: until everybody had everything
    memory_bytes: float = 0.0  # idle: of the server, a connection
    groups: dict[str, dict[str, float]] = {}  # http: requests a second and latency by group
    note: str = ""

    def add_error(self, text: str) -> None:
        """Count an error; the first is kept as the note."""
        self.errors += 1
        self.note = self.note or text[:300]


def percentiles(seconds: Any) -> dict[str, float]:
    """p50, p99 and max in ms of a sequence of seconds; empty for none."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {
        "p50": ordered[len(ordered) // 2] * 1e3,
        "p99": ordered[min(last, int(len(ordered) * 0.99))] * 1e3,
        "max": ordered[last] * 1e3,
    }
