"""Whatever statement of whatever command fails: an error, nothing of our insides, and the socket lives (FAULTS B38)."""

import pytest
from django.db import DataError
from django.db.backends.utils import CursorWrapper

from tests.client.strict_json import dumps
from tests.contract.story import Story
from tests.gateway.every_command import EVERY, answer_to, frame_of, result
from tests.gateway.waiting import in_database

SECRET = "sesame in /srv/parley/insides.py"
MOST = 30  # statements of any command
LOGGED = {"a batch of 1 messages could not be stored"}


@pytest.fixture
def failing(monkeypatch):
    """`failing(number)`: that statement from now on is not run but fails, in whichever thread; 0 for none.

    Its value is a list of all that were asked for.
    """
    asked, at = [], [0]
    execute = CursorWrapper._execute_with_wrappers

    def failing_at(self, sql, *args, **kwargs):
        asked.append(str(sql))
        if len(asked) == at[0]:
            raise (RuntimeError, DataError)[at[0] % 2](SECRET)
        return execute(self, sql, *args, **kwargs)

    def set_to(number):
        asked.clear()
        at[0] = number
        return asked

    monkeypatch.setattr(CursorWrapper, "_execute_with_wrappers", failing_at)
    return set_to


async def test_a_statement_that_fails_tells_nothing_and_the_socket_lives(socket_of, failing, alarms):
    story = await in_database(Story)
    alarms.expected |= LOGGED
    socket, place = await socket_of(story, "member"), story.places["private", "member"]
    for kind in EVERY:
        for number in range(1, MOST):
            asked = failing(number)
            answer = await answer_to(socket, kind, frame_of(story, kind, "member", place, mine=True))
            failed = len(asked) >= number
            failing(0)
            assert SECRET not in dumps(answer)
            assert "Traceback" not in dumps(answer)
            assert result(answer) in (("internal_error", "unavailable") if failed else ("ok",)), kind
            assert await socket.request("ping") == {}
            if not failed:
                break
        assert not failed, f"{kind}: more than {MOST} statements"
    assert socket.ending is None
