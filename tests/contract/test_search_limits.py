"""What bounds a search, of rooms and of people: how often one may, and how long PostgreSQL looks."""

import time
from urllib.parse import quote

import pytest
from django.db import connection

from accounts.models import User
from common.text import username_key
from rooms.models import Room

SEARCHES = ["rooms/public/?search=engine", "users/?search=ada"]


def slow(execute, sql, params, many, context):
    """Every look through names takes five seconds, where the database can be told to."""
    if connection.vendor == "postgresql" and " LIKE " in sql:
        return execute("SELECT pg_sleep(5)", None, False, context)
    return execute(sql, params, many, context)


@pytest.mark.parametrize("path", SEARCHES)
def test_a_search_that_takes_too_long_is_given_up(ada, settings, path):
    settings.SEARCH_TIMEOUT_S = 0.05
    with connection.execute_wrapper(slow):
        answer = ada.get(path)
    if connection.vendor == "postgresql":
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert ada.get(path).status == 200


def test_searches_of_rooms_and_people_together_are_so_many_a_minute(ada, bob, narrow, turned):
    narrow(SEARCHES_BURST=4, SEARCHES_PER_MINUTE=60)
    assert [ada.get(path).status for path in SEARCHES * 2] == [200] * 4
    for path in SEARCHES:
        answer = ada.get(path)
        assert (answer.status, answer.code, answer.body["retry_after"]) == (429, "rate_limited", 1.0)
        assert answer.headers["RateLimit"].startswith('"requests"')
        assert answer.headers["RateLimit"].split(", ")[1] == '"searches";r=0;t=4'
        assert bob.get(path).status == 200
    turned.turn(1)
    assert [ada.get(SEARCHES[0]).status for _ in range(2)] == [200, 429]


def test_what_is_no_search_costs_none(ada, narrow, turned):
    narrow(SEARCHES_BURST=1, SEARCHES_PER_MINUTE=1)
    for path in ("rooms/public/", "rooms/public/?search=%20", "users/?search=", f"users/?ids={ada.id}"):
        assert [ada.get(path).status for _ in range(3)] == [200] * 3
    for path in ("rooms/public/?search=%00", "users/?search=%00"):
        assert ada.get(path).status == 400
    assert ada.get(SEARCHES[0]).status == 200


ENOUGH_S = 0.2  # FAULTS B31
HOSTILE = [
    "(a+)+$", "%", "%" * 100, "%" * 1_000, "_" * 100, "\\", "\\" * 100, "a\\", "%_" * 50, "\\%" * 50, "%a%_" * 25, "an" * 50,
    "a n a n a n", "a b c d e f g h i j", "^(([a-z])+.)+[A-Z]([a-z])+$", "[[:alpha:]]*", "' OR 1=1 --", "\ufdfa" * 100, "a" * 10_000,
    "e\u0301" * 50, "\u0301" * 100, "\U0001f468\u200d" * 50,
]  # fmt: skip


@pytest.fixture
def crowded(ada):
    """Three thousand people and public rooms, whose names are much alike and long."""
    names = [f"{'an' * 10}{number}" for number in range(3_000)]
    User.objects.bulk_create(
        User(username=name, username_key=username_key(name), display_name=name * 4) for name in names
    )
    Room.objects.bulk_create(
        Room(kind="public", name=name, topic=name * 4, search_key=name * 5, created_by=ada.user)
        for name in names
    )
    return ada


@pytest.mark.parametrize("path", ["rooms/public/?search=", "users/?search="])
def test_no_text_makes_a_search_long(crowded, path):
    for text in HOSTILE:
        took_s = []
        for _ in range(3):  # of which the best counts: the machine does other things, too
            began = time.perf_counter()
            answer = crowded.get(path + quote(text))
            took_s.append(time.perf_counter() - began)
        assert answer.status == (400 if len(text) > 100 else 200) or answer.attrs == {"search"}, text[:40]
        assert min(took_s) < ENOUGH_S, (text[:40], took_s)
