"""The one clock. Tests replace `now`; nothing else in the project asks the system for the wall time."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)
