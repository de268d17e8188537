"""Who guesses passwords or names is slowed down, and learns nothing from it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts import services
from common.limits import WRONG_LOGINS, WRONG_LOGINS_OF_NAME
from tests.accounts.counting_hasher import CountingHasher
from tests.api import PASSWORD, Answer, register

pytestmark = pytest.mark.django_db


@pytest.fixture
def guarded(narrow, turned):
    """The defaults."""
    narrow(
        WRONG_LOGINS_FREE=5, WRONG_LOGINS_PER_MINUTE=10, REGISTRATIONS_PER_MINUTE=10, REGISTRATIONS_BURST=20
    )


@pytest.fixture
def log_in(client):
    """`log_in(name, password, address)`: the answer."""

    def ask(name, password="wrong", address="192.0.2.1"):
        body = {"username": name, "password": password}
        response = client.post(
            "/api/v1/auth/token/", body, "application/json", secure=True, REMOTE_ADDR=address
        )
        return Answer(response)

    return ask


def codes(answers):
    return [answer.code for answer in answers]


SLOWED = ["bad_credentials"] * 5 + ["rate_limited"] * 2


def test_five_wrong_passwords_slow_that_account_and_address_down(guarded, turned, ada, log_in):
    assert codes(log_in("ada") for _ in range(7)) == SLOWED
    refused = log_in("ada", PASSWORD)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "30"
    turned.turn(29.9)
    assert log_in("ada", PASSWORD).status == 429
    turned.turn(0.1)
    assert log_in("ada", PASSWORD).status == 200
    assert log_in("ada", PASSWORD).status == 200


def test_another_address_and_another_account_are_not_slowed(guarded, ada, bob, log_in):
    assert codes(log_in("ada") for _ in range(7)) == SLOWED
    assert log_in("ada", PASSWORD, "192.0.2.2").status == 200
    assert log_in("bob", PASSWORD).status == 200


@pytest.mark.parametrize("name", ["ada", "ada@example.com", "nobody", "nobody@example.com"])
def test_names_that_exist_and_names_that_do_not_are_slowed_alike(
    settings, guarded, turned, ada, log_in, name
):
    """Same status, same body, same headers, one hash as long as any, none afterwards."""
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    ada.user.set_password(PASSWORD)
    ada.user.save()
    seen = []
    for _ in range(7):
        before = CountingHasher.hashed
        answer = log_in(name)
        answer.body.pop("request_id")
        rate = {
            name: value for name, value in answer.headers.items() if name.startswith(("RateLimit", "Retry"))
        }
        seen.append((answer.status, answer.body, rate, CountingHasher.hashed - before))
    assert [(status, hashed) for status, _, _, hashed in seen] == [(401, 1)] * 5 + [(429, 0)] * 2
    _, body, rate, _ = seen[-1]
    assert body == {
        "type": "urn:parley:problem:rate_limited",
        "title": "Too many requests.",
        "status": 429,
        "detail": "Too many attempts; wait a little.",
        "code": "rate_limited",
        "retry_after": 30.0,
    }
    assert rate["RateLimit"].endswith(', "wrong-logins";r=0;t=150')
    assert rate["RateLimit-Policy"].endswith(', "wrong-logins";q=5;w=150')
    assert (rate["Retry-After"], rate["RateLimit-Limit"], rate["RateLimit-Remaining"]) == ("30", "5", "0")


def test_another_spelling_is_the_same_name(guarded, ada, log_in):
    spellings = ("ada", "ADA", "ａｄａ", " ada ", "Ada", "aDa", "ada")
    assert codes(map(log_in, spellings)) == SLOWED


def test_an_address_has_ten_wrong_log_ins_a_minute_whatever_the_names(guarded, turned, ada, log_in):
    names = [f"name{number}" for number in range(12)]
    assert codes(map(log_in, names)) == ["bad_credentials"] * 10 + ["rate_limited"] * 2
    assert log_in("ada", PASSWORD).status == 429
    turned.turn(6)
    assert codes(log_in(f"more{number}") for number in range(2)) == ["bad_credentials", "rate_limited"]


def test_a_name_has_ten_wrong_log_ins_a_minute_from_wherever(guarded, turned, ada, log_in):
    answers = [log_in("ada", address=f"198.51.100.{number}") for number in range(12)]
    assert codes(answers) == ["bad_credentials"] * 10 + ["rate_limited"] * 2
    turned.turn(6)
    assert log_in("ada", PASSWORD, "203.0.113.1").status == 200


def test_who_is_right_is_never_slowed(guarded, ada, log_in):
    assert {log_in("ada", PASSWORD).status for _ in range(30)} == {200}
    assert codes(log_in("ada") for _ in range(7)) == SLOWED


def test_a_person_logs_in_thirty_times_a_minute_from_wherever_and_no_more(
    guarded, narrow, turned, settings, log_in
):
    """Each hashes a password and makes a session."""
    narrow(LOGINS_PER_MINUTE=30)
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.CountingHasher"]
    register("carol", email="carol@example.com")
    names = ("carol", "carol@example.com")
    answers = [log_in(names[n % 2], PASSWORD, f"192.0.2.{n}").status for n in range(30)]
    assert set(answers) == {200}
    hashed = CountingHasher.hashed
    refused = log_in("carol", PASSWORD)
    assert (refused.status, refused.code, refused.body["retry_after"]) == (429, "rate_limited", 2.0)
    assert CountingHasher.hashed == hashed
    turned.turn(2)
    assert log_in("carol", PASSWORD).status == 200


def test_wrong_passwords_of_a_stranger_take_no_log_in_of_ones_own(guarded, narrow, ada, log_in):
    narrow(LOGINS_PER_MINUTE=2)
    assert codes(log_in("ada") for _ in range(5)) == ["bad_credentials"] * 5
    assert log_in("ada", PASSWORD, "192.0.2.7").status == 200


def test_what_was_no_guess_does_not_count(guarded, ada, log_in):
    ada.user.is_active = False
    ada.user.save()
    assert {log_in("ada", PASSWORD).code for _ in range(30)} == {"user_disabled"}
    assert {log_in("ada\0").code for _ in range(30)} == {"invalid"}
    assert codes(log_in("ada") for _ in range(7)) == SLOWED


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_no_more_than_one_after_the_other(guarded, settings):
    register("ada")
    gate = Barrier(12)

    def guess(_):
        gate.wait()
        try:
            services.log_in(username="ada", password="wrong", source="192.0.2.1")
        except Exception as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as threads:
        found = sorted(threads.map(guess, range(12)))
    assert found == ["bad_credentials"] * 5 + ["rate_limited"] * 7


def test_old_passwords_are_guessed_as_slowly(guarded, turned, ada):
    change = {"old": "wrong", "new": "analytical engine no. 2"}
    assert codes(ada.post("auth/password/change/", change) for _ in range(7)) == SLOWED
    turned.turn(30)
    assert ada.post("auth/password/change/", change | {"old": PASSWORD}).status == 200


def test_an_address_registers_twenty_at_once_and_ten_a_minute(guarded, turned, client):
    names = (f"name{number}" for number in range(100))

    def ask(address="192.0.2.1"):
        body = {"username": next(names), "password": PASSWORD}
        response = client.post(
            "/api/v1/auth/register/", body, "application/json", secure=True, REMOTE_ADDR=address
        )
        return Answer(response)

    assert [ask().status for _ in range(22)] == [201] * 20 + [429] * 2
    refused = ask()
    assert (refused.code, refused.headers["Retry-After"]) == ("rate_limited", "6")
    assert refused.headers["RateLimit-Policy"].endswith(', "registrations";q=20;w=120')
    assert ask("192.0.2.2").status == 201
    turned.turn(60)
    assert [ask().status for _ in range(12)] == [201] * 10 + [429] * 2


def test_asking_by_registering_which_names_are_taken_is_slow_and_mistakes_are_free(guarded, api, ada):
    short = {"username": "eve", "password": "x"}
    assert {api.post("auth/register/", short).code for _ in range(30)} == {"invalid"}
    taken = {"username": "ada", "password": PASSWORD}
    found = codes(api.post("auth/register/", taken) for _ in range(22))
    assert found == ["already_exists"] * 20 + ["rate_limited"] * 2


def test_what_is_kept_of_a_guess_does_not_show_what_was_typed(guarded, ada, log_in):

    log_in("hunter2-typed-into-the-wrong-field")
    for rate in (WRONG_LOGINS, WRONG_LOGINS_OF_NAME):
        assert rate._buckets
        assert not any("hunter2" in bucket.key for bucket in rate._buckets.values())
