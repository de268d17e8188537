"""The installation of docker-compose.yml, once for all tests of the folder."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.deploy.installation import Installation
from tests.faults.people import People

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """It has stores of its own: once is enough, so not in the run on SQLite."""
    if not os.environ.get("DATABASE_URL", "").startswith("sqlite"):
        return
    out = [item for item in items if item.path.is_relative_to(HERE) and item.get_closest_marker("nginx")]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session")
def whole_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture
def installation(whole_installation: Installation) -> Iterator[Installation]:
    """With all its workers; no line of their logs may be an alarm."""
    whole_installation.wait_whole()
    yield whole_installation
    for worker in whole_installation.workers.values():
        assert "Traceback" not in worker.said(), worker.said()[-3000:]


@pytest.fixture
async def people(installation: Installation) -> AsyncIterator[People]:
    crowd = People(installation)
    yield crowd
    await crowd.close()
