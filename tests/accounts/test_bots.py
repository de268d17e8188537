"""Bots over REST: made, changed and deleted by their owner, and nobody else."""

import pytest

from accounts.disabling import disable_user
from accounts.models import ApiToken, User
from common.ids import new_id
from tests.api import PASSWORD
from tests.bots import make_bot

PICTURE = "https://pictures.example.com/mill.png"
FIELDS = {"id", "username", "display_name", "avatar", "bio", "is_bot", "deleted"}


def test_a_bot_is_a_user_with_an_owner(ada, bob):
    answer = ada.post("bots/", {"username": "Mill-Bot", "display_name": "The mill", "bio": "Grinds."})
    assert answer.status == 201
    assert answer.body.keys() == FIELDS
    assert (answer.body["username"], answer.body["display_name"], answer.body["bio"]) == (
        "Mill-Bot", "The mill", "Grinds.",
    )  # fmt: skip
    assert (answer.body["is_bot"], answer.body["deleted"]) == (True, False)
    path = f"bots/{answer.body['id']}/"
    assert ada.see(path) == answer.body == bob.see(f"users/{answer.body['id']}/")
    assert User.objects.get(pk=answer.body["id"]).owner == ada.user


def test_without_a_display_name_it_is_called_by_its_user_name(ada):
    for body in ({}, {"display_name": None}, {"display_name": " "}):
        made = ada.post("bots/", {"username": f"bot{len(str(body))}", **body}).body
        assert made["display_name"] == made["username"]


@pytest.mark.parametrize("name", ["", "a b", "admin", "раypal", ".x", "x.", "x" * 33, "a\u200bb"])
def test_its_name_follows_the_rules_of_peoples(ada, name):
    answer = ada.post("bots/", {"username": name})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"username"})
    bot = make_bot(ada)
    answer = ada.call("PATCH", f"bots/{bot.id}/", {"username": name})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"username"})


@pytest.mark.parametrize("name", ["bob", "BOB", "ada", "mill-bot", "BoB"])
def test_a_taken_name_already_exists(ada, bob, name):
    make_bot(ada)
    other = make_bot(ada, "other")
    for answer in (
        ada.post("bots/", {"username": name}),
        ada.call("PATCH", f"bots/{other.id}/", {"username": name}),
    ):
        assert (answer.status, answer.code, answer.attrs) == (409, "already_exists", {"username"})


def test_what_is_given_changes_and_the_rest_stays(ada):
    bot = make_bot(ada)
    before = ada.see(f"bots/{bot.id}/")
    for change, shown in [
        ({"bio": "Grinds."}, {"bio": "Grinds."}),
        ({"display_name": "The mill", "avatar": PICTURE}, {"display_name": "The mill", "avatar": PICTURE}),
        ({"username": "MILL-bot"}, {"username": "MILL-bot"}),  # its own name, spelt otherwise
        ({"display_name": " "}, {"display_name": "MILL-bot"}),
        ({"bio": "", "avatar": None}, {"bio": "", "avatar": None}),
    ]:
        answer = ada.call("PATCH", f"bots/{bot.id}/", change)
        before |= shown
        assert (answer.status, answer.body) == (200, before), change
    assert ada.see(f"bots/{bot.id}/") == before


def test_a_change_of_nothing_succeeds(ada):
    bot = make_bot(ada)
    before = ada.see(f"bots/{bot.id}/")
    for body in ({}, {"displayName": "x"}, {"username": "mill-bot"}):
        answer = ada.call("PATCH", f"bots/{bot.id}/", body)
        assert (answer.status, answer.body) == (200, before)


def test_a_bot_that_an_operator_disabled_is_not_changed_but_deleted(ada):
    """And 401 would throw out its owner, who may go on."""
    bot = make_bot(ada)
    disable_user(user_id=bot.user.id)
    assert bot.get("users/me/").code == "user_disabled"
    assert ada.call("PATCH", f"bots/{bot.id}/", {"bio": "x"}).code == "forbidden"
    assert ada.see(f"bots/{bot.id}/")["deleted"] is False
    assert ada.delete(f"bots/{bot.id}/").status == 204


def test_my_bots_come_in_pages_in_the_order_they_were_made(ada, bob):
    made = [make_bot(ada, f"bot{n}").id for n in range(5)]
    make_bot(bob, "bobs")
    assert [bot["id"] for bot in ada.see("bots/")["results"]] == made
    assert [[bot["id"] for bot in page] for page in ada.pages("bots/", limit=2)] == [
        made[:2],
        made[2:4],
        made[4:],
    ]


