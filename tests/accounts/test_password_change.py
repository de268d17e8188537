"""A new password: this session goes on, all others end."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts import passwords, sessions
from common.errors import BadCredentials, SessionEnded
from tests.accounts.counting_hasher import CountingHasher
from tests.accounts.test_sessions import listed, log_in
from tests.api import PASSWORD

NEW = "analytical engine no. 2"


def change(person, old=PASSWORD, new=NEW):
    return person.post("auth/password/change/", {"old": old, "new": new})


def test_the_new_password_logs_in_and_the_old_one_does_not(api, ada):
    answer = change(ada)
    assert answer.status == 200
    assert set(answer.body) == {"access", "refresh"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.post("auth/token/", {"username": "ada", "password": NEW}).status == 200
    assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).code == "bad_credentials"


def test_this_session_goes_on_with_the_new_pair_and_the_others_end(api, turned, ada, bob):
    tablet = log_in()
    turned.turn(1)
    body = change(ada).body
    assert body["access"] != ada.access
    assert api.get("users/me/", body["access"]).status == 200
    assert ada.get("users/me/").status == 200  # until it expires: it is the same session
    assert tablet.get("users/me/").code == "session_ended"
    assert api.post("auth/token/refresh/", {"refresh": tablet.refresh}).code == "session_ended"
    assert listed(ada) == [str(ada.session.id)]
    assert api.post("auth/token/refresh/", {"refresh": body["refresh"]}).status == 200
    assert bob.get("users/me/").status == 200


def test_no_refresh_token_from_before_answers_with_the_new_pair_and_the_session_stays(api, turned, ada):
    """Whoever stole one is why the password is changed, and what a second tab asks ends nothing."""
    newest = api.post("auth/token/refresh/", {"refresh": ada.refresh}).body["refresh"]
    body = change(ada).body
    for _ in range(2):
        for stolen in (ada.refresh, newest):
            answer = api.post("auth/token/refresh/", {"refresh": stolen})
            assert (answer.status, answer.code) == (401, "token_invalid")
        turned.turn(60)
    assert api.get("users/me/", body["access"]).status == 200
    pair = api.post("auth/token/refresh/", {"refresh": body["refresh"]}).body
    assert api.post("auth/token/refresh/", {"refresh": body["refresh"]}).body == pair  # grace as ever
    for _ in range(3):
        assert api.post("auth/token/refresh/", {"refresh": newest}).code == "token_invalid"
        turned.turn(60)
        pair = api.post("auth/token/refresh/", {"refresh": pair["refresh"]}).body
    assert api.get("users/me/", pair["access"]).status == 200
    used_after = body["refresh"]
    assert api.post("auth/token/refresh/", {"refresh": used_after}).code == "session_ended"


def test_what_a_session_remembers_of_void_tokens_is_bounded(turned, ada):
    session = ada.session
    for _ in range(60):
        turned.turn(1)
        newest = session.refresh_jti
        session = sessions.go_on_alone(user_id=ada.user.id, session_id=ada.session.id)
    used = session.used_refresh
    assert (len(used), min(used, key=used.__getitem__)) == (50, newest)


def test_right_passwords_are_looked_at_as_often_as_one_may_log_in(api, narrow, turned, ada):
    narrow(LOGINS_PER_MINUTE=2)
    assert change(ada).status == 200
    assert change(ada, old=NEW, new=PASSWORD).status == 200
    assert change(ada).code == "rate_limited"
    assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).code == "rate_limited"


def test_a_wrong_old_password_changes_nothing(api, ada):
    tablet = log_in()
    for old in ("wrong", "", PASSWORD + " "):
        answer = change(ada, old=old)
        assert (answer.status, answer.code) == (401, "bad_credentials")
    assert tablet.get("users/me/").status == 200
    assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).status == 200


@pytest.mark.parametrize(
    "new", ["short", "password", "ada@example.com", "12345678", "", "x" * 129, "a\u0000" * 8]
)
def test_a_password_that_nobody_may_register_with_is_refused_here_too(api, ada, new):
    answer = change(ada, new=new)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"new"})
    assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).status == 200


@pytest.mark.parametrize(
    "body", [{}, {"old": PASSWORD}, {"new": NEW}, {"old": 1, "new": NEW}, {"old": PASSWORD, "new": None}]
)
def test_both_are_needed(ada, body):
    answer = ada.post("auth/password/change/", body)
    assert (answer.status, answer.code) == (400, "invalid")


def test_a_password_is_the_same_however_the_keyboard_composes_it(api, ada):
    assert change(ada, new="un long mot de passe é").status == 200
    assert change(ada, old="un long mot de passe e\u0301", new=NEW).status == 200


def test_it_hashes_the_old_and_the_new_one_and_no_more(settings, ada):
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    ada.user.set_password(PASSWORD)
    ada.user.save()
    before = CountingHasher.hashed
    assert change(ada, old="wrong").status == 401
    assert CountingHasher.hashed == before + 1
    assert change(ada).status == 200
    assert CountingHasher.hashed == before + 3


def test_a_wrong_old_password_counts_as_a_wrong_log_in_and_a_right_one_does_not(api, narrow, turned, ada):
    narrow(WRONG_LOGINS_FREE=3)
    passwords = [PASSWORD, NEW]
    for _ in range(6):
        assert change(ada, *passwords).status == 200
        passwords.reverse()
    for _ in range(3):
        assert change(ada, old="wrong").code == "bad_credentials"
    answer = change(ada)
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert answer.body["retry_after"] > 0
    assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).code == "rate_limited"
    turned.turn(answer.body["retry_after"])
    assert change(ada).status == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_from_two_sessions_one_wins(api, ada):
    tablet = log_in()
    start = Barrier(2)

    def run(session, new):
        try:
            start.wait(5)
            passwords.change_password(user_id=ada.user.id, session_id=session.id, old=PASSWORD, new=new)
            return new
        except (BadCredentials, SessionEnded):
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run, who.session, f"{NEW} {n}") for n, who in enumerate((ada, tablet))]
        won = [job.result(20) for job in jobs]
    assert won.count(None) == 1
    [password] = [new for new in won if new]
    assert api.post("auth/token/", {"username": "ada", "password": password}).status == 200
    assert sorted(answer.code or "in" for answer in (ada.get("users/me/"), tablet.get("users/me/"))) == [
        "in",
        "session_ended",
    ]


def test_changing_a_password_needs_a_token(api, ada):
    answer = api.post("auth/password/change/", {"old": PASSWORD, "new": NEW})
    assert answer.code == "not_authenticated"
