"""Minutes of coming and going leave nothing behind. Half an hour of it: `python3 dev.py stress --soak --minutes 30`."""

from pathlib import Path

import pytest

from tests.faults.stress import running
from tests.faults.stress.soak import slope, soak

pytestmark = pytest.mark.faults

MINUTES = 3.0


@pytest.mark.slow
async def test_coming_and_going_gains_nothing(tmp_path: Path) -> None:
    with running.cluster(tmp_path) as two:
        found = await soak(two, MINUTES)
    assert not found.wrong, f"{found}\n" + "\n".join(found.wrong)


def test_a_slope_is_the_nearest_lines() -> None:
    assert slope([(float(x), 3.0 * x + 1) for x in range(10)]) == pytest.approx(3)
    assert slope([(0, 1), (1, 0), (2, 1), (3, 0), (4, 1)]) == pytest.approx(0)
    assert slope([(1, 1)]) == 0
