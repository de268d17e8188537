"""Several statements in one round trip: half of what a single send took was waiting for PostgreSQL's answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection


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
                *first, last = self._statements
                named = ", ".join(f"w{number} AS ({sql})" for number, sql in enumerate(first))
                cursor.execute(f"WITH {named} {last}" if first else last, self._params)
                return
            start = 0
            for sql, count in zip(self._statements, self._counts, strict=True):
                cursor.execute(sql, self._params[start : start + count])
                start += count


@contextmanager
def one_round_trip() -> Iterator[None]:
    """What is executed within goes to PostgreSQL without waiting for answers; fetching waits for all of them.

    For reads: each statement sees what is committed when it begins, as it would alone. Rows are to be fetched
    within, and by then whatever went wrong has been raised, as Django's errors.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors, raw.pipeline():
        yield
