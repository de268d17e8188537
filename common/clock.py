"""The one clock. Tests replace `now` and `seconds`; nothing else in the project asks the system for the wall time."""

import time
from datetime import UTC, datetime

from common.errors import Invalid

LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""No client's moment is as late, so that it is one in every time zone."""


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def seconds() -> float:
    """Seconds since some moment of this process's own; never goes back, whatever is done to the wall time."""
    return time.monotonic()


def in_future(at: datetime, *, attr: str) -> datetime:
    """A client's aware moment in UTC; Invalid, naming `attr`, where it has passed or is not before LATEST."""
    if at >= LATEST:
        raise Invalid.field(attr, "before the year 9999")
    if at <= now():
        raise Invalid.field(attr, "in the future", "passed")
    return at.astimezone(UTC)
