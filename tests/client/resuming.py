"""A client that comes back: it keeps its positions, resumes from them, and repeats what was not acknowledged."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from websockets.exceptions import InvalidHandshake, InvalidMessage

from tests.client.outbox import Outbox, Pending
from tests.client.record import RoomRecord
from tests.client.rest import UNKNOWN, Problem, Rest, Sent
from tests.client.socket import Auth, Closed, Ending, Refused, Socket
from tests.client.strict_json import Json

Doing = Literal["reconnect", "fresh_token", "wait", "stop"]
# docs/protocol.md, "Closing". 1006 is what an abnormal end looks like, 1000 never comes from the server.
AFTER_CLOSE: Mapping[int, Doing] = {
    1000: "reconnect",
    1001: "reconnect",
    1006: "reconnect",
    1011: "reconnect",
    1012: "reconnect",
    1013: "reconnect",
    4401: "fresh_token",
    4408: "wait",
    4429: "wait",
    1003: "stop",
    1009: "stop",
    4400: "stop",
    4403: "stop",
    4404: "stop",
}


@dataclass(frozen=True)
class Timing:
    """Periods in seconds. The defaults are the tests'; a phone's are 0.5–30, 25 and 60 (docs/protocol.md)."""

    backoff_first: float = 0.05
    backoff_longest: float = 1.0
    ping: float = 5.0
    silence: float = 12.0  # without any frame: cut and reconnect
    ack: float = 10.0  # without an ack on an open socket: repeat
    connect: float = 5.0


class GivenUp(ConnectionError):
    """The contract says not to come back after this ending."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(f"gave up after {ending.code} {ending.why}")
        self.ending = ending


