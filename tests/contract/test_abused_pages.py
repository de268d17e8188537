"""Every list the document has, asked for more than it gives: a page is a page (FAULTS B30).

What a page costs does not grow with what is asked for; tests/contract/test_query_counts.py holds that it does not
grow with what there is.
"""

import time

import pytest
from django.db import transaction

from common.ids import new_id
from rooms.services import add_members
from tests.contract.document import operations
from tests.filling import crowd, fill
from tests.statements import shape, statements

pytestmark = pytest.mark.django_db

PAGE = 200  # docs/rest.md
LISTS = {
    operation.id: operation
    for operation in operations()
    if operation.method == "GET" and "results" in str(operation.spec["responses"]["200"])
}
PAGED = sorted(name for name, one in LISTS.items() if "limit" in one.query)
FULL = {"messages_list", "events_list", "members_list"}


@pytest.fixture(scope="module")
def full(story):
    """The story, with more of everything in ada's private room than a page holds."""
    with transaction.atomic():
        ada, room = story.people["owner"], story.places["private", "owner"].id
        fill(room, ada, count=PAGE + 30)
        for _ in range(3):
            add_members(actor_id=ada.user.id, room_id=room, users=[str(key) for key in crowd(90)])
        yield story
        transaction.set_rollback(True)


def page(story, operation, query):
    """The answer to ada, and the statements it took."""
    call = LISTS[operation]
    path = call.path.format(**story.ids(call, "owner", "private"))
    start = story.query(call) or "?"
    answers = []
    run = statements(lambda: answers.append(story.people["owner"].get(f"{path}{start}&{query}")))
    return answers[0], run


@pytest.mark.parametrize("operation", PAGED)
def test_a_page_holds_200_and_not_one_more(full, operation):
    most, run = page(full, operation, f"limit={PAGE}")
    for limit in ("201", "1000000000", "9" * 30):
        answer, again = page(full, operation, f"limit={limit}")
        assert len(answer.body["results"]) == len(most.body["results"]) <= PAGE
        assert len(again) == len(run)
    if operation in FULL:
        assert len(most.body["results"]) == PAGE


@pytest.mark.parametrize("operation", PAGED)
def test_no_page_is_reached_by_counting_rows(full, operation):
    """No `offset`, no `page`: what nobody knows is ignored, and costs nothing."""
    plain, run = page(full, operation, "limit=5")
    for query in ("offset=1000000000", "offset=100", "page=1000000000", "page_size=1000000000", "start=7"):
        answer, again = page(full, operation, f"limit=5&{query}")
        assert (answer.status, answer.body) == (plain.status, plain.body)
        assert [shape(sql) for sql in again] == [shape(sql) for sql in run]


def lists_of_ids():
    """(operation, name, where) of everything that takes many ids at once."""
    for operation in operations():
        if "ids" in operation.query:
            yield pytest.param(operation, "ids", "query", id=f"{operation.id}-ids")
        for name in operation.body_fields(of="array"):
            yield pytest.param(operation, name, "body", id=f"{operation.id}-{name}")


@pytest.mark.parametrize(("operation", "name", "where"), list(lists_of_ids()))
def test_ten_thousand_ids_are_too_many_before_anything_is_looked_up(story, operation, name, where):
    many = [str(new_id()) for _ in range(3_000 if where == "body" else 1_000)]  # 128 KiB, and a long URL
    path = operation.path.format(**story.ids(operation, "owner", "private"))
    answers = []

    def ask():
        person = story.people["owner"]
        if where == "query":
            answers.append(person.get(f"{path}?{name}={','.join(many)}"))
            return
        body = {k: v for k, v in story.body(operation, "owner", "private").items() if k != "user"} | {
            name: many
        }
        answers.append(person.call(operation.method, path, body))

    started = time.perf_counter()
    run = statements(ask)
    took_s = time.perf_counter() - started
    assert (answers[0].status, answers[0].code) == (400, "invalid")
    assert answers[0].attrs == {name}
    assert len(run) == 1  # who calls
    assert took_s < 0.5
