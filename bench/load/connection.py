"""One WebSocket of the client, and the sender that may sit on it."""

import asyncio
from array import array
from collections.abc import Callable
from time import perf_counter
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.load.ledger import Room, Seen
from bench.load.plan import Found
from bench.load.wires import Kind, Wire

_TEXT = WSMsgType.TEXT
HANDSHAKE_S = 60.0


class Board:
    """What all connections of a run write to."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.found = Found()
        self.senders: dict[int, Sender] = {}
        self.own = 0  # messages that came back to their senders
        self.latencies = array("d")
        self.acks = array("d")
        self.ending = False  # closes are ours from now on

    def sent_at(self, sender: int, number: int) -> float:
        """When the message was sent or should have been; now for one that this run did not send."""
        who = self.senders.get(sender)
        return who.times[number] if who and number < len(who.times) else perf_counter()


class Connection(WSListener):
    """A socket in (at most) one counted room. `watches`: its deliveries are timed."""

    def __init__(self, board: Board, room: Room | None) -> None:
        self.board = board
        self.wire = board.wire
        self.room = room
        self.next: list[bytes] = room.payloads if room else []
        self.at = 0
        self.watches = False
        self.sender: Sender | None = None
        self.seen: Seen | None = None
        self.transport: Any = None
        self._waits: tuple[bytes, asyncio.Future[bytes]] | None = None
        self._before: list[bytes] = []
        self._code = "1006"

    async def open(self, address: str, token: str, rooms: list[str], since: list[int] | None) -> None:
        """Connect and enter; raises what kept it out."""
        url, headers = self.wire.url(address, rooms), self.wire.headers(token)
        await ws_connect(
            lambda: self,
            url,
            extra_headers=headers,
            websocket_handshake_timeout=HANDSHAKE_S,
            max_redirects=0,
            use_aiofastnet=False,
        )
        async with asyncio.timeout(HANDSHAKE_S):
            await self.wire.enter(self, token, rooms, since)
        self._before.clear()

    def hear(self, prefix: bytes) -> "asyncio.Future[bytes]":
        """The next payload that begins so, or one that has come before anybody asked."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        early = next((payload for payload in self._before if payload.startswith(prefix)), None)
        if early is not None:
            self._before.remove(early)
            future.set_result(early)
        else:
            self._waits = (prefix, future)
        return future

    def send(self, payload: bytes) -> None:
        self.transport.send(_TEXT, payload)

    @property
    def received(self) -> int:
        """Different events got so far, and repetitions."""
        return self.at if self.seen is None else len(self.seen.keys) + self.seen.doubled

    @property
    def distinct(self) -> int:
        return self.at if self.seen is None else len(self.seen.keys)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        at = self.at
        # What nearly every delivery costs: one comparison.
        if at < len(self.next) and payload == self.next[at]:
            self.at = at + 1
            if self.watches:
                self._timed(at)
        else:
            self._other(frame, payload)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._waits is not None and not self._waits[1].done():
            self._waits[1].set_exception(ConnectionError("closed while entering"))
        if not self.board.ending:
            closed = self.board.found.closed
            closed[self._code] = closed.get(self._code, 0) + 1

    def _timed(self, at: int) -> None:
        assert self.room is not None
        self.board.latencies.append(perf_counter() - self.room.times[at])
        if self.sender is not None:
            message = self.room.messages[at]
            if message.sender == self.sender.number:
                self.sender.came_back(message.number)

    def _other(self, frame: WSFrame, payload: bytes) -> None:
        """Everything but the ledger's next event."""
        if frame.msg_type is not _TEXT:
            if frame.msg_type is WSMsgType.CLOSE and len(payload) >= 2:
                self._code = str(int.from_bytes(payload[:2], "big"))
                self.transport.disconnect()
            return
        if self._waits is not None and payload.startswith(self._waits[0]):
            waits, self._waits = self._waits[1], None
            if not waits.done():
                waits.set_result(payload)
            return
        kind = self.wire.kind(payload)
        if kind is Kind.EVENT and self.room is not None:
            self._event(self.room, payload)
        elif kind is Kind.ANSWER:
            if self.sender is not None and (number := self.wire.answered(payload)) is not None:
                self.board.acks.append(perf_counter() - self.sender.times[number])
        elif kind is Kind.ERROR:
            self._error(payload)
        elif (reply := self.wire.reply(payload)) is not None:
            self.send(reply)
        else:
            self._before.append(payload)

    def _error(self, payload: bytes) -> None:
        self.board.found.add_error(payload.decode())
        if self.sender is not None and (number := self.wire.answered(payload)) is not None:
            self.sender.refused(number)

    def _event(self, room: Room, payload: bytes) -> None:
        message = self.wire.message(payload)
        at = self.at
        if message.key not in room.known:
            new = len(room.payloads)
            if not room.write(payload, message, self.board.sent_at(message.sender, message.number)):
                self.board.found.disordered += 1
            if self.seen is None and at == new:
                self.at = at + 1
                if self.watches:
                    self._timed(at)
                return
        if self.seen is None:
            self.seen = Seen(room, at)
            self.next = []
        self.seen.take(message)
        if self.watches:
            self.board.latencies.append(perf_counter() - self.board.sent_at(message.sender, message.number))
        if self.sender is not None and message.sender == self.sender.number:
            self.sender.came_back(message.number)


class Sender:
    """Sends on one connection and knows what is on its way."""

    def __init__(
        self, number: int, connection: Connection, room: Room, frame: Callable[[int], bytes]
    ) -> None:
        self.number = number
        self.connection = connection
        self.room = room
        self.frame = frame
        self.times = array("d")
        self.under_way: dict[int, float] = {}
        self.again = False  # closed loop: one back, one out
        connection.sender = self
        connection.watches = True

    def send(self, due: float) -> None:
        """Send the next message, which was to go at `due`."""
        number = len(self.times)
        self.times.append(due)
        self.under_way[number] = due
        self.room.sent += 1
        self.connection.send(self.frame(number))

    def came_back(self, number: int) -> None:
        """One's own message was delivered."""
        if self.under_way.pop(number, None) is None:
            return
        self.connection.board.own += 1
        if self.again:
            self.send(perf_counter())

    def refused(self, number: int) -> None:
        """The server answered that it did not take it."""
        if self.under_way.pop(number, None) is not None:
            self.room.refused += 1
            if self.again:
                # Not at once: a server that refuses everything would be asked in a tight loop.
                asyncio.get_running_loop().call_later(0.01, self._once_more)

    def give_up(self, before: float) -> int:
        """Forget what was sent before then and did not come back; in a closed loop, send anew. How many."""
        old = [number for number, at in self.under_way.items() if at < before]
        for number in old:
            del self.under_way[number]
            if self.again:
                self.send(perf_counter())
        return len(old)

    def _once_more(self) -> None:
        if self.again:
            self.send(perf_counter())
