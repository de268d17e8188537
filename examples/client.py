"""A whole client of Parley in one file: log in, resume, repeat what was not acknowledged.

It needs `websockets` and nothing else of this repository. The rules it follows are those of docs/protocol.md:
keep the last `seq` of each room, come back with them, and send again with the same `client_id` whatever was
not acknowledged. Then nothing is lost, doubled or out of order, whatever the network does.
"""

import asyncio
import contextlib
import json
import random
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Json = dict[str, Any]

PING_S = 25
SILENCE_S = 60
BACKOFF_S = (0.5, 30.0)
GIVE_UP = {1003, 1009, 4400, 4403, 4404}
AGAIN = {"unavailable", "storage_unavailable", "internal_error", "rate_limited", "slow_mode"}


class Refused(Exception):
    """The server said no, for good. `code` is what to switch on."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class Parley:
    """One person's device, or a bot.

    `on_event` gets every event of all my rooms once, in the order of `seq`; `on_hint` what may be lost
    (typing, signal, notice, …); `on_reload` the id of a room whose log could not be replayed: load it by REST.
    `on_ready` is called each time the line is there (again) and all rooms are subscribed.
    """

    def __init__(self, url: str, access: str, refresh: str | None = None) -> None:
        """`url` is http(s)://host:port; a bot has an API token and no `refresh`."""
        self.url = url.rstrip("/")
        self.user: Json = {}
        self.positions: dict[str, int] = {}
        self.on_event: Callable[[Json], None] = lambda frame: None
        self.on_hint: Callable[[Json], None] = lambda frame: None
        self.on_ready: Callable[[], None] = lambda: None
        self.on_reload: Callable[[str], None] = lambda room: None
        self.ready = asyncio.Event()
        self._moved = asyncio.Event()
        self._access, self._refresh = access, refresh
        self._renewing = asyncio.Lock()
        self._epoch: str | None = None
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._unsent: dict[str, tuple[Json, asyncio.Future[Json]]] = {}  # by client_id, in order

    # --- REST -----------------------------------------------------------------------------------

    @classmethod
    async def log_in(cls, url: str, username: str, password: str, *, register: bool = False) -> Self:
        """A new session; with `register` a new person."""
        path = "auth/register/" if register else "auth/token/"
        me = cls(url, "")
        got = await me.rest("POST", path, {"username": username, "password": password, "device": "example"})
        me._access, me._refresh, me.user = got["access"], got["refresh"], got["user"]
        return me

    def another(self) -> "Parley":
        """Another device of the same person, with a socket and positions of its own."""
        return Parley(self.url, self._access)

    async def rest(self, method: str, path: str, body: Json | None = None) -> Any:
        """A call under /api/v1/. A token that ran out is renewed; too many requests wait their time."""
        while True:
            access = self._access
            status, found, wait_s = await asyncio.to_thread(self._call, method, path, body, access)
            if status < 400:
                return found
            if found["code"] == "token_expired" and self._refresh is not None:
                await self._renew(access)
            elif status in (429, 503):
                await asyncio.sleep(wait_s)
            else:
                raise Refused(found["code"], found["detail"])

    def _call(self, method: str, path: str, body: Json | None, access: str = "") -> tuple[int, Any, float]:
        headers = {"Content-Type": "application/json"}
        if access:
            headers["Authorization"] = f"Bearer {access}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null"), 0.0
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()), float(error.headers.get("Retry-After", 1))

    async def _renew(self, refused: str) -> None:
        """Another access token than the one refused. Refused where the session is over, OSError without a line."""
        async with self._renewing:
            while self._access == refused:  # else another call was first
                body = {"refresh": self._refresh}
                status, got, wait_s = await asyncio.to_thread(self._call, "POST", "auth/token/refresh/", body)
                if status < 400:
                    self._access, self._refresh = got["access"], got["refresh"]
                elif status in (429, 503):
                    await asyncio.sleep(wait_s)
                else:
                    raise Refused(got["code"], got["detail"])

    # --- the socket -----------------------------------------------------------------------------

    async def start(self) -> Self:
        """Connect, and return once all my rooms are subscribed."""
        self._task = asyncio.create_task(self._run())
        await self.ready.wait()
        return self

    async def stop(self) -> None:
        """Go for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def cut(self) -> None:
        """Lose the line as a phone does in a tunnel: without a word. It comes back by itself."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def reach(self, room: str, seq: int) -> None:
        """Return once everything up to `seq` of a room was delivered."""
        while self.positions.get(room, 0) < seq:
            self._moved.clear()
            await self._moved.wait()

    async def send(self, room: str, body: str, *, client_id: str | None = None, **fields: Any) -> Json:
        """A message, once it is stored: over as many sockets as that takes, and never twice."""
        if self._task is not None and self._task.done():
            raise Refused("closed", "the server closed for good")
        key = client_id or uuid.uuid4().hex
        frame = {"room": room, "client_id": key, "body": body, **fields}
        done: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._unsent[key] = frame, done
        try:
            if self.ready.is_set():
                self.spawn(self._try(key))
            return await done
        finally:
            self._unsent.pop(key, None)

    async def hint(self, kind: str, **fields: Any) -> None:
        """A frame that asks for no answer and may be lost with the line (typing, signal)."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps({"type": kind, **fields}))

    async def ask(self, kind: str, **fields: Any) -> Json:
        """Any other frame, and the `data` of its ack. ConnectionError where the line goes before that."""
        self._numbers += 1
        number = self._numbers
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            if self._socket is None:
                raise ConnectionError("not connected")
            await self._socket.send(json.dumps({"type": kind, "id": number, **fields}))
            return await answer
        except ConnectionClosed as gone:
            raise ConnectionError("the line went") from gone
        finally:
            self._waiting.pop(number, None)

    async def _try(self, key: str) -> None:
        frame, done = self._unsent[key]
        try:
            answer = await self.ask("message.send", **frame)
        except ConnectionError:
            return  # the next socket sends it again
        except Refused as refused:
            if refused.code in AGAIN:
                await asyncio.sleep(random.uniform(0.2, 1))
                if key in self._unsent:
                    await self._try(key)
            elif not done.done():
                done.set_exception(refused)
            return
        if not done.done():
            done.set_result(answer["message"])

    async def _run(self) -> None:
        pause_s = BACKOFF_S[0]
        while True:
            code, access = 1006, self._access
            try:
                await self._one_socket()
            except (OSError, TimeoutError, InvalidHandshake):
                pass
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
            pause_s = BACKOFF_S[0] if self.ready.is_set() else min(2 * pause_s, BACKOFF_S[1])
            self._line_gone()
            over = code in GIVE_UP or (code == 4401 and self._refresh is None)
            if code == 4401 and not over:
                try:
                    await self._renew(access)
                except Refused:
                    over = True
                except OSError:
                    pass  # refused again, and then renewed
            if over:
                for _, done in self._unsent.values():
                    done.set_exception(Refused(str(code), "the server closed for good"))
                return
            await asyncio.sleep(random.uniform(0, pause_s))  # full jitter

    def _line_gone(self) -> None:
        self.ready.clear()
        self._socket = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the line went"))

    async def _one_socket(self) -> None:
        url = self.url.replace("http", "ws", 1) + "/ws/v1/"
        headers = {"Authorization": f"Bearer {self._access}"}
        async with connect(url, additional_headers=headers, subprotocols=["parley.v1"], proxy=None) as socket:  # type: ignore[list-item]
            self._socket = socket
            beat = asyncio.create_task(self._beat(socket))
            try:
                while True:
                    self._take(json.loads(await asyncio.wait_for(socket.recv(), SILENCE_S)))
            finally:
                beat.cancel()

    async def _beat(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(PING_S)
            await socket.send('{"type": "ping"}')

    async def _resume(self, epoch: str) -> None:
        with contextlib.suppress(ConnectionError):
            await self.ask("subscribe", rooms="all", since=self.positions, epoch=epoch)
            self.ready.set()
            self.on_ready()
        for key in list(self._unsent):
            self.spawn(self._try(key))

    def _placed(self, place: Json) -> None:
        room = place["room"]
        if "code" in place:  # no longer mine
            self.positions.pop(room, None)
        elif place["resync"] is not None:
            self.positions[room] = place["seq"]
            self.on_reload(room)
        else:
            self.positions.setdefault(room, place["seq"])

    def _take(self, frame: Json) -> None:
        kind = frame["type"]
        if kind == "welcome":
            self.user = frame["user"]
            # The positions are of the epoch from before; from now on they are of this one.
            before, self._epoch = self._epoch or frame["epoch"], frame["epoch"]
            self.spawn(self._resume(before))
        elif kind == "ack":
            for place in frame["data"].get("rooms", ()):  # of `subscribe`, before any event after it
                self._placed(place)
            answer = self._waiting.get(frame["id"])
            if answer is not None and not answer.done():
                answer.set_result(frame["data"])
        elif kind == "error":
            answer = self._waiting.get(frame["id"])
            if answer is not None and not answer.done():
                answer.set_exception(Refused(frame["code"], frame["detail"]))
        elif kind == "subscribed":
            for place in frame["rooms"]:
                self._placed(place)
        elif "seq" in frame:
            self.positions[frame["room"]] = frame["seq"]
            self.on_event(frame)
            self._moved.set()
        else:
            if kind == "unsubscribed":
                self.positions.pop(frame["room"], None)
            self.on_hint(frame)

    def spawn(self, work: Any) -> None:
        """Run a coroutine in the background."""
        task = asyncio.get_running_loop().create_task(work)
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)


_TASKS: set[asyncio.Task[Any]] = set()  # a task that nobody holds may vanish
