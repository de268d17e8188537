"""What passwords cost: dear to guess, and never more memory at once than this process allows."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password

from accounts import hashers
from accounts.models import User
from tests.api import PASSWORD

NEW = "argon2$argon2id$v=19$m=19456,t=2,p=1$"


@pytest.fixture(autouse=True)
def as_in_production(settings, cheap_passwords):
    settings.PASSWORD_HASHERS = ["accounts.hashers.PasswordHasher"]


@pytest.fixture
def all_turns_taken(settings):
    """As if as many passwords as allowed were being hashed, for ever; patience is short."""
    settings.PASSWORD_HASH_WAIT_S = 0.01
    for _ in range(settings.PASSWORD_HASHES_AT_ONCE):
        assert hashers._turns.acquire(blocking=False)
    yield
    for _ in range(settings.PASSWORD_HASHES_AT_ONCE):
        hashers._turns.release()


def test_a_hash_takes_19_mib_and_one_thread():
    hashed = make_password(PASSWORD)
    assert hashed.startswith(NEW)
    assert check_password(PASSWORD, hashed)
    assert not check_password("wrong", hashed)


@pytest.mark.django_db
def test_a_dearer_hash_of_djangos_still_logs_in_and_is_then_renewed(api, ada):
    dear = Argon2PasswordHasher().encode(PASSWORD, "saltsaltsaltsaltsaltsalt")
    User.objects.filter(pk=ada.user.pk).update(password=dear)
    assert api.post("auth/token/", {"username": "ada", "password": "wrong"}).code == "bad_credentials"
    assert User.objects.get(username="ada").password == dear
    for _ in range(2):
        assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).status == 200
        assert User.objects.get(username="ada").password.startswith(NEW)


@pytest.mark.parametrize(
    "work", [make_password, lambda password: check_password(password, NEW + "c2FsdA$aGFzaA")]
)
def test_no_more_are_hashed_at_once_than_allowed(settings, monkeypatch, work):
    at_once, most, lock = 0, 0, threading.Lock()
    threads = set()
    full = threading.Barrier(settings.PASSWORD_HASHES_AT_ONCE)

    def hash_slowly(*_):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            threads.add(threading.get_ident())
        full.wait(10)  # so many at once there are
        with lock:
            at_once -= 1
        return "hashed"

    monkeypatch.setattr(Argon2PasswordHasher, "encode", hash_slowly)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", hash_slowly)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [PASSWORD] * 8))
    assert (at_once, most) == (0, settings.PASSWORD_HASHES_AT_ONCE)
    assert len(threads) <= most  # each keeps the memory of a hash


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "name", "password"),
    [
        ("auth/token/", "ada", PASSWORD),
        ("auth/token/", "ada", "wrong"),
        ("auth/token/", "eve", PASSWORD),
        ("auth/register/", "eve", PASSWORD),
        ("auth/register/", "ada", PASSWORD),
    ],
)
def test_who_gets_no_turn_is_told_to_come_back_and_has_held_no_connection(
    api, ada, all_turns_taken, statements, path, name, password
):
    answers = []
    run = statements(lambda: answers.append(api.post(path, {"username": name, "password": password})))
    (answer,) = answers
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert run == []
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("failure", ["wrong password", "unknown name", "taken name"])
def test_a_turn_is_given_back_by_those_who_fail(api, ada, settings, failure):
    settings.PASSWORD_HASH_WAIT_S = 0.01
    for _ in range(settings.PASSWORD_HASHES_AT_ONCE + 1):
        if failure == "taken name":
            assert api.post("auth/register/", {"username": "ada", "password": PASSWORD}).status == 409
        else:
            name = "ada" if failure == "wrong password" else "eve"
            assert api.post("auth/token/", {"username": name, "password": "wrong"}).status == 401
    assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).status == 200
