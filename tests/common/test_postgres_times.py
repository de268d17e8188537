"""How times come out of PostgreSQL: as Django's own loader has them."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection

from common.postgresql.base import TimeLoader

TIMESTAMPTZ = 1184


def load(text):
    return TimeLoader(TIMESTAMPTZ, None).load(text.encode())


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-23 22:42:48+00", (2026, 11, 23, 22, 42, 48)),
        ("2026-11-23 22:42:48.5+00", (2026, 11, 23, 22, 42, 48, 500_000)),
        ("2026-11-23 22:42:48.000001+00", (2026, 11, 23, 22, 42, 48, 1)),
        ("2026-11-23 22:42:48.12345+00", (2026, 11, 23, 22, 42, 48, 123_450)),
        ("0001-01-01 00:00:00+00", (1, 1, 1)),
        ("9999-12-31 23:59:59.999999+00", (9999, 12, 31, 23, 59, 59, 999_999)),
        ("2026-11-24 04:12:48+05:30", (2026, 11, 23, 22, 42, 48)),
    ],
)
def test_a_time_is_in_utc_to_the_microsecond(text, time):
    found = load(text)
    assert found == datetime(*time, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["infinity", "-infinity", "10000-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC"]
)
def test_what_no_datetime_holds_is_psycopgs_error(text):
    with pytest.raises(psycopg.DataError):
        load(text)


@pytest.mark.django_db
def test_every_cursor_reads_times_with_it():
    if connection.vendor != "postgresql":
        assert "postgresql" not in type(connection).__module__
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        assert cursor.fetchone()[0].tzinfo is UTC
        found = cursor.cursor.adapters.get_loader(TIMESTAMPTZ, psycopg.pq.Format.TEXT)
    assert found is TimeLoader
