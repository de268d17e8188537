"""Logging in: by name or address, and without telling who exists."""

import pytest

from accounts.models import Session
from tests.accounts.counting_hasher import CountingHasher
from tests.api import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["ada", "ADA", "ａｄａ", " ada ", "ada@example.com", "Ada@EXAMPLE.com"])
def test_name_and_address_log_in_without_case(api, ada, name):
    answer = api.post("auth/token/", {"username": name, "password": PASSWORD, "device": "laptop"})
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"access", "refresh", "user", "session"}
    assert answer.body["user"]["id"] == str(ada.user.id)
    assert answer.body["session"]["id"] != str(ada.session.id)
    assert (answer.body["session"]["device"], answer.body["session"]["current"]) == ("laptop", True)
    assert Session.objects.filter(user=ada.user).count() == 2


def test_a_password_is_the_same_however_the_keyboard_composes_it(api):
    body = {"username": "zoe", "password": "un long mot de passe é"}
    assert api.post("auth/register/", body).status == 201
    assert api.post("auth/token/", body | {"password": "un long mot de passe e\u0301"}).status == 200


def refusals(api, ada):
    """The answers to a wrong password, an unknown name, an unknown address, an empty password."""
    return [
        api.post("auth/token/", {"username": name, "password": password})
        for name, password in [
            ("ada", "wrong"),
            ("eve", PASSWORD),
            ("eve@example.com", PASSWORD),
            ("ada@example.com", "wrong"),
            ("ada", ""),
            ("", PASSWORD),
        ]
    ]


def test_a_wrong_name_and_a_wrong_password_answer_alike(api, ada):
    answers = refusals(api, ada)
    assert {(answer.status, answer.code) for answer in answers} == {(401, "bad_credentials")}
    for answer in answers:
        answer.body.pop("request_id", None)
    assert all(answer.body == answers[0].body for answer in answers)


@pytest.fixture
def counted(settings, ada):
    """`counted(work)`: how many passwords `work` hashed."""
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    ada.user.set_password(PASSWORD)
    ada.user.save()

    def count(work):
        before = CountingHasher.hashed
        work()
        return CountingHasher.hashed - before

    return count


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("ada", PASSWORD, None),
        ("ada", "wrong", "bad_credentials"),
        ("ada@example.com", "wrong", "bad_credentials"),
        ("eve", PASSWORD, "bad_credentials"),
        ("eve@example.com", PASSWORD, "bad_credentials"),
    ],
)
def test_every_log_in_hashes_one_password(api, counted, name, password, code):
    answers = []
    hashed = counted(
        lambda: answers.append(api.post("auth/token/", {"username": name, "password": password}))
    )
    assert (answers[0].code, hashed) == (code, 1)


@pytest.mark.parametrize(("password", "code"), [(PASSWORD, "user_disabled"), ("wrong", "bad_credentials")])
def test_a_disabled_user_learns_so_only_with_the_right_password_and_one_hash(
    api, ada, counted, password, code
):
    ada.user.is_active = False
    ada.user.save()
    answers = []
    hashed = counted(
        lambda: answers.append(api.post("auth/token/", {"username": "ada", "password": password}))
    )
    assert (answers[0].status, answers[0].code, hashed) == (401, code, 1)


def test_a_user_without_password_is_hashed_for_all_the_same(api, ada, counted):
    ada.user.set_unusable_password()
    ada.user.save()
    assert counted(lambda: api.post("auth/token/", {"username": "ada", "password": PASSWORD})) == 1


@pytest.mark.parametrize("field", ["username", "password", "device"])
@pytest.mark.parametrize(
    "text", [r"a\u0000da", r"a\ud800da", "x" * 1_000], ids=["NUL", "lone surrogate", "long"]
)
def test_what_is_no_text_or_endless_is_invalid_and_hashes_nothing(api, counted, field, text):
    good = {"username": "ada", "password": PASSWORD, "device": "d"}
    body = ", ".join(f'"{name}": "{text if name == field else value}"' for name, value in good.items())
    answers = []
    assert counted(lambda: answers.append(api.post("auth/token/", b"{" + body.encode() + b"}"))) == 0
    assert (answers[0].status, answers[0].code) == (400, "invalid")


def test_a_log_in_costs_one_read_and_one_write(api, ada, statements):
    run = statements(lambda: api.post("auth/token/", {"username": "ada", "password": PASSWORD}))
    assert [sql.split(" ", 1)[0] for sql in run] == ["SELECT", "INSERT"]
