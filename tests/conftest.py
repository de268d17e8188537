"""What every test shares: people, a clock, fast password hashes, a live server, and which tests are run."""

import gc
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from tests.api import Api, Person, register
from tests.limits import WIDE, forget_all
from tests.live import LiveServer
from tests.statements import statements as run_statements
from tests.turned_clock import TurnedClock

_EVERYTHING = os.environ.get("PARLEY_TEST_ALL") == "1"
_NO_SKIP = os.environ.get("PARLEY_NO_SKIP") == "1"

# A line a request would bury what the server says.
logging.getLogger("httpx").setLevel(logging.WARNING)


def pytest_configure(config: pytest.Config) -> None:
    """No test meets a limit by accident."""
    for name, number in WIDE.items():
        setattr(django_settings, name, number)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless all is wanted. Coroutine tests see only committed rows."""
    out = [
        item
        for item in items
        if not _EVERYTHING and any(item.get_closest_marker(name) for name in ("slow", "browser", "nginx"))
    ]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]
    for item in items:
        if fault := item.get_closest_marker("fault"):
            item.user_properties.append(("fault", fault.args[0]))
        mark = item.get_closest_marker("django_db")
        if item.get_closest_marker("asyncio") and mark and not mark.kwargs.get("transaction"):
            raise pytest.UsageError(f"{item.nodeid}: a coroutine test needs django_db(transaction=True)")


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there now stays: the collector need not look at it again and again, for half a second each time."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With PARLEY_NO_SKIP=1 a test that was skipped is a failure: it would hide what is not checked."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if _NO_SKIP and exitstatus == 0 and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Settings) -> None:
    """Argon2 is slow on purpose: it would be most of the run."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def server(transactional_db: None, settings: Settings) -> Iterator[LiveServer]:
    """The whole application on a real port, on this run's database and channel layer."""
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    settings.SECURE_SSL_REDIRECT = False
    live = LiveServer()
    live.start()
    yield live
    live.stop()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where a browser's test puts what it saw: PARLEY_SCREENSHOTS, if that is set."""
    return Path(os.environ.get("PARLEY_SCREENSHOTS", tmp_path))


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    turned = TurnedClock()
    monkeypatch.setattr("common.clock.now", turned.now)
    monkeypatch.setattr("common.clock.seconds", turned.seconds)
    return turned


@pytest.fixture
def narrow(settings: Settings) -> Iterator[Callable[..., None]]:
    """`narrow(SENDS_BURST=3)`: limits that the test is to meet.

    They are this process's own: the clock of Redis cannot be turned.
    """
    settings.REDIS_URL = ""
    forget_all()

    def set_limits(**numbers: int) -> None:
        for name, number in numbers.items():
            assert name in WIDE
            setattr(settings, name, number)

    yield set_limits
    forget_all()


@pytest.fixture
def ada(db: None) -> Person:
    """Ada, registered and logged in on her phone."""
    return register("ada", email="ada@example.com", display_name="Ada Lovelace", device="phone")


@pytest.fixture
def bob(db: None) -> Person:
    return register("bob")


@pytest.fixture
def eve(db: None) -> Person:
    return register("eve")


@pytest.fixture
def statements() -> Callable[[Callable[[], Any]], list[str]]:
    """`statements(work)`: the SQL that `work` runs, without what opens and closes transactions."""
    return run_statements
