"""Guessing ids finds nothing out: not by their shape, and not by the answers (FAULTS B15)."""

import itertools
import random
import uuid
from collections import Counter

import pytest

from common.ids import new_id
from tests.contract.document import operations
from tests.contract.test_access import visible

pytestmark = pytest.mark.django_db

IDS, GUESSES = 1_000, 300
CALLS = {operation.id: operation for operation in operations()}
READS = [one for one in CALLS.values() if one.method == "GET" and "room_id" in one.parameters]


def test_what_is_random_in_an_id_is():
    """Beside another of the same millisecond 32 bits are left, 74 beside any other."""
    made = [new_id().int for _ in range(IDS)]
    tails = [key & 0xFFFFFFFF for key in made]
    assert len(set(tails)) > IDS - 10
    for bit in range(32):
        assert IDS * 0.4 < sum(tail >> bit & 1 for tail in tails) < IDS * 0.6


def near(text, count):
    """Ids that somebody who knows one would try: its neighbours, and those of the same millisecond."""
    known, chance = uuid.UUID(text).int, random.Random(7)
    nearby = (uuid.UUID(int=known + step) for step in range(-(count // 2), count // 2) if step)
    same_time = (uuid.UUID(int=known & ~0xFFFFFFFF | chance.getrandbits(32)) for _ in range(count // 2))
    return map(str, itertools.islice(itertools.chain(nearby, same_time), count))


def test_guesses_are_answered_like_the_one_that_is_right(story):
    place, eve = story.places["private", "stranger"], story.people["stranger"]
    answers = set()
    for number, room in enumerate([place.id, *near(place.id, GUESSES - 2), place.id]):
        call = READS[number % len(READS)]
        ids = dict.fromkeys(call.parameters, place.others) | {"room_id": room}
        answer = eve.get(call.path.format(**ids) + story.query(call))
        status, body, headers = visible(answer)
        answers.add((call.id, status, repr(body), repr(sorted(headers.items()))))
    assert {status for _, status, *_ in answers} == {404}
    assert len(answers) == len(READS)


def test_a_thousand_guesses_meet_the_limit_and_the_right_one_with_them(story, narrow, turned):
    narrow(REQUESTS_PER_S=50, REQUESTS_BURST=200)  # the defaults
    place, eve = story.places["private", "stranger"], story.people["stranger"]
    statuses = Counter()
    for room in near(place.id, 1_000):
        answer = eve.get(f"rooms/{room}/")
        statuses[answer.status, answer.code] += 1
    assert statuses == {(404, "not_found"): 200, (429, "rate_limited"): 800}
    assert int(answer.headers["Retry-After"]) >= 1
    right, wrong = eve.get(f"rooms/{place.id}/"), eve.get(f"rooms/{new_id()}/")
    assert visible(right) == visible(wrong)
    assert right.status == 429
