"""Cursors, limits and numbers of a query string, as hostile as they come."""

import base64
import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from common.ids import new_id
from common.paging import INT64_MAX, read_cursor, read_int, read_limit, write_cursor
from messaging.inbox import RoomKey

NO_NUMBERS = [" ", "-1", "+1", "1e5", "1.0", "true", "null", "0x10", "1_000", " 1", "1 ", "１", "٣", "NaN",
              "²", "\x00", "1\n"]  # fmt: skip


@pytest.mark.parametrize("text", [*NO_NUMBERS, str(2**63), str(10**30), "9" * 5000])
def test_what_is_no_number_in_range_is_invalid(text):
    with pytest.raises(Invalid) as raised:
        read_int({"since": text}, "since")
    assert raised.value.errors[0].attr == "since"


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), (str(2**31), 2**31), (str(INT64_MAX), INT64_MAX)]
)
def test_a_plain_number_is_read(text, number):
    assert read_int({"since": text}, "since") == number


@pytest.mark.parametrize("query", [{}, {"since": "", "limit": "", "cursor": ""}])
def test_what_is_absent_or_empty_is_not_set(query):
    assert read_int(query, "since") is None
    assert read_limit(query) == 50
    assert read_cursor(query, int) is None


@pytest.mark.parametrize(
    ("text", "limit"),
    [("1", 1), ("200", 200), ("201", 200), ("1000000000", 200), ("9" * 5000, 200), ("01", 1)],
)
def test_a_limit_is_at_most_200(text, limit):
    assert read_limit({"limit": text}) == limit


@pytest.mark.parametrize("text", ["0", "000", *NO_NUMBERS])
def test_a_limit_that_is_none_is_invalid(text):
    with pytest.raises(Invalid):
        read_limit({"limit": text})


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_is_read_as_it_was_written_and_safe_in_a_url(at, key):
    cursor = write_cursor(at, key)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert read_cursor({"cursor": cursor}, RoomKey) == RoomKey(at, key)


@given(st.integers(0, INT64_MAX))
def test_a_cursor_of_one_number_is_read_as_it_was_written(number):
    assert read_cursor({"cursor": write_cursor(number)}, int) == number


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


GARBAGE = ["x", "é", "====", "a" * 5000, "\x00", encoded("{"), encoded("[" * 1000), encoded("null"),
           encoded('"a"'), encoded("NaN"), encoded("true"), "/w", "\udc80"]  # fmt: skip


@pytest.mark.parametrize("text", GARBAGE)
@pytest.mark.parametrize("shape", [int, RoomKey])
def test_a_cursor_that_is_none_is_invalid(text, shape):
    with pytest.raises(Invalid) as raised:
        read_cursor({"cursor": text}, shape)
    assert raised.value.errors[0].attr == "cursor"


def test_a_cursor_of_another_list_is_invalid():
    with pytest.raises(Invalid):
        read_cursor({"cursor": write_cursor(7)}, RoomKey)
    with pytest.raises(Invalid):
        read_cursor({"cursor": write_cursor(datetime.now(UTC), new_id())}, int)


@given(st.text(max_size=80))
def test_no_cursor_raises_anything_else_than_invalid(text):
    for shape in (int, RoomKey):
        with contextlib.suppress(Invalid):
            read_cursor({"cursor": text}, shape)
