"""A form shows everything that is wrong with it at once, in the order of its fields."""

import pytest

from accounts.models import User
from rooms.models import Room
from tests.api import register

LONG = "x" * 501
PROFILE = {"username": "a b", "display_name": LONG, "email": "x", "bio": LONG, "avatar": "x"}
FORMS = [
    (
        "POST", "auth/register/",
        {"username": "a b", "password": "x", "email": "x", "display_name": LONG, "device": "\u200b"},
        ["username", "email", "display_name", "device", "password"],
    ),
    ("PATCH", "users/me/", PROFILE, [*PROFILE]),
    ("POST", "bots/", PROFILE, ["username", "display_name", "bio", "avatar"]),
    (
        "POST", "rooms/", {"kind": "x", "name": "", "topic": LONG, "members": ["x"], "client_id": "a b"},
        ["kind", "name", "topic", "client_id", "members.0"],
    ),
    (
        "PATCH", "rooms/{room}/", {"name": "", "topic": LONG, "avatar": "x", "slow_mode_s": -1},
        ["name", "topic", "avatar", "slow_mode_s"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "attrs"), FORMS)
def test_every_field_that_breaks_a_rule_is_named(ada, method, path, body, attrs):
    room = ada.room()
    before = ada.see("users/me/"), ada.see(f"rooms/{room}/"), User.objects.count(), Room.objects.count()
    answer = ada.call(method, path.format(room=room), body)
    assert (answer.status, answer.code) == (400, "invalid")
    errors = answer.body["errors"]
    assert list(dict.fromkeys(error["attr"] for error in errors)) == attrs
    assert all(error["detail"] in answer.body["detail"] for error in errors)
    after = ada.see("users/me/"), ada.see(f"rooms/{room}/"), User.objects.count(), Room.objects.count()
    assert after == before


@pytest.mark.parametrize(("method", "path", "body", "attrs"), FORMS)
def test_every_field_of_a_wrong_type_is_named(ada, method, path, body, attrs):
    answer = ada.call(method, path.format(room=ada.room()), {name: [] for name in body} | {"members": 1})
    named = {attr.split(".")[0] for attr in attrs}
    assert (answer.status, {error["code"] for error in answer.body["errors"]}) == (400, {"invalid"})
    assert answer.attrs == named


def test_what_is_taken_is_told_after_that(ada):
    register("eve", email="eve@example.com")
    body = {"username": "eve", "password": "x", "email": "eve@example.com"}
    assert ada.call("POST", "auth/register/", body).attrs == {"password"}
    body["password"] = "correct horse battery staple"
    answer = ada.call("POST", "auth/register/", body)
    assert (answer.status, answer.attrs) == (409, {"username", "email"})
