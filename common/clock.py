"""The one clock. Tests replace `now` and `seconds`; nothing else in the project asks the system for the wall time."""

import time
from datetime import UTC, datetime

from common.errors import Invalid


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def seconds() -> float:
    """Seconds since some moment of this process's own; never goes back, whatever is done to the wall time."""
    return time.monotonic()


def in_future(at: datetime, *, attr: str) -> datetime:
    """A client's aware moment in UTC; Invalid, naming `attr`, where it has passed or is none in UTC."""
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise Invalid.field(attr, "out of range") from None
    if at <= now():
        raise Invalid.field(attr, "in the future", "passed")
    return at
