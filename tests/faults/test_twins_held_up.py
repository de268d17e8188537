"""Without what keeps one from holding up another, the tests that bound the waiting complain."""

from pathlib import Path

import pytest

from tests.faults import test_bus_down, test_database_strained, test_embedded_crowd
from tests.faults.conftest import Without
from tests.figures import Record

pytestmark = [pytest.mark.faults, pytest.mark.slow]


async def test_acks_that_wait_for_the_bus_wait_for_one_that_hangs(
    without: Without, record_property: Record
) -> None:
    people = without("answers_after_the_bus")
    with pytest.raises(AssertionError, match=r"p50 .* worst"):
        await test_bus_down.test_sends_are_acked_and_delivered_without_the_bus(
            people.cluster, people, "paused", 4.0, record_property
        )


async def test_pools_of_any_size_take_more_sessions_than_the_database_has(
    without: Without, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    monkeypatch.setattr(test_database_strained, "REQUESTS", 120)
    people = without(DATABASE_POOL_SIZE="30")
    with pytest.raises(AssertionError, match=r"\d+ sessions"):
        await test_database_strained.ask_in_waves(people.cluster, record_property)


async def test_a_loop_that_stores_itself_keeps_everybody_waiting(
    without: Without, record_property: Record
) -> None:
    people = without("stores_on_the_loop")
    with pytest.raises(AssertionError, match=r"p50 .* worst"):
        await test_database_strained.wait_for_a_row(people.cluster, people, record_property)


async def test_a_loop_that_each_delivery_holds_up_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    monkeypatch.setattr(test_embedded_crowd, "PEOPLE", 5)
    monkeypatch.setattr(test_embedded_crowd, "EACH", 2)
    with pytest.raises(AssertionError, match=r"the loop was \d+ ms late"):
        await test_embedded_crowd.say_much(tmp_path, record_property, {"SABOTAGE": "holds_up_the_loop"})
