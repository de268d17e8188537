"""API tokens: how they are made, who they let in, and when no more."""

import re
from datetime import UTC, timedelta

import pytest

from accounts import access, api_tokens, selectors
from accounts.models import ApiToken, User
from accounts.token_uses import TokenUses, token_uses
from common.errors import TokenInvalid
from common.ids import new_id
from tests.bots import another_token, make_bot

FIELDS = {"id", "name", "scopes", "created_at", "expires_at", "last_used_at"}
WRITTEN = re.compile(r"parley_[0-9A-Za-z]{43}")


@pytest.fixture
def bot(ada):
    return make_bot(ada)


def tokens_of(owner, bot):
    return owner.see(f"bots/{bot.id}/tokens/")["results"]


def test_a_token_is_shown_once_and_kept_as_a_hash_alone(ada, bot):
    answer = ada.post(f"bots/{bot.id}/tokens/", {"name": "cron", "scopes": ["messages:write", "rooms:read"]})
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body.keys() == FIELDS | {"token"}
    token = answer.body.pop("token")
    assert WRITTEN.fullmatch(token)
    assert (answer.body["name"], answer.body["scopes"]) == ("cron", ["rooms:read", "messages:write"])
    assert (answer.body["expires_at"], answer.body["last_used_at"]) == (None, None)
    listed = ada.get(f"bots/{bot.id}/tokens/")
    assert listed.body["results"][-1] == answer.body
    assert "parley_" not in listed.text
    row = ApiToken.objects.filter(pk=answer.body["id"]).values().get()
    assert not any(token in str(value) for value in row.values())
    assert row["token_hash"] == api_tokens.hash_of(token)


def test_tokens_are_all_different_and_of_one_length():
    made = {api_tokens.new_token() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(WRITTEN.fullmatch(token) and api_tokens.written_like_one(token) for token in made)
    assert {char for token in made for char in token[7:]} == set(api_tokens._DIGITS)


def test_it_lets_the_bot_in_as_itself(bot):
    assert bot.see("users/me/") == {
        "id": bot.id, "username": "mill-bot", "display_name": "mill-bot", "avatar": None, "bio": "", "is_bot": True,
        "deleted": False, "email": None, "created_at": bot.see("users/me/")["created_at"],
    }  # fmt: skip


def test_who_calls_is_one_statement_known_or_not(api, bot, statements):
    assert len(statements(lambda: bot.see("users/me/"))) == 1
    known, unknown = (
        [
            sql.replace(api_tokens.hash_of(token), "")
            for sql in statements(lambda t=token: api.get("users/me/", t))
        ]
        for token in (bot.access, api_tokens.new_token())
    )
    assert known == unknown


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token.upper(),
        lambda token: "parley_",
        lambda token: token[:-1] + "é",
        lambda token: token[:-1] + "٣",
        lambda token: token.removeprefix("parley_"),
        lambda token: "parley_" + "x" * 100_000,
    ],
)
def test_what_is_not_written_like_a_token_is_invalid_without_a_query(api, bot, statements, spoil):
    text = spoil(bot.access)
    if text.isascii():
        answers = []
        assert statements(lambda: answers.append(api.get("users/me/", text))) == []
        assert (answers[0].status, answers[0].code) == (401, "token_invalid")
    with pytest.raises(TokenInvalid):
        access.identify(text)


def test_an_unknown_token_is_invalid(api, bot):
    answer = api.get("users/me/", api_tokens.new_token())
    assert (answer.status, answer.code) == (401, "token_invalid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_revoked_token_is_refused_at_once_and_the_others_stay(ada, bot):
    other = another_token(bot, "rooms:read")
    [first, _] = tokens_of(ada, bot)
    path = f"bots/{bot.id}/tokens/{first['id']}/"
    assert (ada.delete(path).status, ada.delete(path).status) == (204, 404)
    answer = bot.get("users/me/")
    assert (answer.status, answer.code) == (401, "session_ended")
    assert other.get("users/me/").status == 200
    assert len(tokens_of(ada, bot)) == 1


def test_a_token_lasts_until_it_expires_by_our_clock(ada, bot, turned):
    soon = another_token(bot, "rooms:read", expires_at=turned.now() + timedelta(seconds=300))
    turned.turn(299)
    assert soon.get("users/me/").status == 200
    turned.turn(1)
    assert soon.get("users/me/").code == "token_expired"
    assert bot.get("users/me/").status == 200
    assert len(tokens_of(ada, bot)) == 2  # one sees that it has expired


def test_an_expiry_is_shown_in_utc(ada, bot):
    body = {"scopes": ["rooms:read"], "expires_at": "2999-01-01T01:30:00+01:30"}
    answer = ada.post(f"bots/{bot.id}/tokens/", body)
    assert answer.body["expires_at"] == tokens_of(ada, bot)[-1]["expires_at"] == "2999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "expires_at",
    [
        "2001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2999-01-01T00:00:00",
        "2999-01-01", "soon", "", 4_000_000_000, True, [],
    ],
)  # fmt: skip
def test_an_expiry_that_is_no_time_to_come_is_invalid(ada, bot, expires_at):
    answer = ada.post(f"bots/{bot.id}/tokens/", {"scopes": ["rooms:read"], "expires_at": expires_at})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"expires_at"})