CALLS = [
    ("GET", "bots/{}/", None),
    ("PATCH", "bots/{}/", {"bio": "x"}),
    ("DELETE", "bots/{}/", None),
    ("GET", "bots/{}/tokens/", None),
    ("POST", "bots/{}/tokens/", {"scopes": ["rooms:read"]}),
    ("DELETE", "bots/{}/tokens/TOKEN/", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_anothers_bot_a_person_a_deleted_bot_and_no_bot_are_not_found(
    ada, bob, statements, method, path, body
):
    his, gone = make_bot(bob, "bobs"), make_bot(ada, "gone")
    ada.delete(f"bots/{gone.id}/")
    token = ApiToken.objects.get(bot=his.user).id
    rows = list(ApiToken.objects.values())
    answers = []
    for bot_id in (his.id, gone.id, bob.id, ada.id, new_id(), "x", his.id.upper()):
        answer = ada.call(method, path.format(bot_id).replace("TOKEN", str(token)), body)
        answers.append((answer.status, answer.code, answer.body["detail"]))
    assert set(answers) == {(404, "not_found", "There is nothing here.")}
    assert list(ApiToken.objects.values()) == rows
    assert bob.see(f"bots/{his.id}/")["bio"] == ""


def test_another_bots_token_is_not_found_under_mine(ada):
    one, other = make_bot(ada, "one"), make_bot(ada, "other")
    token = ApiToken.objects.get(bot=other.user).id
    for token_id in (token, new_id(), "x"):
        assert ada.delete(f"bots/{one.id}/tokens/{token_id}/").code == "not_found"
    assert other.get("users/me/").status == 200


def test_a_deleted_bot_is_out_at_once_and_shown_as_deleted_without_its_names(ada, bob):
    bot = make_bot(ada)
    room = ada.room(bot)
    message = bot.send(room)
    assert ada.delete(f"bots/{bot.id}/").status == 204
    assert bot.get("users/me/").code == "user_disabled"
    shown = bob.see(f"users/{bot.id}/")
    assert (shown["deleted"], shown["is_bot"]) == (True, True)
    assert (shown["display_name"], shown["bio"], shown["avatar"]) == ("", "", None)
    assert "mill" not in shown["username"]
    assert ada.see("bots/")["results"] == []
    # Its messages stay, and so does its place in the room, until somebody takes it out.
    author = ada.see(f"rooms/{room}/messages/{message['id']}/")["author"]
    assert (author["id"], author["deleted"]) == (bot.id, True)
    assert [member["user"]["deleted"] for member in ada.see(f"rooms/{room}/members/")["results"]] == [
        False,
        True,
    ]
    assert ada.delete(f"rooms/{room}/members/{bot.id}/").status == 204


def test_the_name_of_a_deleted_bot_is_free_again_and_its_tokens_stay_refused(ada, bob):
    bot = make_bot(ada)
    ada.delete(f"bots/{bot.id}/")
    again = make_bot(bob)
    assert again.get("users/me/").status == 200
    assert bot.get("users/me/").code == "user_disabled"
    assert not ApiToken.objects.filter(bot_id=bot.id, revoked_at=None).exists()


def test_there_is_a_most_and_deleting_makes_room(ada, bob, settings):
    settings.BOTS_MAX_PER_USER = 2
    first = make_bot(ada, "one")
    make_bot(ada, "two")
    answer = ada.post("bots/", {"username": "three"})
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "2 bots" in answer.body["detail"]
    make_bot(bob, "bobs")
    ada.delete(f"bots/{first.id}/")
    assert ada.post("bots/", {"username": "three"}).status == 201


def test_nobody_logs_in_as_a_bot(api, ada):
    bot = make_bot(ada)
    for password in (PASSWORD, "", bot.access):
        answer = api.post("auth/token/", {"username": "mill-bot", "password": password})
        assert (answer.status, answer.code) == (401, "bad_credentials")


def test_a_bot_is_put_into_rooms_like_anybody_and_shown_with_is_bot(ada, bob):
    bot = make_bot(ada)
    room = bob.room(ada)
    assert bot.get(f"rooms/{room}/").code == "not_found"
    assert (
        ada.post(f"rooms/{room}/members/", {"user": bot.id}).code == "forbidden"
    )  # its owner is no admin there
    bob.add(room, bot)
    members = bob.see(f"rooms/{room}/members/")["results"]
    assert [member["user"]["is_bot"] for member in members] == [False, False, True]
    assert bot.send(room, "Standing still.")["author"]["is_bot"] is True
    public = bob.room(kind="public")
    assert bot.join(public)["me"]["role"] == "member"
    assert [found["id"] for found in bot.see("rooms/")["results"]] == [public, room]
    bot.leave(public)


def test_a_deleted_bot_is_put_into_no_room(ada):
    bot = make_bot(ada)
    ada.delete(f"bots/{bot.id}/")
    answer = ada.post(f"rooms/{ada.room()}/members/", {"user": bot.id})
    assert (answer.status, answer.attrs) == (400, {"user"})


def test_costs_do_not_grow_with_the_bots(ada, statements):
    for number in range(3):
        bot = make_bot(ada, f"bot{number}")
    for path in ("bots/", f"bots/{bot.id}/"):
        assert len(statements(lambda path=path: ada.see(path))) == 2
    assert len(statements(lambda: ada.see(f"bots/{bot.id}/tokens/"))) == 3
