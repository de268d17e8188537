"""How somebody stands with a limit."""

import math
from typing import NamedTuple

EPSILON = 1e-6  # of a token: what floats lose


class Standing(NamedTuple):
    """After one more was asked for. `level`: what was taken and has not flowed back, in tokens."""

    allowed: bool
    limit: str
    level: float
    burst: int
    per_s: float

    @property
    def remaining(self) -> int:
        """So many more now."""
        return max(0, math.floor(self.burst - self.level + EPSILON))

    @property
    def retry_after_s(self) -> float:
        """Until one more is allowed, in whole milliseconds."""
        return self.wait_s(1)

    def wait_s(self, number: int) -> float:
        """Until so many more are allowed, in whole milliseconds; at most until nothing is taken."""
        over = min(self.level + number - self.burst, self.level)
        return math.ceil(max(0.0, over) / self.per_s * 1000) / 1000

    @property
    def reset_s(self) -> float:
        """Until as many as a burst are allowed."""
        return self.level / self.per_s
