"""REST: one person's calls to `/api/v1/`."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from tests.client.strict_json import Json, loads

PAGE = 200  # docs/rest.md: the most a page holds
TIMEOUT_S = 15.0
# What a proxy that ends TLS says to the server behind it: in production plain HTTP is redirected.
BEHIND_TLS = {"X-Forwarded-Proto": "https"}
RETRY_S = (0.05, 1.0)  # first and longest wait of a repeated send
UNKNOWN = ("unavailable", "storage_unavailable", "internal_error")  # docs/rest.md, "again?": yes


class Problem(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, code: str | None, body: Any) -> None:
        super().__init__(f"{status} {code}: {body!r:.300}")
        self.status = status
        self.code = code
        self.body = body

    @property
    def retry_after_s(self) -> float | None:
        """`retry_after` of the body, or the header's."""
        value = self.body.get("retry_after") if isinstance(self.body, dict) else None
        return float(value) if value is not None else None


@dataclass(frozen=True)
class Sent:
    """An acknowledged send.

    `asked_at` and `acked_at` are `time.monotonic()` seconds, of the first try and of the ack; `tries` counts both.
    """

    client_id: str
    message: Json
    duplicate: bool
    asked_at: float
    acked_at: float
    tries: int

    @property
    def latency_s(self) -> float:
        return self.acked_at - self.asked_at


