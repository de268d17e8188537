"""Several of one person's devices ask at the same moment: limits are exact, and a name is one bot's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from accounts import bots
from accounts.models import ApiToken, User
from common.errors import ParleyError
from tests.api import Person
from tests.bots import make_bot

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 6


def at_once(work: Callable[[int], Any]) -> list[str]:
    """`ok` or the error's code of each of AT_ONCE calls, sorted."""
    gate = Barrier(AT_ONCE)

    def run(number: int) -> str:
        try:
            gate.wait(10)
            work(number)
        except ParleyError as error:
            return error.code
        finally:
            connections.close_all()
        return "ok"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(run, range(AT_ONCE)))


def test_nobody_gets_one_more_bot_than_they_may_have(transactional_db, ada: Person, settings):
    settings.BOTS_MAX_PER_USER = 2
    told = at_once(lambda number: bots.create_bot(owner_id=ada.user.id, username=f"bot{number}"))
    assert told == ["forbidden"] * 4 + ["ok"] * 2
    assert User.objects.filter(owner=ada.user).count() == 2


def test_a_name_becomes_one_bots(transactional_db, ada: Person, bob: Person):
    owners = [ada, bob] * (AT_ONCE // 2)
    told = at_once(lambda number: bots.create_bot(owner_id=owners[number].user.id, username="mill-bot"))
    assert told == ["already_exists"] * 5 + ["ok"]


def test_a_bot_gets_no_token_more_than_it_may_have(transactional_db, ada: Person, settings):
    settings.TOKENS_MAX_PER_BOT = 3
    bot = make_bot(ada)
    told = at_once(lambda _: bots.issue_token(owner_id=ada.user.id, bot_id=bot.id, allowed=["rooms:read"]))
    assert told == ["forbidden"] * 4 + ["ok"] * 2
    assert ApiToken.objects.count() == 3


def test_no_token_outlives_the_deletion_of_its_bot(transactional_db, ada: Person):
    bot = make_bot(ada)

    def delete_or_issue(number: int) -> None:
        if number == 0:
            bots.delete_bot(owner_id=ada.user.id, bot_id=bot.id)
        else:
            bots.issue_token(owner_id=ada.user.id, bot_id=bot.id, allowed=["rooms:read"])

    told = at_once(delete_or_issue)
    assert set(told) <= {"ok", "not_found"}
    assert not ApiToken.objects.filter(revoked_at=None).exists()


def test_a_token_is_revoked_once(transactional_db, ada: Person):
    bot = make_bot(ada)
    token_id = str(ApiToken.objects.get().id)
    told = at_once(lambda _: bots.revoke_token(owner_id=ada.user.id, bot_id=bot.id, token_id=token_id))
    assert told == ["not_found"] * 5 + ["ok"]
