"""The limit on sends: a person's, judged after the look-up of their `client_id`, without eating a number."""

import pytest
from django.db import DatabaseError

from common.errors import ParleyError, RateLimited
from common.limits import SENDS
from messaging.services import Sent, send_messages, sending
from rooms.models import LogEntry, Membership
from tests.filling import draft

BURST = 5


@pytest.fixture
def five(narrow, turned, ada, bob):
    """Five messages at once, then two a second; a room of ada's with bob in it, whose log stands at 3."""
    narrow(SENDS_BURST=BURST, SENDS_PER_S=2)
    return ada.room(bob)


def told(results):
    return [result.code if isinstance(result, ParleyError) else result.message.seq for result in results]


def send(person, room, number):
    """So many, one call each: what each was answered."""
    return [told(send_messages([draft(person, room)]))[0] for _ in range(number)]


def test_a_burst_at_once_then_the_rate_and_what_is_refused_takes_no_number(five, turned, ada):
    assert send(ada, five, 7) == [4, 5, 6, 7, 8, "rate_limited", "rate_limited"]
    turned.turn(1)
    assert send(ada, five, 4) == [9, 10, "rate_limited", "rate_limited"]
    assert list(LogEntry.objects.filter(room_id=five).values_list("seq", flat=True)) == list(range(1, 11))


def test_in_one_batch_as_one_by_one(five, ada, bob):
    drafts = [draft(person, five) for _ in range(7) for person in (ada, bob)]
    assert told(send_messages(drafts)) == [*range(4, 14), *["rate_limited"] * 4]


def test_a_repeated_client_id_passes_an_empty_bucket(five, ada):
    """On any path: alone, in a batch, twice in a batch, over REST."""
    first = draft(ada, five, "hi", "again")
    drafts = [first, *(draft(ada, five) for _ in range(4))]
    assert told(send_messages(drafts)) == [4, 5, 6, 7, 8]
    assert SENDS.look(ada.user.id).remaining == 0
    for _ in range(3):
        (sent,) = send_messages([first])
        assert isinstance(sent, Sent)
        assert (sent.message.seq, sent.duplicate) == (4, True)
    assert told(send_messages([first, draft(ada, five), first, *drafts])) == [
        4,
        "rate_limited",
        4,
        4,
        5,
        6,
        7,
        8,
    ]
    assert told(send_messages([draft(ada, five, "other", "again")])) == ["client_id_conflict"]
    answer = ada.post(f"rooms/{five}/messages/", {"client_id": "again", "body": "hi"})
    assert (answer.status, answer.body["seq"]) == (200, 4)


def test_a_repetition_costs_nothing(five, ada):
    first = draft(ada, five)
    assert told(send_messages([first] * 50)) == [4] * 50
    assert SENDS.look(ada.user.id).remaining == BURST - 1
    assert send(ada, five, 5) == [5, 6, 7, 8, "rate_limited"]


def test_what_was_refused_can_be_sent_again_with_its_client_id(five, turned, ada):
    send(ada, five, BURST)
    late = draft(ada, five, "late", "late")
    assert told(send_messages([late, late])) == ["rate_limited"] * 2
    turned.turn(0.5)
    assert told(send_messages([late, late])) == [9, 9]


def test_what_is_refused_for_another_reason_costs_nothing(five, turned, ada, bob, eve):
    Membership.objects.filter(user=bob.user).update(muted_until=turned.at.replace(year=2100))
    assert set(send(bob, five, 20)) == {"muted"}
    assert set(send(eve, five, 20)) == {"not_found"}
    assert {SENDS.look(person.user.id).remaining for person in (bob, eve)} == {BURST}


def test_the_rooms_of_a_person_share_one_bucket_and_other_people_have_their_own(five, ada, bob):
    other = ada.room(bob)
    assert send(ada, five, 3) + send(ada, other, 3) == [4, 5, 6, 4, 5, "rate_limited"]
    assert send(bob, five, 6) == [7, 8, 9, 10, 11, "rate_limited"]


def test_over_rest_it_is_429_with_the_time_and_the_limit(five, turned, ada):
    send(ada, five, BURST)
    content = {"client_id": "late", "body": "hi"}
    answer = ada.post(f"rooms/{five}/messages/", content)
    assert (answer.status, answer.code, answer.body["retry_after"]) == (429, "rate_limited", 0.5)
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["RateLimit"].split(", ")[1] == '"sends";r=0;t=3'
    assert answer.headers["RateLimit-Policy"].split(", ")[1] == '"sends";q=5;w=3'
    assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]) == ("5", "0")
    turned.turn(answer.body["retry_after"] - 0.01)
    assert ada.post(f"rooms/{five}/messages/", content).status == 429
    turned.turn(0.01)
    assert ada.post(f"rooms/{five}/messages/", content).status == 201


def test_a_batch_that_fails_costs_nothing(five, ada, monkeypatch):
    real = sending._write

    def fail(*args):
        raise DatabaseError("made up")

    monkeypatch.setattr(sending, "_write", fail)
    assert set(told(send_messages([draft(ada, five) for _ in range(3)]))) == {"internal_error"}
    assert SENDS.look(ada.user.id).remaining == BURST
    monkeypatch.setattr(sending, "_write", real)
    assert send(ada, five, 6) == [4, 5, 6, 7, 8, "rate_limited"]


def test_the_error_says_with_which_limit(five, ada):
    send(ada, five, BURST)
    (refused,) = send_messages([draft(ada, five)])
    assert isinstance(refused, RateLimited)
    assert refused.standing is not None
    assert (refused.standing.limit, refused.retry_after_s) == ("sends", 0.5)