class Rest:
    """A person's REST calls.

    Args:
        base_url: scheme, host and port, `http://127.0.0.1:8000`.
        address: the local address to call from (loopback has 127.0.0.0/8), so that limits by address and a
            balancer can tell clients apart.
    """

    def __init__(self, base_url: str, *, address: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self.base_url = base_url.rstrip("/")
        self.address = address
        self.access: str | None = None
        self.refresh_token: str | None = None
        self.user: Json = {}
        # Loading the system's certificates takes 50 ms, for a line that is not encrypted.
        encrypted = base_url.startswith("https:")
        transport = httpx.AsyncHTTPTransport(local_address=address, trust_env=False, verify=encrypted)
        self._http = httpx.AsyncClient(
            transport=transport, timeout=timeout_s, trust_env=False, headers=BEHIND_TLS
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def at(self, base_url: str) -> "Rest":
        """The same person, with the tokens of now, asking another address."""
        other = Rest(base_url, address=self.address)
        other.access, other.refresh_token, other.user = self.access, self.refresh_token, self.user
        return other

    @property
    def user_id(self) -> str:
        return str(self.user["id"])

    async def call(self, method: str, path: str, body: Json | None = None, **query: Any) -> Any:
        """One request below `/api/v1/`; the parsed body, None without one. A query value of None is left out."""
        return (await self.answer(method, path, body, **query))[1]

    async def answer(self, method: str, path: str, body: Json | None = None, **query: Any) -> tuple[int, Any]:
        """As `call`, with the status.

        Raises:
            Problem: any status but 2xx.
            httpx.TransportError: no answer.
        """
        response = await self._http.request(
            method,
            f"{self.base_url}/api/v1/{path}",
            json=body,
            params={name: value for name, value in query.items() if value is not None},
            headers={"Authorization": f"Bearer {self.access}"} if self.access else {},
        )
        try:
            parsed = loads(response.content) if response.content else None
        except ValueError as error:
            raise Problem(response.status_code, None, f"not JSON: {response.text!r:.300}") from error
        if not response.is_success:
            code = parsed.get("code") if isinstance(parsed, dict) else None
            if isinstance(parsed, dict) and "retry_after" not in parsed and "Retry-After" in response.headers:
                parsed["retry_after"] = response.headers["Retry-After"]
            raise Problem(response.status_code, code, parsed)
        return response.status_code, parsed

    # Accounts

    async def register(self, username: str, password: str, **fields: Any) -> Json:
        return self._keep(
            await self.call("POST", "auth/register/", {"username": username, "password": password, **fields})
        )

    async def log_in(self, username: str, password: str, **fields: Any) -> Json:
        return self._keep(
            await self.call("POST", "auth/token/", {"username": username, "password": password, **fields})
        )

    async def refresh(self) -> Json:
        """A new access token; both tokens are kept here."""
        return self._keep(await self.call("POST", "auth/token/refresh/", {"refresh": self.refresh_token}))

    async def log_out(self) -> None:
        await self.call("POST", "auth/logout/")

    def _keep(self, answer: Json) -> Json:
        self.access, self.refresh_token = answer["access"], answer["refresh"]
        self.user = answer.get("user", self.user)
        return answer

    # Rooms

    async def create_room(self, kind: str = "private", name: str = "story", **fields: Any) -> Json:
        room: Json = await self.call("POST", "rooms/", {"kind": kind, "name": name, **fields})
        return room

    async def direct_room(self, user: str) -> Json:
        """Found or made."""
        room: Json = await self.call("PUT", f"rooms/direct/{user}/")
        return room

    async def rooms(self, **query: Any) -> list[Json]:
        """Every page of my rooms."""
        return [room async for room in self._pages("rooms/", **query)]

    async def room(self, room: str) -> Json:
        found: Json = await self.call("GET", f"rooms/{room}/")
        return found

    async def update_room(self, room: str, **fields: Any) -> Json:
        changed: Json = await self.call("PATCH", f"rooms/{room}/", fields)
        return changed

    async def delete_room(self, room: str) -> None:
        await self.call("DELETE", f"rooms/{room}/")

    async def join(self, room: str) -> Any:
        return await self.call("POST", f"rooms/{room}/join/")

    async def leave(self, room: str) -> Any:
        return await self.call("POST", f"rooms/{room}/leave/")

    async def members(self, room: str) -> list[Json]:
        """Every page of the members."""
        return [member async for member in self._pages(f"rooms/{room}/members/")]

    async def add_member(self, room: str, user: str, role: str | None = None) -> Any:
        body = {"user": user} if role is None else {"user": user, "role": role}
        return await self.call("POST", f"rooms/{room}/members/", body)

    async def add_members(self, room: str, users: list[str]) -> Any:
        return await self.call("POST", f"rooms/{room}/members/", {"users": users})

    async def update_member(self, room: str, user: str, **fields: Any) -> Any:
        return await self.call("PATCH", f"rooms/{room}/members/{user}/", fields)

    async def remove_member(self, room: str, user: str) -> None:
        await self.call("DELETE", f"rooms/{room}/members/{user}/")

    async def ban(self, room: str, user: str, **fields: Any) -> Any:
        return await self.call("PUT", f"rooms/{room}/bans/{user}/", fields)

    async def read(self, room: str, seq: int, **fields: Any) -> Json:
        answer: Json = await self.call("POST", f"rooms/{room}/read/", {"seq": seq, **fields})
        return answer

    # Messages

    async def send(self, room: str, client_id: str, body: str, **fields: Any) -> tuple[Json, bool]:
        """The message and whether it was there already (200 instead of 201)."""
        content = {"client_id": client_id, "body": body, **fields}
        status, answer = await self.answer("POST", f"rooms/{room}/messages/", content)
        # The contract leaves open whether `{message, duplicate}` or the bare message is the body.
        return answer.get("message", answer), status == 200

    async def send_until_acked(
        self, room: str, client_id: str, body: str, *, deadline_s: float = 30.0, **fields: Any
    ) -> Sent:
        """Send, and repeat with the same `client_id` while the outcome is unknown.

        Raises:
            Problem: refused for good.
            TimeoutError: still unknown after `deadline_s`.
        """
        asked_at = time.monotonic()
        wait_s, tries = RETRY_S[0], 0
        while True:
            tries += 1
            pause_s = random.uniform(0, wait_s)
            try:
                message, duplicate = await self.send(room, client_id, body, **fields)
                return Sent(client_id, message, duplicate, asked_at, time.monotonic(), tries)
            except httpx.TransportError as error:
                last: Exception = error
            except Problem as problem:
                if problem.status == 429:
                    pause_s = problem.retry_after_s or pause_s
                elif problem.code not in UNKNOWN and problem.status < 500:
                    raise
                last = problem
            wait_s = min(2 * wait_s, RETRY_S[1])
            if time.monotonic() + pause_s - asked_at > deadline_s:
                raise TimeoutError(f"{client_id} not acknowledged in {deadline_s} s, {tries} tries") from last
            await asyncio.sleep(pause_s)

    async def edit(self, room: str, message: str, body: str) -> Json:
        changed: Json = await self.call("PATCH", f"rooms/{room}/messages/{message}/", {"body": body})
        return changed

    async def delete(self, room: str, message: str) -> Any:
        return await self.call("DELETE", f"rooms/{room}/messages/{message}/")

    async def page(self, room: str, **query: Any) -> Json:
        """One page of messages: `results`, `has_before`, `has_after`, `room_seq`, `epoch`."""
        page: Json = await self.call("GET", f"rooms/{room}/messages/", **query)
        return page

    async def history(self, room: str) -> list[Json]:
        """Every top-level and thread message the history lists, oldest first, `me` included."""
        page = await self.page(room, limit=PAGE)
        pages = [page["results"]]
        while page["has_before"]:
            page = await self.page(room, before=pages[-1][0]["seq"], limit=PAGE)
            pages.append(page["results"])
        return [message for results in reversed(pages) for message in results]

    async def events(self, room: str, since: int = 0, *, limit: int = PAGE, epoch: str | None = None) -> Json:
        """One page of the log: `results`, `room_seq`, `epoch`."""
        page: Json = await self.call("GET", f"rooms/{room}/events/", since=since, limit=limit, epoch=epoch)
        return page

    async def log(self, room: str, since: int = 0) -> list[Json]:
        """The log after `since`, read until a page is empty."""
        found: list[Json] = []
        while True:
            page = await self.events(room, since)
            if not page["results"]:
                return found
            found += page["results"]
            since = found[-1]["seq"]

    async def _pages(self, path: str, **query: Any) -> AsyncIterator[Json]:
        cursor: str | None = None
        while True:
            page = await self.call("GET", path, cursor=cursor, limit=PAGE, **query)
            for item in page["results"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return
