"""Without what carries a subscription over from one socket, worker or moment to the next, the checkers complain."""

from pathlib import Path

import pytest

from tests.faults import (
    test_clocks,
    test_half_open,
    test_joins_under_load,
    test_serve,
    test_storm,
)
from tests.faults.cluster import Cluster
from tests.faults.conftest import Without
from tests.faults.forgetful import Forgetful
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.stores import Stores
from tests.faults.stress import running
from tests.faults.stress.soak import soak
from tests.figures import Record

pytestmark = pytest.mark.faults

MINUTES = 0.3


async def test_a_server_that_goes_without_a_drain_says_nothing(stores: Stores) -> None:
    with pytest.raises(AssertionError, match="1006"):
        await test_serve.stop(stores, SABOTAGE="ends_without_a_drain")


@pytest.mark.slow
async def test_without_pings_of_its_own_a_server_keeps_who_is_gone(
    without: Without, record_property: Record
) -> None:
    people = without(SOCKET_PING_S="3600")
    with pytest.raises(AssertionError, match="it is still there"):
        await test_half_open.go_without_a_word(people.cluster, people, record_property)


async def test_a_crowd_that_does_not_resume_has_missed_something(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    monkeypatch.setattr(test_storm, "PEOPLE", 10)
    monkeypatch.setattr(test_storm, "EACH", 5)
    monkeypatch.setattr(test_storm, "ResumingClient", Forgetful)
    with pytest.raises(AssertionError, match=r"lost [1-9]"):
        await test_storm.test_a_thousand_sockets_come_back_and_have_missed_nothing(
            cluster, people, record_property
        )


@pytest.mark.slow
async def test_who_takes_the_log_as_read_misses_what_came_meanwhile(
    without: Without, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    monkeypatch.setattr(test_joins_under_load, "JOINERS", 5)
    people = without("takes_the_read_log_for_all")
    with pytest.raises(AssertionError, match=r"_join|_subscribe"):
        await test_joins_under_load.test_a_hundred_joins_miss_and_repeat_nothing(
            people.cluster, people, record_property
        )


@pytest.mark.slow
@pytest.mark.faketime
@pytest.mark.parametrize("skew", ["+1d", "-0s"])
async def test_who_goes_by_the_clock_loses_what_an_earlier_one_wrote(
    stores: Stores,
    loop_thread: LoopThread,
    tmp_path: Path,
    skew: str,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Record,
) -> None:
    """And loses nothing where the clocks agree."""
    monkeypatch.setattr(test_clocks, "PLANNED", 60)
    settings = {"SABOTAGE": "goes_by_the_clock"}
    of_each = {"a": test_clocks.turned(skew)}
    with Cluster(stores, loop_thread, tmp_path, settings, of_each=of_each) as two:
        people = People(two)
        if skew == "-0s":
            await test_clocks.talk(two, people, skew, record_property)
        else:
            with pytest.raises(AssertionError, match=r"lost [1-9]"):
                await test_clocks.talk(two, people, skew, record_property)
        await people.close()


@pytest.mark.slow
async def test_a_task_that_each_socket_leaves_behind_is_found(without: Without) -> None:
    people = without("leaves_a_task_behind", **running.SETTINGS)
    found = await soak(people.cluster, MINUTES)
    assert any(text.startswith("tasks of") for text in found.wrong), str(found)
    gained = found.slopes["tasks of a"] + found.slopes["tasks of b"]
    assert gained > 0.5 * found.visits / MINUTES, f"too few to be one a socket: {found}"
