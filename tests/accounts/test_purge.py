"""Sessions that are long over go."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as OperatorSession

from accounts import services
from accounts.models import Session
from accounts.purge import purge_old_sessions
from tests.accounts.test_sessions import log_in


@pytest.fixture
def soon(settings):
    settings.SESSION_PURGE_AFTER_S = 100
    settings.REFRESH_TOKEN_S = 30 * 86_400


def test_what_ended_or_ran_out_long_ago_goes_and_the_rest_stays(api, soon, turned, ada, bob):
    ended = log_in()
    services.log_out(session_id=ended.session.id)
    turned.turn(99)
    late = log_in()
    services.log_out(session_id=late.session.id)
    assert list(purge_old_sessions()) == []
    turned.turn(1)
    assert list(purge_old_sessions()) == [1]
    assert set(Session.objects.values_list("id", flat=True)) == {
        ada.session.id,
        bob.session.id,
        late.session.id,
    }
    for access in (ended.access, late.access):  # the same as before
        assert api.get("users/me/", access).code == "session_ended"
    assert api.post("auth/token/refresh/", {"refresh": ended.refresh}).code == "session_ended"
    assert ada.get("users/me/").status == 200
    turned.turn(30 * 86_400 - 100)
    list(purge_old_sessions())
    assert Session.objects.count() == 2  # run out, but not for long
    turned.turn(100)
    assert sum(purge_old_sessions()) == 2


def test_a_step_takes_a_few(settings, soon, turned, statements, ada):
    settings.PURGE_BATCH_ROWS = 3
    for _ in range(7):
        services.log_out(session_id=log_in().session.id)
    turned.turn(101)
    steps = purge_old_sessions()
    assert len(statements(lambda: next(steps))) == 2
    assert list(steps) == [3, 1]


def test_an_operators_session_goes_when_it_has_run_out(settings, turned, db):
    for age_s in (100, 200):
        store = SessionStore()
        store.set_expiry(age_s)
        store["x"] = 1
        store.save()
    turned.turn(150)
    assert list(purge_old_sessions()) == [1]
    assert OperatorSession.objects.count() == 1
