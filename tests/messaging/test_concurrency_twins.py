"""Many writers at once where a cure is missing: the same judgement must complain (A10, A23)."""

import itertools
import threading

import pytest
from django.db import connection, connections

from messaging.services import sending
from rooms import log
from tests.messaging.test_concurrency import WRITERS, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

EACH = 40


def an_option(name, value):
    return lambda patch: patch.setitem(connections.settings["default"]["OPTIONS"], name, value)


# What is switched off, and what the database says to whom it then refuses.
LOCKS = {
    "sqlite": {
        "transactions that are IMMEDIATE": (an_option("transaction_mode", "DEFERRED"), "database is locked"),
        "the wait for another's transaction": (an_option("timeout", 0), "database is locked"),
    },
    "postgresql": {
        "the lock of the room's row": (
            lambda patch: patch.setattr(log, "_ROW_LOCK", {}),
            "duplicate key value violates unique constraint",
        )
    },
}[connection.vendor]


@pytest.mark.parametrize(("switch_off", "said"), LOCKS.values(), ids=LOCKS)
def test_without_its_lock_the_database_refuses_sends(monkeypatch, switch_off, said):
    """On PostgreSQL two of them took one number: the log's key kept the second out, else it would be doubled."""
    heard, real = [], sending.unavailable

    def hearing(error):
        heard.append(str(error))
        return real(error)

    monkeypatch.setattr(sending, "unavailable", hearing)
    switch_off(monkeypatch)
    assert any(text.startswith("refused: ") for text in race(EACH).wrong)
    assert any(said in text for text in heard)


def test_a_number_handed_out_before_the_lock_is_missed_by_who_reads_behind(monkeypatch):
    """As a sequence of the database hands them out: each once, whichever is committed first."""
    real_send, real_ask = sending._send, log.ask_to_lock
    numbers, own, overtaken = itertools.count(3), threading.local(), threading.Event()
    late = 10

    def send(drafts, charge):
        own.number = next(numbers)
        if own.number == late:
            assert overtaken.wait(60)
        answers = real_send(drafts, charge)
        if own.number == late + WRITERS * EACH // 2:
            overtaken.set()
        return answers

    def ask(ids):
        rooms = real_ask(ids)

        def numbered():
            found = rooms()
            for room in found.values():
                room.last_seq = own.number - 1
            return found

        return numbered

    monkeypatch.setattr(sending, "_send", send)
    monkeypatch.setattr(log, "ask_to_lock", ask)
    found = race(EACH)
    assert late not in found.seen
    [complaint] = found.wrong
    assert complaint.startswith("the reader missed")
