"""The stores and the two workers of a session, and the people of a test."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.stores import Stores

HERE = Path(__file__).parent
# Debian's libfaketime, which turns the clock of a process.
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these out of the run on SQLite, and the slow ones unless all are wanted."""
    on_sqlite = os.environ.get("DATABASE_URL", "").startswith("sqlite")
    everything = os.environ.get("PARLEY_TEST_ALL") == "1"
    out = [
        item
        for item in items
        if item.path.is_relative_to(HERE)
        and (
            (on_sqlite and item.get_closest_marker("faults"))
            or (item.get_closest_marker("slow") and not everything)
            or (item.get_closest_marker("faketime") and FAKETIME is None)
        )
    ]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def stores() -> Iterator[Stores]:
    with Stores() as both:
        yield both


@pytest.fixture(scope="session")
def shared_cluster(
    stores: Stores, loop_thread: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with Cluster(stores, loop_thread, tmp_path_factory.mktemp("workers")) as two:
        yield two


@pytest.fixture
def cluster(shared_cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The session's workers; a test that leaves one dead or an alarm in a log fails."""
    for worker in shared_cluster.workers:
        worker.wait_ready()  # the test before may have broken something that still mends
    shared_cluster.alarms()  # not this test's
    yield shared_cluster
    alarms = shared_cluster.alarms()
    for worker in shared_cluster.workers:
        worker.bus.dropping = False
        if worker.pid is None:
            worker.start()
            worker.wait_ready()
            alarms.append(f"{worker.name} was not running:\n{worker.tail()}")
    assert not alarms, f"{len(alarms)} alarms in the logs, the first:\n{alarms[0]}"


@pytest.fixture
async def people(cluster: Cluster) -> AsyncIterator[People]:
    crowd = People(cluster)
    yield crowd
    await crowd.close()


# The name of a cure in tests.faults.sabotage, or none, and further settings of the workers.
Without = Callable[..., People]


@pytest.fixture
async def without(stores: Stores, loop_thread: LoopThread, tmp_path: Path) -> AsyncIterator[Without]:
    """Starts two workers in which that cure is switched off; who talks to them."""
    crowds: list[People] = []
    with contextlib.ExitStack() as running:

        def start(cure: str = "", **settings: str) -> People:
            two = Cluster(stores, loop_thread, tmp_path, {"SABOTAGE": cure, **settings})
            crowds.append(People(running.enter_context(two)))
            return crowds[-1]

        yield start
        for crowd in crowds:
            await crowd.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the ends of the workers' logs."""
    report = yield
    used = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and isinstance(used, Cluster):
        report.sections.append(("workers' logs", used.tails()))
    return report
