"""Registering: text rules, twins, mass assignment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts import services
from accounts.models import Session, User
from common.errors import AlreadyExists
from tests.api import PASSWORD

pytestmark = pytest.mark.django_db


def test_who_registers_is_logged_in(api):
    answer = api.post(
        "auth/register/",
        {"username": "ada", "password": PASSWORD, "email": "Ada@Example.com", "device": "Ada's phone"},
    )
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"access", "refresh", "user", "session"}
    user, session = answer.body["user"], answer.body["session"]
    assert user["display_name"] == "ada"
    assert user["email"] == "Ada@Example.com"
    assert user["avatar"] is None
    assert user["created_at"].endswith("Z")
    assert (session["device"], session["current"]) == ("Ada's phone", True)
    assert session["created_at"] == session["last_seen_at"]
    assert api.get("users/me/", answer.body["access"]).body == user
    assert PASSWORD not in answer.text


def test_optional_fields_may_be_null_or_blank(api):
    for number, nothing in enumerate([None, "", "  "]):
        answer = api.post(
            "auth/register/",
            {
                "username": f"Ada{number}",
                "password": PASSWORD,
                "email": nothing,
                "display_name": nothing,
                "device": nothing,
            },
        )
        assert answer.status == 201, answer.text
        assert answer.body["user"]["display_name"] == f"Ada{number}"
        assert answer.body["user"]["email"] is None
        assert answer.body["session"]["device"] == ""


@pytest.mark.parametrize(
    ("taken", "asked"),
    [
        ("ada", "ada"),
        ("ada", "Ada"),
        ("Ada", "aDA"),
        ("ada", " ada "),
        ("ada", "ａｄａ"),  # full width
        ("ada", "𝐚𝐝𝐚"),  # mathematical bold
        ("ada", "ªda"),  # the ordinal sign is an "a" in NFKC
        ("strasse", "Straße"),
        ("ﬁona", "fiona"),  # a ligature
        ("zoé", "zoe\u0301"),  # composed and decomposed
        ("оля", "ОЛЯ"),  # Cyrillic, all of it
        ("σοφος", "σοφος".replace("ς", "σ")),  # the final sigma
    ],
)
def test_a_twin_of_a_taken_name_already_exists(api, taken, asked):
    assert api.post("auth/register/", {"username": taken, "password": PASSWORD}).status == 201
    answer = api.post("auth/register/", {"username": asked, "password": PASSWORD})
    assert (answer.status, answer.code, answer.attrs) == (409, "already_exists", {"username"})
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "name",
    [
        "аda",  # Cyrillic а
        "adа",
        "аdmin",
        "pαul",  # Greek alpha
        "admin", "System", "ａdmin", "ROOT", "me",
        "ada.", ".ada", "-ada", "ada lovelace", "ada@home", "ada/bob", "#ada",
        "ada\u200b", "a\u202eda", "ada\u00ad", "ada\ufeff", "ada\n", "ada\tbob",
        "", " ", ".", "x" * 33, "ⓐda", "\ufdfa", "½",
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_invalid(api, name):
    answer = api.post("auth/register/", {"username": name, "password": PASSWORD})
    if name == "ada\n":  # trimmed like any blank
        assert answer.status == 201
        return
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"username"})
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["username", "password", "email", "display_name", "device"])
@pytest.mark.parametrize("text", [r"a\u0000da", r"a\ud800da"], ids=["NUL", "lone surrogate"])
def test_what_is_no_text_is_invalid_in_every_field(api, field, text):
    good = {
        "username": "ada",
        "password": PASSWORD,
        "email": "a@example.com",
        "display_name": "A",
        "device": "d",
    }
    body = ", ".join(f'"{name}": "{text if name == field else value}"' for name, value in good.items())
    answer = api.post("auth/register/", b"{" + body.encode() + b"}")
    assert (answer.status, answer.code) == (400, "invalid")
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["display_name", "device"])
@pytest.mark.parametrize("text", ["a\u202eda", "a\u200bda", "a\nda", "\x07", "x" * 101])
def test_invisible_characters_and_long_names_are_invalid(api, field, text):
    answer = api.post("auth/register/", {"username": "ada", "password": PASSWORD, field: text})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {field})


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("", {"password_too_short"}),
        ("123", {"password_too_short", "password_too_common"}),
        ("password", {"password_too_common"}),
        ("adalovelace", {"password_too_similar"}),
        ("x" * 129, {"too_long"}),
        ("x" * 100_000, {"too_long"}),
    ],
)
def test_a_weak_or_endless_password_is_invalid_with_every_rule_it_breaks(api, password, codes):
    answer = api.post("auth/register/", {"username": "adalovelace", "password": password})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"password"})
    assert {error["code"] for error in answer.body["errors"]} == codes
    assert len(answer.text) < 2_000


def test_ten_megabytes_are_too_large(api):
    answer = api.post("auth/register/", {"username": "ada", "password": "x" * 10_000_000})
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize(
    "email", ["ada", "ada@", "@example.com", "a da@example.com", "a@b@c", "a" * 250 + "@example.com"]
)
def test_what_is_no_address_is_invalid(api, email):
    answer = api.post("auth/register/", {"username": "ada", "password": PASSWORD, "email": email})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"email"})


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b"null", b'{"username": 1, "password": true}', b"{}"]
)
def test_a_body_that_is_no_registration_is_invalid(api, body):
    assert api.post("auth/register/", body).code == "invalid"


def test_a_taken_address_already_exists_without_case(api, ada):
    body = {"username": "bob", "password": PASSWORD, "email": "ADA@Example.COM"}
    answer = api.post("auth/register/", body)
    assert (answer.status, answer.code, answer.attrs) == (409, "already_exists", {"email"})


def test_a_taken_name_and_a_taken_address_are_both_named(api, ada):
    answer = api.post("auth/register/", {"username": "ADA", "password": PASSWORD, "email": "ada@example.com"})
    assert (answer.status, answer.attrs) == (409, {"username", "email"})


def test_many_have_no_address(api):
    for name in ("ada", "bob", "eve"):
        assert api.post("auth/register/", {"username": name, "password": PASSWORD}).status == 201


def test_no_field_of_the_model_can_be_set_by_registering(api):
    """Every field of both models is sent along; the row is what it is without them."""
    hostile = {field.name: True for model in (User, Session) for field in model._meta.get_fields()}
    hostile |= {
        "id": "00000000-0000-7000-8000-000000000000",
        "username_key": "root",
        "email_key": "root@example.com",
        "created_at": "2001-01-01T00:00:00Z",
        "deleted_at": "2001-01-01T00:00:00Z",
        "avatar": "https://evil.example/x.png",
        "bio": "chosen",
        "is_active": False,
        "email": None,
        "display_name": "Ada",
        "device": "",
        "username": "ada",
        "password": PASSWORD,
        "user": {"is_staff": True},
        "role": "owner",
    }
    answer = api.post("auth/register/", hostile)
    assert answer.status == 201
    user = User.objects.get()
    assert (user.username, user.username_key, user.display_name) == ("ada", "ada", "Ada")
    assert (user.is_staff, user.is_superuser, user.is_bot, user.is_active) == (False, False, False, True)
    assert (user.avatar, user.bio, user.email, user.email_key, user.deleted_at) == ("", "", None, None, None)
    assert str(user.id) != hostile["id"]
    assert user.created_at.year > 2001
    assert not user.groups.exists()
    assert not user.user_permissions.exists()
    session = Session.objects.get()
    assert (session.ended_at, session.used_refresh) == (None, {})
    assert len(session.refresh_jti) == 32


def test_who_loses_the_race_for_a_name_gets_already_exists(monkeypatch, db):
    """The rival registers between our look and our insert."""
    hash_password = User.set_password

    def rival_first(user, raw):
        monkeypatch.setattr(User, "set_password", hash_password)
        services.register(username="ADA", password=PASSWORD, email="ada@example.com")
        hash_password(user, raw)

    monkeypatch.setattr(User, "set_password", rival_first)
    with pytest.raises(AlreadyExists) as caught:
        services.register(username="ada", password=PASSWORD)
    assert [error.attr for error in caught.value.errors] == ["username"]
    assert User.objects.get().username == "ADA"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_for_one_name_at_once_one_gets_it():
    def ask(name):
        try:
            return services.register(username=name, password=PASSWORD).user.username
        except AlreadyExists as error:
            return [found.attr for found in error.errors]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(ask, ["ada", "Ada", "ADA", "ａｄａ"] * 2))
    assert outcomes.count(["username"]) == 7
    assert User.objects.count() == Session.objects.count() == 1


def test_registering_costs_one_read_and_two_writes(api, statements):
    run = statements(lambda: api.post("auth/register/", {"username": "ada", "password": PASSWORD}))
    assert [sql.split(" ", 1)[0] for sql in run] == ["SELECT", "INSERT", "INSERT"]
