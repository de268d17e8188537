"""Ada, bob and eve with their sockets, on a live server whose log must stay free of alarms."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.backends.utils import CursorWrapper
from pytest_django import Settings

from gateway.runtime import runtime
from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.socket import Socket
from tests.contract.story import Story
from tests.daphne_server import CANNOT, SERVER, DaphneServer
from tests.gateway.raw_line import line, other, raw  # noqa: F401  fixtures
from tests.gateway.waiting import until
from tests.live import LiveServer

SERVERS: dict[str, type[LiveServer] | type[DaphneServer]] = {"uvicorn": LiveServer, "daphne": DaphneServer}
# About one server, or about what is below or behind the wire; all other modules hold on every server.
NOT_THE_WIRE = {"test_bus", "test_feed", "test_floods", "test_hub", "test_other_servers", "test_outbox"}
NOT_THE_WIRE |= {
    "test_bad_frames_twins",
    "test_bus_twins",
    "test_busy",
    "test_handshakes",
    "test_never_reads",
    "test_raw_floods",
    "test_raw_floods_twins",
    "test_request_heads",
    "test_restarting",
    "test_slow_requests",
}
NEEDS_REDIS = {"test_bus_twins"}
Connect = Callable[..., Awaitable[Socket]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On daphne the wire alone is tested, and what daphne cannot do must fail: else the list of that is too long."""
    left_out = set() if django_settings.REDIS_URL else NEEDS_REDIS
    if SERVER != "uvicorn":
        left_out = left_out | NOT_THE_WIRE
    out = [item for item in items if item.path.stem in left_out]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]
    for item in items if SERVER != "uvicorn" else ():
        for mark in item.iter_markers("daphne_cannot"):
            reason = " ".join(CANNOT[mark.args[0]].split())
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


class Alarms(logging.Handler):
    """What was logged as an error: exceptions, lost tasks. `expected` ones are no failure."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []
        self.expected: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def alarms() -> Iterator[Alarms]:
    """Whatever a client sends, nothing of it is an error of the server's."""
    handler = Alarms()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    said = [logging.Formatter().format(r) for r in handler.records if r.getMessage() not in handler.expected]
    assert not said, f"{len(said)} alarms, the first: {said[0]}"


@pytest.fixture(scope="module")
def module_server(django_db_setup: None) -> Iterator[LiveServer]:
    """One server a module: starting one costs more than most of these tests."""
    live = SERVERS[SERVER]()
    live.start()
    yield live
    live.stop()


@pytest.fixture
def server(module_server: LiveServer, transactional_db: None, settings: Settings) -> LiveServer:
    """The module's server on an empty database, with nobody connected any more and nothing of it replaced.

    Two servers in one process would share what is one a process, so a module that needs others has only those.
    """
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    settings.SECURE_SSL_REDIRECT = False

    async def afresh() -> None:
        hub = runtime().hub
        await until(lambda: not hub._people and not hub._feeds, "everybody is gone", 10)
        hub.bus._on_message = hub._on_message  # type: ignore[method-assign]
        hub._epoch = None

    module_server.call(afresh())
    return module_server


@pytest.fixture
async def register(server: LiveServer) -> AsyncIterator[Callable[[str], Awaitable[Rest]]]:
    everybody: list[Rest] = []

    async def make(name: str) -> Rest:
        rest = Rest(server.http)
        everybody.append(rest)
        await rest.register(name, PASSWORD)
        return rest

    yield make
    for rest in everybody:
        await rest.close()


@pytest.fixture
async def ada(register: Any) -> Rest:
    rest: Rest = await register("ada")
    return rest


@pytest.fixture
async def bob(register: Any) -> Rest:
    rest: Rest = await register("bob")
    return rest


@pytest.fixture
async def eve(register: Any) -> Rest:
    rest: Rest = await register("eve")
    return rest


@pytest.fixture
async def connect(server: LiveServer) -> AsyncIterator[Connect]:
    """`connect(rest, ...)`: an authenticated socket. In the end none may have seen a violation."""
    opened: list[Socket] = []

    async def make(rest: Rest, **how: Any) -> Socket:
        socket = await Socket.connect(server.http, rest.access, **how)
        opened.append(socket)
        return socket

    yield make
    for socket in opened:
        await socket.close()
    assert [v for socket in opened for v in socket.violations] == []


@pytest.fixture
async def room(ada: Rest, bob: Rest) -> str:
    """A private room: ada's, with bob in it. Its log stands at 3."""
    made = await ada.create_room(members=[bob.user_id])
    return str(made["id"])


@pytest.fixture
def quiet_server(transactional_db: None, settings: Settings) -> Iterator[LiveServer]:
    """One that never looks at the database by itself, so that every statement is made for a frame."""
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    settings.SECURE_SSL_REDIRECT = settings.GAP_REPAIR = False
    settings.AUTH_TIMEOUT_S = 60
    live = LiveServer()
    live.start()
    yield live
    live.stop()


@pytest.fixture
async def socket_of(quiet_server: LiveServer) -> AsyncIterator[Callable[[Story, str], Awaitable[Socket]]]:
    """`socket_of(story, viewer)`: their one socket; nobody's has not said who it is."""
    opened: dict[str, Socket] = {}

    async def of(story: Story, viewer: str) -> Socket:
        if viewer not in opened:
            token = None if viewer == "nobody" else story.people[viewer].access
            begin = Socket.open if token is None else Socket.connect
            opened[viewer] = await begin(quiet_server.http, token)
        return opened[viewer]

    yield of
    for socket in opened.values():
        await socket.close()


@pytest.fixture
def run_by_the_server(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement of every thread, as it is run."""
    found: list[str] = []
    execute = CursorWrapper._execute_with_wrappers

    def recording(self: CursorWrapper, sql: Any, *args: Any, **kwargs: Any) -> Any:
        text = str(sql)
        # How a connection plans is set now and then, and when a token was used is written later, whoever asks
        # for whatever.
        if text.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE") and not any(
            beside in text for beside in ("set_config", "SET last_used_at = used.at")
        ):
            found.append(text)
        return execute(self, sql, *args, **kwargs)

    monkeypatch.setattr(CursorWrapper, "_execute_with_wrappers", recording)
    return found
