"""The one clock. Tests replace `now` and `seconds`; nothing else in the project asks the system for the wall time."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def seconds() -> float:
    """Seconds since some moment of this process's own; never goes back, whatever is done to the wall time."""
    return time.monotonic()
