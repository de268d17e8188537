"""Runs as a seed draws them, and runs in which a cure is missing: there the checker must complain."""

from collections.abc import Iterator

import pytest

from tests.faults.cluster import Cluster
from tests.faults.stress import running
from tests.faults.stress.plan import COMERS, OF_PROCESSES, OF_STORES, ROOMS, Plan, draw
from tests.faults.stress.running import Outcome

SECONDS = 20.0
SHORT_S = 8.0
SEEDS = (101, 102, 103, 104, 105)  # 1 to 100 are run by `python3 dev.py stress`

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """On stores of their own: what those hold is counted, and other workers hold something too."""
    with running.cluster(tmp_path_factory.mktemp("stress")) as both:
        yield both


def test_a_plan_is_a_function_of_its_seed() -> None:
    for seed in range(50):
        assert draw(seed, SECONDS) == draw(seed, SECONDS)
    assert len({str(draw(seed, SECONDS)) for seed in range(50)}) == 50


def test_plans_hold_every_fault_and_only_moves_that_are_possible() -> None:
    plans = [draw(seed, SECONDS) for seed in range(100)]
    drawn = {fault.kind for plan in plans for fault in plan.faults}
    assert drawn == {*OF_STORES, *OF_PROCESSES}
    for plan in plans:
        assert len(plan.stores) >= 3
        assert len(plan.processes) >= 2
        inside: set[tuple[int, int]] = set()
        for move in plan.moves:
            place = (move.person, move.room)
            assert move.person < COMERS
            assert (place in inside) == (move.kind in ("leave", "remove", "ban"))
            assert move.kind != "join" or ROOMS[move.room] == "public"
            inside ^= {place}


async def _run(two: Cluster, plan: Plan) -> Outcome:
    return await running.run(two, plan, await running.warm_up(two))


async def test_a_short_run_keeps_everything(two: Cluster) -> None:
    outcome = await _run(two, draw(7, SHORT_S))
    assert not outcome.wrong, f"{outcome}\n" + "\n".join(outcome.wrong)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_run_keeps_everything(two: Cluster, seed: int) -> None:
    outcome = await _run(two, draw(seed, SECONDS))
    assert not outcome.wrong, f"{outcome}\n" + "\n".join(outcome.wrong)
