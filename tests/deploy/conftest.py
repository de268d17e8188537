"""The installation of docker-compose.yml, once for all tests of the folder."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.deploy.installation import Installation
from tests.faults.people import People


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
