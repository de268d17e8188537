"""People who call `/api/v1/` through the whole application, without a socket between."""

import itertools
import threading
from typing import Any

import msgspec
from django.http import HttpResponse
from django.test import Client

from accounts import services

PASSWORD = "correct horse battery staple"
PAGE = 200  # docs/rest.md: the most a page holds

_client_ids = itertools.count(1)
_threads = threading.local()


class Answer:
    """An answer: `status`, `body` (decoded; None where empty) and `headers`."""

    def __init__(self, response: HttpResponse) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.content.decode()
        self.body: Any = msgspec.json.decode(response.content) if response.content else None

    @property
    def code(self) -> str | None:
        """The problem's code; None where it is none."""
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def attrs(self) -> set[str]:
        """The fields that the problem names."""
        return {error["attr"] for error in self.body.get("errors", ())}


class Api:
    """Calls of `/api/v1/`."""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Answer:
        """Any method; `body` as JSON, bytes as they are, None as no body at all."""
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        url = f"/api/v1/{path}"
        return Answer(
            _client().generic(method, url, data, content_type, secure=True, headers=_headers(token, headers))
        )

    def get(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return Answer(_client().get(f"/api/v1/{path}", secure=True, headers=_headers(token, headers)))

    def post(self, path: str, body: Any = None, token: str | None = None) -> Answer:
        """`body` as JSON (None is `null`); bytes as they are."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.call("POST", path, data, token)


def _client() -> Client:
    """This thread's own: each new one loads all middleware anew, which takes longer than a call."""
    if not hasattr(_threads, "client"):
        _threads.client = Client()
    client: Client = _threads.client
    return client


def _headers(token: str | None, more: dict[str, str]) -> dict[str, str]:
    return more if token is None else {"Authorization": f"Bearer {token}", **more}


class Person(services.Opened):
    """Somebody who is registered and logged in, and what they do over REST."""

    @property
    def id(self) -> str:
        return str(self.user.id)

    def call(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        return Api().call(method, path, body, self.access, **how)

    def get(self, path: str) -> Answer:
        return Api().get(path, self.access)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.call("POST", path, body)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path)

    # What has to succeed: each gives the object, or the list, that the answer holds.

    def room(
        self, *members: "Person", kind: str = "private", name: str = "Engine room", **fields: Any
    ) -> str:
        """The id of a new room of mine."""
        body = {"kind": kind, "name": name, "members": [person.id for person in members], **fields}
        return str(_succeeded(self.post("rooms/", body))["id"])

    def direct(self, other: "Person") -> str:
        """The id of our direct room."""
        return str(_succeeded(self.call("PUT", f"rooms/direct/{other.id}/"))["id"])

    def change(self, room: str, **fields: Any) -> Any:
        """The room as it is then."""
        return _succeeded(self.call("PATCH", f"rooms/{room}/", fields))

    def send(
        self, room: str, body: str = "The mill is running.", client_id: str | None = None, **more: Any
    ) -> Any:
        """The message."""
        content = {"client_id": client_id or f"test-{next(_client_ids)}", "body": body, **more}
        return _succeeded(self.post(f"rooms/{room}/messages/", content))

    def edit(self, message: Any, body: str) -> Any:
        """The message as it is then."""
        return _succeeded(self.call("PATCH", path_of(message), {"body": body}))

    def erase(self, message: Any) -> Any:
        """The tombstone."""
        return _succeeded(self.delete(path_of(message)))

    def add(self, room: str, *people: "Person", role: str = "member") -> None:
        body = {"users": [person.id for person in people], "role": role}
        _succeeded(self.post(f"rooms/{room}/members/", body))

    def remove(self, room: str, person: "Person") -> None:
        _succeeded(self.delete(f"rooms/{room}/members/{person.id}/"))

    def update(self, room: str, person: "Person", **fields: Any) -> Any:
        """The member as they are then."""
        return _succeeded(self.call("PATCH", f"rooms/{room}/members/{person.id}/", fields))

    def ban(self, room: str, person: "Person", **fields: Any) -> Any:
        """The ban."""
        return _succeeded(self.call("PUT", f"rooms/{room}/bans/{person.id}/", fields))

    def lift(self, room: str, person: "Person") -> None:
        _succeeded(self.delete(f"rooms/{room}/bans/{person.id}/"))

    def join(self, room: str) -> Any:
        return _succeeded(self.post(f"rooms/{room}/join/"))

    def leave(self, room: str) -> None:
        _succeeded(self.post(f"rooms/{room}/leave/"))

    def read(self, room: str, seq: int, **fields: Any) -> Any:
        return _succeeded(self.post(f"rooms/{room}/read/", {"seq": seq, **fields}))

    def see(self, path: str) -> Any:
        """The body of what GET finds."""
        return _succeeded(self.get(path))

    def events(self, room: str, since: int = 0) -> list[Any]:
        """The log after `since`, page by page."""
        found: list[Any] = []
        while page := self.see(f"rooms/{room}/events/?since={since}&limit={PAGE}")["results"]:
            found += page
            since = page[-1]["seq"]
        return found

    def all(self, path: str, limit: int = PAGE) -> list[Any]:
        """Every row of a list, page by page."""
        return [row for page in self.pages(path, limit) for row in page]

    def pages(self, path: str, limit: int = PAGE) -> list[Any]:
        """The pages of a list, each its `results`."""
        found, cursor = [], ""
        while True:
            page = self.see(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
            found.append(page["results"])
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"


def _succeeded(answer: Answer) -> Any:
    assert answer.status < 300, f"{answer.status} {answer.text}"
    return answer.body


def path_of(message: Any) -> str:
    """Where a message is."""
    return f"rooms/{message['room']}/messages/{message['id']}/"


def register(username: str, **fields: Any) -> Person:
    """Somebody new."""
    opened = services.register(username=username, password=PASSWORD, **fields)
    return Person(opened.user, opened.session, opened.access, opened.refresh)
