"""Many rows in one statement, on the database of this run."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.ids import new_id
from common.rows import RowSet, read_json, read_time, read_uuid

pytestmark = pytest.mark.django_db

ALL = RowSet("r", id="uuid", n="int", t="text", at="time", j="json", b="bool")
AT = datetime(2026, 11, 23, 9, 20, 0, 120_000, tzinfo=UTC)


def selected(rows):
    """The rows as the database gives them back; exactly one statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, n, t, at, j, b FROM {ALL.sql}", ALL.params(rows))
        return [
            (
                None if i is None else read_uuid(i),
                n,
                t,
                None if at is None else read_time(at),
                None if j is None else read_json(j),
                None if b is None else bool(b),
            )
            for i, n, t, at, j, b in cursor.fetchall()
        ]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
NUMBERS = st.integers(-(2**53), 2**53)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS, lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(fold=0)
)
ROWS = st.tuples(
    st.none() | st.uuids(),
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | TEXTS,
    st.none() | TIMES,
    st.none() | st.dictionaries(TEXTS, JSON, max_size=3) | st.lists(JSON, max_size=3),
    st.none() | st.booleans(),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=4))
def test_rows_come_back_as_they_were_given(db, rows):
    assert selected(rows) == rows


def test_two_thousand_rows_are_one_statement_whose_text_does_not_grow(statements):
    rows = [(new_id(), n, f"text {n} 😀 'x' \" \\ %s", AT, {"n": n}, n % 2 == 0) for n in range(2_000)]
    assert selected(rows) == rows
    assert len(statements(lambda: selected(rows))) == 1


def test_no_rows_are_no_rows():
    assert selected([]) == []


def test_a_column_of_nothing_but_null_is_read():
    row = (None,) * 6
    assert selected([row, row]) == [row, row]


@pytest.mark.parametrize(
    "text", ["", "null", "123", "{}", "[1]", '"', "\\u0041", "a\nb", "😀", "{0}", "%s", "é"]
)
def test_a_text_stays_a_text(text):
    assert selected([(None, 1, text, None, {"t": text}, None)])[0][2] == text


def test_a_time_of_any_zone_is_the_same_moment():
    there = AT.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    assert selected([(None, 1, "", there, None, None)])[0][3] == AT


def test_one_column_joins_and_inserts_like_a_table(ada, bob):
    wanted = RowSet("w", id="uuid")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT u.username FROM {wanted.sql} JOIN accounts_user u ON u.id = w.id",
            wanted.params([(ada.user.id,), (new_id(),)]),
        )
        assert cursor.fetchall() == [("ada",)]


def test_what_the_drivers_give_is_read_alike():
    key = new_id()
    assert read_uuid(key) == read_uuid(key.hex) == read_uuid(str(key)) == key
    assert isinstance(read_uuid(key), UUID)
    assert read_time("2026-11-23 09:20:00.120000") == read_time(AT) == AT
    assert read_time(datetime(2026, 11, 23, 9, 20, 0, 120_000)) == AT
    assert read_json('{"a": 1}') == read_json({"a": 1}) == json.loads('{"a": 1}')