class ResumingClient:
    """A person's device.

    Args:
        rest: who, and where; its tokens are used and refreshed.
        rooms: "all", or the rooms to subscribe to; with none it only sends.
        since: positions to start from, by room.
        room_url: use the socket of this one room instead; `rooms` is then not used.
        on_event, on_resync: called in the order of frames; on_frame after whatever a frame did.
        on_begin: called with room and position where a subscription begins that does not go on from one's own.

    `records` holds all that was delivered, `hints` counts the frames that may be lost, `endings` is one entry a
    socket that ended, `reconnects` counts the sockets opened after the first.
    """

    def __init__(
        self,
        rest: Rest,
        *,
        rooms: Literal["all"] | Sequence[str] = "all",
        since: Mapping[str, int] | None = None,
        epoch: str | None = None,
        room_url: str | None = None,
        auth: Auth = "header",
        timing: Timing = Timing(),
        on_event: Callable[[Json], None] | None = None,
        on_resync: Callable[[str, str], None] | None = None,
        on_begin: Callable[[str, int], None] | None = None,
        on_frame: Callable[[Json], None] | None = None,
    ) -> None:
        self.rest = rest
        self.all = rooms == "all" and room_url is None
        self.wanted: list[str] = [] if rooms == "all" else list(rooms)
        self.room_url = room_url
        self.auth = auth
        self.timing = timing
        self.positions: dict[str, int] = dict(since or {})
        self.epoch = epoch
        self.records: dict[str, RoomRecord] = {}
        self.refused: dict[str, str] = {}
        self.hints: Counter[str] = Counter()
        self.endings: list[Ending] = []
        self.violations: list[str] = []
        self.reconnects = -1
        self.failed_connects = 0
        self.socket: Socket | None = None
        self.gave_up: Ending | None = None
        self._outbox = Outbox()
        self._on_event = on_event
        self._on_resync = on_resync
        self._on_begin = on_begin
        self._on_frame = on_frame
        self._subscribe_id: str | None = None
        self._moved = asyncio.Event()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # Life

    async def start(self, timeout_s: float = 15.0) -> Self:
        """Connect, subscribe and return when the subscription stands."""
        self._task = asyncio.create_task(self._run())
        await self.ready(timeout_s)
        return self

    async def ready(self, timeout_s: float = 15.0) -> None:
        """Wait until it is connected and subscribed.

        Raises:
            GivenUp, TimeoutError
        """
        assert self._task is not None
        wait = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({wait, self._task}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                self._task.result()
                assert self.gave_up is not None
                raise GivenUp(self.gave_up)
            if not self._ready.is_set():
                raise TimeoutError(f"{self} is not subscribed after {timeout_s} s: {self.endings[-1:]}")
        finally:
            wait.cancel()

    async def stop(self) -> None:
        """Close for good."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for other in list(self._tasks):
            other.cancel()
        self._outbox.fail_all(ConnectionError("the client was stopped"))

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _run(self) -> None:
        wait_s = self.timing.backoff_first
        while True:
            doing: Doing = "reconnect"
            try:
                ending = await self._one_socket()
                if ending.subscribed:
                    wait_s = self.timing.backoff_first
                doing = AFTER_CLOSE.get(ending.how.code, "reconnect")
                if doing == "stop":
                    self.gave_up = ending.how
                    self._outbox.fail_all(GivenUp(ending.how))
                    self.wake()
                    return
            except (OSError, InvalidHandshake, InvalidMessage, TimeoutError):
                self.failed_connects += 1
                ending = None
            if doing == "fresh_token":
                with contextlib.suppress(Problem, OSError):
                    await self.rest.refresh()
            pause_s = random.uniform(0, wait_s)
            if doing == "wait" and ending and ending.how.error:
                pause_s = max(pause_s, float(ending.how.error.get("retry_after") or 1))
            wait_s = min(2 * wait_s, self.timing.backoff_longest)
            await asyncio.sleep(pause_s)

    @dataclass
    class _OneEnding:
        how: Ending
        subscribed: bool

    async def _one_socket(self) -> _OneEnding:
        """Connect, subscribe, and stay until it ends."""
        socket: Socket | None = None
        subscribed = False
        self._subscribe_id = None
        try:
            try:
                socket = await Socket.connect(
                    self.rest.base_url,
                    self.rest.access,
                    auth=self.auth,
                    room=self.room_url,
                    since=self.positions.get(self.room_url) if self.room_url else None,
                    epoch=self.epoch if self.room_url else None,
                    address=self.rest.address,
                    on_frame=self._take,
                    timeout_s=self.timing.connect,
                )
                self.reconnects += 1
                self.socket = socket
                if self.room_url is not None:
                    await socket.find("subscribed", timeout_s=self.timing.connect)
                elif self.all or self.wanted:
                    await self._subscribe(socket)
                subscribed = True
                self.epoch = socket.welcome["epoch"]
                self._ready.set()
                for pending in list(self._outbox.pending.values()):
                    await self._transmit(pending)
                await self._watch(socket)
                how = await socket.wait_closed()
            except Closed as closed:
                how = closed.ending
            self.endings.append(how)
            return self._OneEnding(how, subscribed)
        finally:
            self._ready.clear()
            self.socket = None
            if socket is not None:
                self.violations += socket.violations
                await socket.abort()

    async def _subscribe(self, socket: Socket) -> None:
        since = dict(self.positions)
        fields: Json
        if self.all:
            fields = {"rooms": "all", "since": since}
        else:
            fields = {
                "rooms": [
                    {"room": room, **({"since": since[room]} if room in since else {})}
                    for room in self.wanted
                ]
            }
        if self.epoch is not None:
            fields["epoch"] = self.epoch
        answer = await socket.ask("subscribe", **fields)
        async with asyncio.timeout(self.timing.connect):
            await answer

    async def _watch(self, socket: Socket) -> None:
        """Ping, and cut the socket when nothing comes; returns when it has ended."""
        next_ping = time.monotonic() + self.timing.ping
        while socket.ending is None:
            now = time.monotonic()
            if now - socket.heard_at > self.timing.silence:
                await socket.abort()
                return
            if now >= next_ping:
                next_ping = now + self.timing.ping
                await socket.ask("ping")
            for pending in list(self._outbox.pending.values()):
                if pending.times and now - pending.times[-1] > self.timing.ack:
                    await self._transmit(pending)
            with contextlib.suppress(TimeoutError):
                await socket.wait_closed(0.25)

    # Frames

    def _take(self, frame: Json) -> None:
        kind = frame["type"]
        room = frame.get("room")
        if "seq" in frame and isinstance(room, str):
            self._event(room, frame)
        elif kind == "ack" and str(frame["id"]).startswith("subscribe-"):
            for entry in frame["data"]["rooms"]:
                self._placed(entry)
        elif kind == "subscribed":
            for entry in frame["rooms"]:
                self._placed(entry, by_server=True)
        elif kind == "unsubscribed":
            assert isinstance(room, str)
            self._record(room).end(frame["reason"])
            self.positions.pop(room, None)
            if room in self.wanted:
                self.wanted.remove(room)
        elif kind not in ("ack", "pong", "error", "welcome"):
            self.hints[kind] += 1
        if self._on_frame:
            self._on_frame(frame)
        self.wake()

    def _event(self, room: str, frame: Json) -> None:
        self._record(room).add(frame)
        self.positions[room] = frame["seq"]
        if self._on_event:
            self._on_event(frame)

    def _placed(self, entry: Json, *, by_server: bool = False) -> None:
        """A subscription stands: it goes on where it was, or begins."""
        room = entry["room"]
        record = self._record(room)
        if "code" in entry:
            self.refused[room] = entry["code"]
            self.positions.pop(room, None)
            if room in self.wanted:
                self.wanted.remove(room)
            record.end(entry["code"])
            return
        reason = entry.get("resync")
        if reason is not None:
            record.resyncs.append(reason)
            record.end(f"resync {reason}")
        held = self.positions.get(room)
        if reason is None and held is not None:
            if record.open is None:
                record.begin(held)
        elif not entry.get("already"):
            # Joined under "all": the first event is one's own member.joined, whatever `seq` says here.
            joined = by_server and self.room_url is None and reason is None
            record.begin(None if joined else entry["seq"])
            self.positions[room] = entry["seq"]
            if self._on_begin:
                self._on_begin(room, entry["seq"])
        if reason is not None and self._on_resync:
            self._on_resync(room, reason)

    def _record(self, room: str) -> RoomRecord:
        return self.records.setdefault(room, RoomRecord())

    def wake(self) -> None:
        """Let `until` look again."""
        self._moved.set()

    # What it can be asked

    async def until(self, holds: Callable[[], bool], timeout_s: float, what: str = "") -> None:
        """Wait until `holds`, which is asked after each frame.

        Raises:
            TimeoutError: naming `what`.
            Exception: what ended the client, if something did.
        """
        deadline = time.monotonic() + timeout_s
        while not holds():
            if self._task is not None and self._task.done():
                self._task.result()  # it failed: in a callback of ours, or on a frame
            self._moved.clear()
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"not in {timeout_s} s: {what}; at {self.positions}, {self.reconnects} reconnects, "
                    f"the last endings {self.endings[-2:]}"
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)

    async def reach(self, room: str, seq: int, timeout_s: float) -> None:
        """Wait until the position in `room` is `seq` or above."""
        await self.until(lambda: self.positions.get(room, -1) >= seq, timeout_s, f"position {seq}")

    async def follow(self, room: str) -> Json:
        """Subscribe to one more room, from now on; its line in the ack. Only while it is connected."""
        assert self.socket is not None
        if room not in self.wanted:
            self.wanted.append(room)
        (line,) = (await self.socket.request("subscribe", rooms=[{"room": room}]))["rooms"]
        found: Json = line
        return found

    async def send(
        self, room: str, client_id: str, body: str, *, timeout_s: float = 60.0, **fields: Any
    ) -> Sent:
        """Send until acknowledged, over as many sockets as it takes.

        Raises:
            Refused: for good. GivenUp. TimeoutError: still not acknowledged.
        """
        pending = self._outbox.put(room, client_id, body, **fields)
        try:
            if self._ready.is_set():
                await self._transmit(pending)
            async with asyncio.timeout(timeout_s):
                return await pending.done
        finally:
            self._outbox.drop(client_id)

    async def _transmit(self, pending: Pending) -> None:
        """One try; its answer is taken care of by a task. A dead socket is no error: the next one repeats it."""
        socket = self.socket
        if socket is None:
            return
        pending.times.append(time.monotonic())
        try:
            answer = await socket.ask("message.send", **pending.fields)
        except Closed:
            return
        task = asyncio.create_task(self._settle(pending, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, pending: Pending, answer: "asyncio.Future[Json]") -> None:
        try:
            pending.settle((await answer)["data"])
        except Closed:
            return
        except Refused as refused:
            if refused.code in UNKNOWN or refused.code in ("rate_limited", "slow_mode"):
                longest = self.timing.backoff_longest
                pause_s = refused.frame.get("retry_after") or random.uniform(0.02, longest / 2)
                await asyncio.sleep(float(pause_s))
                if not pending.done.done():
                    await self._transmit(pending)
            elif not pending.done.done():
                pending.done.set_exception(refused)
