"""Changing one's own profile (docs/rest.md)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.disabling import disable_user
from accounts.models import User
from accounts.profiles import update_profile
from common.errors import AlreadyExists, UserDisabled
from tests.api import PASSWORD


def patch(person, **fields):
    return person.call("PATCH", "users/me/", fields)


def test_what_is_given_changes_and_the_rest_stays(ada, bob):
    before = ada.see("users/me/")
    answer = patch(ada, bio="Poet of science.", avatar="https://example.com/ada.png?size=96")
    assert answer.status == 200
    assert answer.body == before | {
        "bio": "Poet of science.",
        "avatar": "https://example.com/ada.png?size=96",
    }
    assert ada.see("users/me/") == answer.body
    seen = bob.see(f"users/{ada.id}/")
    assert (seen["bio"], seen["display_name"]) == ("Poet of science.", "Ada Lovelace")


def test_nothing_given_and_the_same_again_change_nothing(statements, ada):
    before = ada.see("users/me/")
    assert patch(ada).body == patch(ada, bio="", display_name="Ada Lovelace", nonsense=1).body == before
    run = statements(lambda: patch(ada, bio="", username="ada"))
    assert not any(sql.startswith("UPDATE") for sql in run)


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_blank_take_away(ada, nothing):
    patch(ada, bio="x", avatar="http://localhost:8000/a.png")
    body = patch(ada, bio=nothing, avatar=nothing, email=nothing, display_name=nothing).body
    assert (body["bio"], body["avatar"], body["email"], body["display_name"]) == ("", None, None, "ada")


def test_a_new_user_name_logs_in_and_frees_the_old_one(api, ada):
    assert patch(ada, username="Countess").body["username"] == "Countess"
    assert api.post("auth/token/", {"username": "countess", "password": PASSWORD}).status == 200
    assert api.post("auth/token/", {"username": "ada", "password": PASSWORD}).code == "bad_credentials"
    assert api.post("auth/register/", {"username": "ada", "password": PASSWORD}).status == 201


def test_a_user_name_may_be_spelt_anew(ada):
    for name in ("Ada", "ADA", "ａｄａ"):
        assert patch(ada, username=name).body["username"] == name


@pytest.mark.parametrize(
    "name", ["BOB", "ｂｏｂ", "ВОВ", "bob "], ids=["case", "full width", "Cyrillic", "blank"]
)
def test_a_twin_of_anothers_name_is_taken(ada, bob, name):
    answer = patch(ada, username=name, bio="x")
    assert (answer.status, answer.code, answer.attrs) == (409, "already_exists", {"username"})
    assert ada.see("users/me/")["bio"] == ""


def test_anothers_address_is_taken_and_both_are_named(ada, bob):
    assert patch(bob, email="Ada@Example.COM").attrs == {"email"}
    assert patch(bob, email="ada@example.com", username="ADA").attrs == {"email", "username"}
    assert patch(ada, email="ADA@example.com").status == 200


def test_addresses_are_tried_no_more_often_than_by_registering(api, ada, bob, narrow):
    narrow(REGISTRATIONS_BURST=3, REGISTRATIONS_PER_MINUTE=1)
    for _ in range(5):
        assert patch(ada, email="Ada@example.com", bio="x").status == 200  # hers
    for address in ("ada@example.com", "nobody@example.com", "ada@example.com"):
        assert patch(bob, email=address).status in (200, 409)
    answer = patch(bob, email="ada@example.com")
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert patch(bob, email=None, bio="y").status == 200
    assert api.post("auth/register/", {"username": "eve", "password": PASSWORD}).code == "rate_limited"


def test_a_person_tries_five_addresses_an_hour_from_wherever(ada, bob, narrow, turned):
    narrow(EMAILS_PER_HOUR=5)
    for number in range(5):
        assert patch(bob, email="ada@example.com" if number % 2 else f"b{number}@example.com").status in (
            200,
            409,
        )
    answer = patch(bob, email="ada@example.com")
    assert (answer.status, answer.code, answer.body["retry_after"]) == (429, "rate_limited", 720)
    assert patch(bob, email="b4@example.com", bio="his own").status == 200
    assert patch(ada, email="a@example.com").status == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "admin"), ("username", "ad\u200ba"), ("username", ""), ("username", "x" * 33), ("username", None),
        ("display_name", "a\u202eb"), ("display_name", "x" * 101), ("display_name", "ㅤ"),
        ("email", "nobody"), ("email", "x" * 250 + "@example.com"),
        ("bio", "x" * 501), ("bio", "a\x00"),
        ("avatar", "javascript:alert(1)"), ("avatar", "data:image/png;base64,AAAA"), ("avatar", "//example.com/a.png"),
        ("avatar", "https://"), ("avatar", 'https://a.example/"><img onerror=x>'), ("avatar", "https://a.example/ b"),
        ("avatar", "https://user:pw@a.example/"), ("avatar", "https://a.example/" + "x" * 300), ("avatar", 7),
    ],
)  # fmt: skip
def test_what_is_none_is_invalid_and_changes_nothing(ada, field, value):
    before = ada.see("users/me/")
    answer = ada.call("PATCH", "users/me/", {"bio": "new"} | {field: value})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {field})
    assert ada.see("users/me/") == before


@pytest.mark.parametrize("field", ["username", "email"])
@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_for_one_at_once_one_gets_it(ada, bob, field):
    start = Barrier(2)
    value = "countess" if field == "username" else "countess@example.com"

    def run(person):
        try:
            start.wait(5)
            return getattr(update_profile(user_id=person.user.id, **{field: value}), field)
        except AlreadyExists as error:
            return error.errors[0].attr
        finally:
            connection.close()

    for person in (ada, bob):
        person.user.refresh_from_db()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(run, (ada, bob)))
    assert sorted(found) == sorted([value, field])


def test_events_show_people_as_they_are_when_sent(ada, bob):
    room = ada.room(bob)
    ada.send(room)
    patch(ada, display_name="The Countess")
    [message] = [event for event in ada.events(room) if event["type"] == "message.created"]
    assert message["data"]["message"]["author"]["display_name"] == "The Countess"
    assert len(ada.events(room)) == 4  # nothing was written for it


def test_whoever_was_disabled_meanwhile_changes_nothing(ada):
    disable_user(user_id=ada.user.id)
    with pytest.raises(UserDisabled):
        update_profile(user_id=ada.user.id, bio="x")
    assert User.objects.get(pk=ada.user.pk).bio == ""
