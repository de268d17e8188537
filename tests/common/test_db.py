"""How a database that fails reads to a client, and what is tried again."""

import sqlite3

import psycopg
import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout

from common.db import PlannedOnce, unavailable, with_retry
from common.errors import StorageUnavailable, Unavailable
from rooms.models import Epoch


def caused_by(error, cause):
    error.__cause__ = cause
    return error


def sqlite_error(code):
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorcode = code
    return error


class PostgresError(psycopg.OperationalError):
    def __init__(self, sqlstate):
        super().__init__("made up")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("cause", "answer"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), StorageUnavailable),
        (sqlite_error(sqlite3.SQLITE_READONLY), StorageUnavailable),
        (sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), StorageUnavailable),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), StorageUnavailable),
        (sqlite_error(sqlite3.SQLITE_BUSY), Unavailable),
        (sqlite_error(sqlite3.SQLITE_LOCKED), Unavailable),
        (PostgresError("53100"), StorageUnavailable),
        (PostgresError("25006"), StorageUnavailable),
        (PostgresError("57P01"), Unavailable),
        (PostgresError("53300"), Unavailable),
        (PostgresError(None), Unavailable),
        (None, Unavailable),
    ],
)
@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_each_failure_has_its_error(kind, cause, answer):
    assert type(unavailable(caused_by(kind(), cause))) is answer


@pytest.mark.parametrize("error", [DataError(), IntegrityError(), ValueError(), KeyError("x")])
def test_a_bug_of_ours_is_none_of_them(error):
    assert unavailable(error) is None


def failing(*errors):
    """Work that raises these in turn and then answers how often it ran."""
    waiting, runs = list(errors), []

    def work():
        runs.append(1)
        if waiting:
            raise waiting.pop(0)
        return len(runs)

    return work


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("gone")])
def test_work_on_a_dead_connection_is_done_again_on_a_new_one(error):
    connection.ensure_connection()
    before = connection.connection
    assert with_retry(failing(error)) == 2
    connection.ensure_connection()
    assert connection.connection is not before


@pytest.mark.django_db(transaction=True)
def test_it_is_done_again_only_once():
    with pytest.raises(OperationalError, match="second"):
        with_retry(failing(OperationalError("first"), OperationalError("second")))


def test_another_failure_is_not_tried_again(db):
    work = failing(IntegrityError("twice"))
    with pytest.raises(IntegrityError):
        with_retry(work)
    assert work() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "cause", [PoolTimeout("after 5 s"), QueryCanceled("statement timeout")], ids=lambda cause: str(cause)
)
def test_whoever_has_waited_as_long_as_one_may_does_not_wait_again(cause):
    work = failing(caused_by(OperationalError("no"), cause))
    with pytest.raises(OperationalError):
        with_retry(work)
    assert work() == 2


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_done_again():
    work = failing(OperationalError("gone"))
    with pytest.raises(OperationalError), transaction.atomic():
        with_retry(work)
    assert work() == 2


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_is_storage_unavailable():
    """The real failure, by each database's own read-only mode."""
    on, off = (
        ("PRAGMA query_only = 1", "PRAGMA query_only = 0")
        if connection.vendor == "sqlite"
        else ("SET default_transaction_read_only = on", "RESET default_transaction_read_only")
    )
    with connection.cursor() as cursor:
        cursor.execute(on)
    try:
        with pytest.raises(DatabaseError) as raised:
            Epoch.objects.create(word="x")
        assert isinstance(unavailable(raised.value), StorageUnavailable), repr(raised.value)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(off)


@pytest.mark.django_db(transaction=True)
def test_a_writer_gets_over_a_connection_that_has_died_and_plans_again():
    planned = PlannedOnce()
    for rows in (1, 100, 1, 1):  # what is not planned anew does not meet the dead connection, the work does
        planned.begin(rows)
        assert with_retry(Epoch.objects.count) >= 0
        if connection.vendor == "postgresql" and rows == 100:
            assert connection.connection.prepare_threshold == 2
            connection.connection.close()
    if connection.vendor == "postgresql":
        assert connection.connection.prepare_threshold == 2


@pytest.mark.django_db(transaction=True)
def test_nobody_else_gets_a_connection_that_plans_for_the_writer():
    PlannedOnce().begin(1)
    connection.close()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_setting('enable_seqscan'), current_setting('jit')")
            assert cursor.fetchone() == ("on", "off")
            assert connection.connection.prepare_threshold is None
