"""One WebSocket of `parley.v1`: requests answered by `id`, and everything else in the order it came."""

import asyncio
import contextlib
import itertools
import socket as sockets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.client.strict_json import Json, dumps, loads

Auth = Literal["header", "subprotocol", "frame"]
PROTOCOL = "parley.v1"
TIMEOUT_S = 10.0


class Received(NamedTuple):
    """A frame and its `time.monotonic()`."""

    at: float
    frame: Json


@dataclass(frozen=True)
class Ending:
    """How a socket ended: the close code (1006 without a close frame) and the last `error` without an id.

    `by_us`: it was cut on this side.
    """

    code: int
    reason: str
    error: Json | None
    by_us: bool = False

    @property
    def why(self) -> str | None:
        """The code of the last error frame, which is what the contract says to go by."""
        return self.error["code"] if self.error else None


class Closed(ConnectionError):
    """The socket ended while something was expected of it."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(f"closed with {ending.code} {ending.why or ending.reason!r}")
        self.ending = ending


class Refused(Exception):
    """An `error` frame answered a request."""

    def __init__(self, frame: Json) -> None:
        super().__init__(f"{frame['code']}: {frame.get('detail')}")
        self.code: str = frame["code"]
        self.frame = frame


def socket_url(base_url: str, room: str | None, since: int | None, epoch: str | None) -> str:
    """The URL of all rooms, or of one."""
    root = f"ws://{urlsplit(base_url).netloc}/ws/v1/"
    if room is None:
        return root
    query = urlencode({k: v for k, v in (("since", since), ("epoch", epoch)) if v is not None})
    return f"{root}rooms/{room}/" + (f"?{query}" if query else "")


class Socket:
    """An open socket. `frames` holds every frame in the order it came, answers included.

    `on_frame` is called for each of them before anything that waits for it runs on.
    `violations` says what the server sent that is no frame of this protocol.
    """

    def __init__(self, connection: ClientConnection, on_frame: Callable[[Json], None] | None = None) -> None:
        self.frames: list[Received] = []
        self.violations: list[str] = []
        self.welcome: Json = {}
        self.heard_at = time.monotonic()
        self._connection = connection
        self._on_frame = on_frame
        self._ids = itertools.count(1)
        self._asked: set[str] = set()
        self._waiting: dict[str | int, asyncio.Future[Json]] = {}
        self._arrived = asyncio.Condition()
        self._error: Json | None = None
        self._cut = False
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        base_url: str,
        token: str | None,
        *,
        auth: Auth = "header",
        room: str | None = None,
        since: int | None = None,
        epoch: str | None = None,
        address: str | None = None,
        origin: str | None = None,
        receive_buffer: int | None = None,
        on_frame: Callable[[Json], None] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Self:
        """Connect, authenticate and wait for `welcome`.

        Args:
            token: None to send none by header or subprotocol.
            room: for the socket of this room alone.
            address: local address to come from.
            receive_buffer: SO_RCVBUF in bytes, for slow readers.

        Raises:
            Closed: the server closed before `welcome`.
            OSError, websockets.InvalidHandshake, TimeoutError: no socket.
        """
        self = await cls.open(
            base_url,
            token,
            auth=auth,
            room=room,
            since=since,
            epoch=epoch,
            address=address,
            origin=origin,
            receive_buffer=receive_buffer,
            on_frame=on_frame,
            timeout_s=timeout_s,
        )
        try:
            if auth == "frame" and token is not None:
                await self.request("auth", token=token, timeout_s=timeout_s)
            self.welcome = (await self.find("welcome", timeout_s=timeout_s)).frame
        except BaseException:
            await self.abort()
            raise
        return self

    @classmethod
    async def open(
        cls,
        base_url: str,
        token: str | None,
        *,
        auth: Auth = "header",
        room: str | None = None,
        since: int | None = None,
        epoch: str | None = None,
        address: str | None = None,
        origin: str | None = None,
        receive_buffer: int | None = None,
        on_frame: Callable[[Json], None] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Self:
        """The handshake alone, whatever comes after it."""
        offered = [PROTOCOL]
        headers = {}
        if token is not None and auth == "subprotocol":
            offered.append(f"bearer.{token}")
        if token is not None and auth == "header":
            headers["Authorization"] = f"Bearer {token}"
        url = socket_url(base_url, room, since, epoch)
        target = urlsplit(url)
        assert target.hostname
        assert target.port
        raw = sockets.socket()
        try:
            raw.setblocking(False)
            if receive_buffer:
                raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
            if address:
                raw.bind((address, 0))
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(raw, (target.hostname, target.port))
                connection = await connect(
                    url,
                    sock=raw,
                    origin=origin,  # type: ignore[arg-type]
                    subprotocols=[Subprotocol(name) for name in offered],
                    additional_headers=headers,
                    compression=None,
                    proxy=None,
                    ping_interval=None,
                    close_timeout=2,
                    max_size=None,
                )
        except BaseException:
            raw.close()
            raise
        if connection.subprotocol not in (PROTOCOL, None):
            await connection.close()
            raise AssertionError(f"the server selected {connection.subprotocol!r:.20}")
        return cls(connection, on_frame)

    async def _read(self) -> None:
        connection = self._connection
        try:
            while True:
                self._take(await connection.recv())
                async with self._arrived:
                    self._arrived.notify_all()
        except ConnectionClosed:
            pass
        except ValueError as error:
            self.violations.append(str(error))
            connection.transport.abort()
        finally:
            code = connection.close_code or 1006
            ending = Ending(code, connection.close_reason or "", self._error, by_us=self._cut)
            self._ending.set_result(ending)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Closed(ending))
                    answer.exception()  # nobody may be waiting any more
            async with self._arrived:
                self._arrived.notify_all()

    def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            raise ValueError("a binary frame")
        frame = loads(data)
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise ValueError(f"not a frame: {data[:200]}")
        self.heard_at = time.monotonic()
        self.frames.append(Received(self.heard_at, frame))
        if self._on_frame:
            self._on_frame(frame)
        kind = frame["type"]
        if kind == "error" and frame.get("id") is None:
            self._error = frame
        elif kind in ("ack", "pong", "error"):
            answer = self._waiting.pop(frame["id"], None)
            if answer is None:
                if frame["id"] in self._asked:  # others were sent as text
                    self.violations.append(f"answered twice: {data[:200]}")
            elif not answer.done():
                if kind == "error":
                    answer.set_exception(Refused(frame))
                    answer.exception()
                else:
                    answer.set_result(frame)

    async def send_text(self, text: str | bytes) -> None:
        """Send a frame as it is.

        Raises:
            Closed: it has ended, or ends now.
        """
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise Closed(await asyncio.shield(self._ending)) from None

    async def ask(self, kind: str, **fields: Any) -> "asyncio.Future[Json]":
        """Send a request; the future is its answer, a frame, or raises Refused or Closed."""
        name = f"{kind}-{next(self._ids)}"
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        if self._ending.done():
            raise Closed(self._ending.result())
        self._waiting[name] = answer
        self._asked.add(name)
        await self.send_text(dumps({"type": kind, "id": name, **fields}))
        return answer

    async def request(self, kind: str, *, timeout_s: float = TIMEOUT_S, **fields: Any) -> Json:
        """Ask and wait for the ack's `data` ({} of a pong).

        Raises:
            Refused, Closed, TimeoutError
        """
        async with asyncio.timeout(timeout_s):
            frame = await (await self.ask(kind, **fields))
        data: Json = frame.get("data", {})
        return data

    async def find(
        self,
        wanted: str | Callable[[Json], bool],
        *,
        start: int = 0,
        timeout_s: float = TIMEOUT_S,
    ) -> Received:
        """The first frame from index `start` on of this type, or that satisfies `wanted`, once it is there.

        Raises:
            Closed: the socket ended without it.
            TimeoutError
        """
        matches = (lambda frame: frame["type"] == wanted) if isinstance(wanted, str) else wanted
        try:
            async with asyncio.timeout(timeout_s), self._arrived:
                while True:
                    while start < len(self.frames):
                        if matches(self.frames[start].frame):
                            return self.frames[start]
                        start += 1
                    if self._ending.done():
                        raise Closed(self._ending.result())
                    await self._arrived.wait()
        except TimeoutError:
            tail = [received.frame for received in self.frames[-3:]]
            raise TimeoutError(f"no such frame in {timeout_s} s; the last: {tail!r:.600}") from None

    def events(self, room: str | None = None) -> list[Json]:
        """The events so far, in the order they came; of one room or of all."""
        return [
            received.frame
            for received in self.frames
            if "seq" in received.frame and room in (None, received.frame.get("room"))
        ]

    @property
    def ending(self) -> Ending | None:
        """None while it is open."""
        return self._ending.result() if self._ending.done() else None

    async def wait_closed(self, timeout_s: float = TIMEOUT_S) -> Ending:
        return await asyncio.wait_for(asyncio.shield(self._ending), timeout_s)

    async def close(self) -> None:
        """Close with 1000 and wait for the end."""
        await self._connection.close()
        await self._reader

    async def abort(self) -> None:
        """Cut the TCP connection, as a phone that lost its network would."""
        self._cut = True
        with contextlib.suppress(Exception):
            self._connection.transport.abort()
        await self._reader

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
