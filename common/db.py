"""What differs between our two databases, and how their failures read to a client."""

import sqlite3
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout

from common.errors import ParleyError, StorageUnavailable, Unavailable
from common.rates import Charge, Rate

# SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY; PostgreSQL disk_full, read_only_sql_transaction.
_SQLITE_STORAGE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
_POSTGRES_STORAGE = frozenset({"53100", "25006"})


def unavailable(error: Exception) -> ParleyError | None:
    """The error a client gets for a database that does not answer, or None for a bug of ours."""
    cause = error.__cause__
    if not isinstance(error, (OperationalError, InterfaceError)):
        # psycopg counts a write refused by a read-only server among the internal errors.
        return StorageUnavailable() if getattr(cause, "sqlstate", None) in _POSTGRES_STORAGE else None
    if isinstance(cause, sqlite3.Error):
        primary = (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF
        if primary in _SQLITE_STORAGE:
            return StorageUnavailable()
    elif getattr(cause, "sqlstate", None) in _POSTGRES_STORAGE:
        return StorageUnavailable()
    return Unavailable(retry_after_s=1)


T = TypeVar("T")


def with_retry(work: Callable[[], T]) -> T:
    """Run `work`; once more on a new connection where the first one turned out to be dead.

    Only for work that is one transaction of its own or reads alone, and outside any transaction:
    a failed commit's outcome is unknown, and `client_id`s make the repetition safe.
    """
    try:
        return work()
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block or isinstance(error.__cause__, (PoolTimeout, QueryCanceled)):
            raise  # it has waited for a connection, or an answer, as long as is allowed
        connection.close()
        return work()


def in_transaction(work: Callable[[], T]) -> T:
    """The result of `work`, committed; tried once more where its connection turned out to be dead."""

    def run() -> T:
        with transaction.atomic():
            return work()

    return with_retry(run)


def in_charged_transaction(rate: Rate, work: Callable[[Charge], T]) -> T:
    """As `in_transaction`, for work that charges a limit: what it took is given back where it is not committed."""

    def run() -> T:
        with rate.charging() as charge, transaction.atomic():
            return work(charge)

    return with_retry(run)


def release_connection() -> None:
    """Give this thread's connection back to the pool, before a wait for something else than the database.

    The next query takes one again. Within a transaction nothing happens.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


_BY_INDEX_ALONE = "SELECT " + ", ".join(
    f"set_config('enable_{name}', 'off', false)" for name in ("seqscan", "hashjoin", "mergejoin", "material")
)
_FIRST_REPLAN = 32  # rows written
_REPLAN_S = 5.0


class PlannedOnce:
    """For a thread that writes rows by the same few statements: PostgreSQL plans them once a connection.

    That takes a third off a single send. But such a plan outlives the tables it was made for, and one made
    for an empty table reads it whole when it has filled. So here every row is to be found by an index, and
    everything is planned anew (1 ms) every _REPLAN_S, and each time as many rows were written as before.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._replan_at = _FIRST_REPLAN
        self._planned_at = 0.0

    def begin(self, rows: int) -> None:
        """Before so many rows are written. A connection that is dead is for `with_retry` to find."""
        if connection.vendor != "postgresql":
            return
        self._rows += rows
        try:
            with_retry(self._plan)
        except (OperationalError, InterfaceError):
            connection.close()

    def _plan(self) -> None:
        connection.ensure_connection()
        raw: Any = connection.connection
        due = self._rows > self._replan_at or monotonic() > self._planned_at + _REPLAN_S
        if raw.prepare_threshold is not None and not due:
            return
        with connection.cursor() as cursor:
            cursor.execute(_BY_INDEX_ALONE if raw.prepare_threshold is None else "DISCARD PLANS")
        raw.prepare_threshold = 2
        self._replan_at = 2 * self._rows
        self._planned_at = monotonic()


def commits_are_durable() -> bool:
    """Whether a commit is on disk when it is confirmed. A database that does not answer is not known not to be."""
    if connection.vendor != "postgresql":
        return True  # SQLite: backend/settings.py sets synchronous=FULL
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return bool(cursor.fetchone() != ("off",))
    except (OperationalError, InterfaceError):
        return True
    finally:
        connection.close()
