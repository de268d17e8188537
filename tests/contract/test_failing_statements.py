"""Whatever statement of whatever operation fails: a problem, nothing of our insides, nothing half written (FAULTS B38)."""

import pytest
from django.apps import apps
from django.db import DataError, connection, transaction

from rooms.models import LogEntry, Room
from tests import api
from tests.contract.document import operations
from tests.contract.story import undone

pytestmark = pytest.mark.django_db

CALLS = {operation.id: operation for operation in operations()}
SECRET = "sesame in /srv/parley/insides.py"
MOST = 30  # statements of any operation


class Failing:
    """Raises `error` instead of the statement of this number, from 1."""

    def __init__(self, number, error):
        self.number, self.error, self.seen = number, error, 0

    def __call__(self, execute, sql, params, many, context):
        self.seen += not sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE"))
        if self.seen == self.number:
            self.seen += 1
            raise self.error
        return execute(sql, params, many, context)


@pytest.fixture(autouse=True)
def answered(monkeypatch):
    """The test client raises what a view raised, where a server answers."""
    monkeypatch.setattr(api._client(), "raise_request_exception", False)


def stored():
    """How many rows there are of everything; every room's head is the number of its events."""
    transaction.set_rollback(False)  # what failed never reached the database
    heads = Room.objects.order_by("id").values_list("id", "last_seq")
    events = {room: LogEntry.objects.filter(room=room).count() for room, _ in heads}
    assert events == dict(heads)
    models = [
        model for app in ("accounts", "rooms", "messaging") for model in apps.get_app_config(app).get_models()
    ]
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_statement_that_fails_tells_nothing_and_leaves_nothing_half(story, operation):
    """All of it is written, or nothing: what fails after the commit is the making of the answer."""
    call, before, left = CALLS[operation], stored(), []
    for number in range(1, MOST):
        failing = Failing(number, (RuntimeError, DataError)[number % 2](SECRET))
        with undone():
            with connection.execute_wrapper(failing):
                answer = story.ask(call, "owner", "private", mine=True)
            left.append(stored())
        assert SECRET not in answer.text
        assert "Traceback" not in answer.text
        if answer.status >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.body["request_id"] == answer.headers["X-Request-ID"]
        if failing.seen < number:
            break
    assert failing.seen < number, f"more than {MOST} statements"
    assert all(found in (before, left[-1]) for found in left)
    assert number > 1
