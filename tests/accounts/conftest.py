"""Ada, a REST client, and a clock to turn."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services
from common import clock
from tests.accounts.people import PASSWORD


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

    def get(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return Answer(Client(headers=_headers(token, headers)).get(f"/api/v1/{path}", secure=True))

    def post(self, path: str, body: Any = None, token: str | None = None) -> Answer:
        """`body` as JSON; bytes as they are."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        client = Client(headers=_headers(token, {}))
        return Answer(client.post(f"/api/v1/{path}", data, content_type="application/json", secure=True))


def _headers(token: str | None, more: dict[str, str]) -> dict[str, str]:
    return more if token is None else {"Authorization": f"Bearer {token}", **more}


class TurnedClock:
    """`common.clock`, standing still until it is turned."""

    def __init__(self) -> None:
        self.at = clock.now().replace(microsecond=250_000)

    def now(self) -> datetime:
        return self.at

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    turned = TurnedClock()
    monkeypatch.setattr("common.clock.now", turned.now)
    return turned


@pytest.fixture
def ada(db: None) -> services.Opened:
    """Ada, registered and logged in on her phone."""
    return services.register(
        username="ada",
        password=PASSWORD,
        email="ada@example.com",
        display_name="Ada Lovelace",
        device="phone",
    )


@pytest.fixture
def bob(db: None) -> services.Opened:
    return services.register(username="bob", password=PASSWORD)


@pytest.fixture
def statements() -> Callable[[Callable[[], Any]], list[str]]:
    """`statements(work)`: the SQL that `work` runs, without what opens and closes transactions."""

    def run(work: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            work()
        return [
            query["sql"]
            for query in captured.captured_queries
            if query["sql"].split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
        ]

    return run
