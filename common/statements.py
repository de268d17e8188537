"""Several statements in one round trip: half of what a single send took was waiting for PostgreSQL's answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg.pq import TransactionStatus


class Together:
    """Writes that do not read what each other wrote. PostgreSQL gets them as one statement, SQLite one by one.

    All of them see the database as it was before the first (PostgreSQL: data-modifying CTEs), so no two may
    write to one row.
    """

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._params: list[Any] = []
        self._counts: list[int] = []

    def add(self, sql: str, params: Sequence[Any]) -> None:
        """An INSERT, UPDATE or DELETE with its parameters (%s)."""
        self._statements.append(sql)
        self._params += params
        self._counts.append(len(params))

    def run(self) -> None:
        """Carry out what was added; raises what the database does, and then none of it has happened."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(*self._as_one())
                return
            start = 0
            for sql, count in zip(self._statements, self._counts, strict=True):
                cursor.execute(sql, self._params[start : start + count])
                start += count

    def run_last(self) -> None:
        """As `run`, for what is the last of an atomic block: on PostgreSQL the commit comes in the same round trip.

        The block ends as ever: what it had to do on commit is done when it is left, and where an error is raised
        here nothing was committed. Within another atomic block the commit is that one's.
        """
        if connection.vendor != "postgresql" or len(connection.atomic_blocks) > 1:
            self.run()
            return
        with one_round_trip(), connection.cursor() as cursor:
            cursor.execute(*self._as_one())
            raw: Any = connection.connection
            raw.execute("COMMIT")  # Django's own then finds no transaction, and asks for nothing

    def _as_one(self) -> tuple[str, list[Any]]:
        *first, last = self._statements
        named = ", ".join(f"w{number} AS ({sql})" for number, sql in enumerate(first))
        return f"WITH {named} {last}" if first else last, self._params


@contextmanager
def one_round_trip() -> Iterator[None]:
    """What is executed within goes to PostgreSQL without waiting for answers; leaving waits for all of them.

    The first of an atomic block begins its transaction with them. Each statement sees what is committed when it
    begins, as it would alone. What went wrong has been raised when this is left, as Django's errors; what was
    read is fetched afterwards.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    begins = not raw.autocommit and raw.pgconn.transaction_status == TransactionStatus.IDLE
    if begins:
        # psycopg's own BEGIN would wait for its answer. From here on it goes by the transaction's status.
        raw.autocommit = True
    with connection.wrap_database_errors, raw.pipeline():
        if begins:
            raw.execute("BEGIN")
        yield