@pytest.mark.parametrize(
    ("scopes", "attr"),
    [
        ([], "scopes"),
        (None, "scopes"),
        ("rooms:read", "scopes"),
        (["rooms:read"] * 5, "scopes"),
        (["rooms:read", "rooms"], "scopes.1"),
        (["*"], "scopes.0"),
        ([""], "scopes.0"),
        (["ROOMS:READ"], "scopes.0"),
        ([1], "scopes.0"),
        (["session"], "scopes.0"),
    ],
)
def test_scopes_are_named_one_at_least_and_none_that_is_unknown(ada, bot, scopes, attr):
    answer = ada.post(f"bots/{bot.id}/tokens/", {"scopes": scopes})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {attr})
    assert len(tokens_of(ada, bot)) == 1


def test_a_scope_named_twice_is_one(ada, bot):
    answer = ada.post(f"bots/{bot.id}/tokens/", {"scopes": ["rooms:write", "rooms:read", "rooms:write"]})
    assert answer.body["scopes"] == ["rooms:read", "rooms:write"]


def test_there_is_a_most_and_revoking_makes_room(ada, bot, settings, turned):
    settings.TOKENS_MAX_PER_BOT = 2
    another_token(bot, "rooms:read", expires_at=turned.now() + timedelta(seconds=1))
    turned.turn(2)  # expired ones count: they are still in the list
    body = {"scopes": ["rooms:read"]}
    answer = ada.post(f"bots/{bot.id}/tokens/", body)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "2 tokens" in answer.body["detail"]
    ada.delete(f"bots/{bot.id}/tokens/{tokens_of(ada, bot)[1]['id']}/")
    assert ada.post(f"bots/{bot.id}/tokens/", body).status == 201


def test_tokens_come_in_pages(ada, bot):
    for _ in range(4):
        another_token(bot, "rooms:read")
    whole = tokens_of(ada, bot)
    assert ada.pages(f"bots/{bot.id}/tokens/", limit=2) == [whole[:2], whole[2:4], whole[4:]]


@pytest.mark.parametrize(
    "fields", [{"is_active": False}, {"is_active": False, "deleted_at": "2026-01-01T00:00Z"}]
)
@pytest.mark.parametrize("whose", ["bot", "owner"])
def test_a_bot_stops_with_itself_and_with_its_owner(ada, bot, whose, fields):
    stopped = ada.user if whose == "owner" else bot.user
    token = ApiToken.objects.get().id
    assert selectors.ended_credentials([token, ada.session.id]) == {}
    User.objects.filter(pk=stopped.pk).update(**fields)
    assert bot.get("users/me/").code == "user_disabled"
    assert selectors.ended_credentials([token])[token] == "user_disabled"
    User.objects.filter(pk=stopped.pk).update(is_active=True, deleted_at=None)
    assert bot.get("users/me/").status == 200
    assert selectors.ended_credentials([token, ada.session.id]) == {}


def test_what_is_refused_over_rest_ends_sockets_with_the_same_code(ada, bot):
    """All but an expired one: a socket knows its hour."""
    revoked, gone = another_token(bot, "rooms:read"), make_bot(ada, "gone")
    ids = {
        each: ApiToken.objects.get(token_hash=api_tokens.hash_of(each.access)).id
        for each in (bot, revoked, gone)
    }
    ada.delete(f"bots/{bot.id}/tokens/{ids[revoked]}/")
    ada.delete(f"bots/{gone.id}/")
    ended = selectors.ended_credentials(ids.values())
    assert ended == {ids[revoked]: "session_ended", ids[gone]: "user_disabled"}
    assert {ids[each]: each.get("users/me/").code for each in (revoked, gone)} == ended


def test_an_identity_by_token_has_no_session_and_its_scopes(bot, turned):
    identity, user = access.identify(bot.access)
    assert (user, identity.user_id) == (bot.user, bot.user.id)
    assert (identity.session, identity.session_id, identity.expires_at) == (None, None, None)
    assert identity.credential_id == ApiToken.objects.get().id
    assert identity.scopes == {"rooms:read", "rooms:write", "messages:read", "messages:write"}
    assert identity.user.is_bot is True


def test_a_use_is_written_at_most_once_a_minute_and_not_in_a_requests_way(ada, bot, turned, statements):
    def last_used():
        [token] = tokens_of(ada, bot)
        return token["last_used_at"]

    assert len(statements(lambda: bot.see("users/me/"))) == 1
    first = turned.now()
    turned.turn(10)
    bot.see("users/me/")
    assert last_used() is None
    assert len(statements(token_uses.write)) == 1
    shown = first.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert last_used() == shown
    turned.turn(49)
    bot.see("users/me/")
    assert statements(token_uses.write) == []
    turned.turn(1)
    bot.see("users/me/")
    token_uses.write()
    assert last_used() > shown


def test_two_processes_write_a_use_once(bot, turned):
    here, there = TokenUses(), TokenUses()
    token = ApiToken.objects.get()
    here.note([token.id])
    turned.turn(59)
    there.note([token.id, new_id()])
    here.write()
    token.refresh_from_db()
    first = token.last_used_at
    there.write()
    token.refresh_from_db()
    assert token.last_used_at == first


def test_a_refused_token_is_not_used(ada, bot):
    token = ApiToken.objects.get().id
    ada.delete(f"bots/{bot.id}/tokens/{token}/")
    bot.get("users/me/")
    token_uses.write()
    assert ApiToken.objects.get().last_used_at is None
