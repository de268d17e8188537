"""What a bot may not do where its owner may not: limits count on the owner, bans and blocks of theirs hold for it."""

from datetime import timedelta
from uuid import UUID

import pytest

from common.errors import Muted, RateLimited
from messaging.services import send_messages
from rooms.selectors import standing
from tests.api import path_of
from tests.bots import make_bot
from tests.filling import draft
from tests.messaging.people import block


@pytest.fixture
def bots(bob):
    """Two of bob's."""
    return [make_bot(bob, f"bobs-{number}") for number in (1, 2)]


def test_a_person_and_their_bots_send_as_often_as_one_person(ada, bob, bots, narrow, turned):
    narrow(SENDS_BURST=3, SENDS_PER_S=1)
    room = ada.room(bob, *bots)
    drafts = [draft(person, room) for person in (bots[0], bots[1], bob, bots[0], bob, ada)]
    sent = [getattr(result, "code", "sent") for result in send_messages(drafts)]
    assert sent == ["sent"] * 3 + ["rate_limited"] * 2 + ["sent"]
    turned.turn(1)
    assert bots[1].post(f"rooms/{room}/messages/", {"client_id": "x", "body": "hi"}).status == 201
    assert bob.post(f"rooms/{room}/messages/", {"client_id": "x", "body": "hi"}).code == "rate_limited"


def test_edits_searches_and_joins_count_on_the_owner_too(ada, bob, bots, narrow, turned):
    narrow(SENDS_BURST=4, SEARCHES_BURST=2, JOINS_PER_ROOM_PER_HOUR=2)
    room = ada.room(kind="public")
    assert [each.post(f"rooms/{room}/join/").code for each in (*bots, bob)] == [None, None, "rate_limited"]
    messages = [bot.send(room) for bot in bots]
    for bot, message in zip(bots, messages, strict=True):
        bot.edit(message, "x")
    path = f"rooms/{room}/messages/{messages[0]['id']}/"
    assert bots[0].call("PATCH", path, {"body": "y"}).code == "rate_limited"
    searches = [(bots[0], "rooms/public/?search=a"), (bots[1], "users/?search=a"), (bob, "users/?search=a")]
    assert [each.get(path).code for each, path in searches] == [None, None, "rate_limited"]


# --- bans ---------------------------------------------------------------------------------------


def test_who_is_banned_is_out_with_their_bots_in_the_same_breath(ada, bob, eve, bots):
    hers = make_bot(eve, "eves")
    room = ada.room(bob, eve, hers, *bots, kind="public")
    head = ada.see(f"rooms/{room}/")["last_seq"]
    ada.ban(room, bob)
    out = [(event["type"], event["data"]) for event in ada.events(room, since=head)]
    assert out == [("member.left", {"user": person.id, "reason": "banned"}) for person in (bob, *bots)]
    assert ada.see(f"rooms/{room}/")["member_count"] == 3
    assert bots[0].post(f"rooms/{room}/messages/", {"client_id": "x", "body": "hi"}).code == "not_a_member"


def test_a_ban_of_who_is_not_in_the_room_takes_their_bots_out_too(ada, bob, bots):
    room = ada.room(bots[0])
    ada.ban(room, bob)
    assert [event["data"].get("reason") for event in ada.events(room, since=3)] == ["banned"]


def test_a_bot_of_no_lower_role_stays_and_its_owner_is_banned_all_the_same(ada, bob, eve, bots):
    room = ada.room(bob, eve, bots[0])
    ada.update(room, eve, role="admin")
    ada.add(room, bots[1], role="admin")
    eve.ban(room, bob)
    assert {member["user"]["id"] for member in ada.see(f"rooms/{room}/members/")["results"]} == {
        ada.id, eve.id, bots[1].id,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["public", "private"])
def test_nobody_comes_in_as_a_bot_of_who_is_banned(ada, bob, bots, kind, turned):
    room = ada.room(kind=kind)
    ada.ban(room, bob, until=(turned.at + timedelta(minutes=1)).isoformat())
    later = make_bot(bob, "made-later")
    for bot in (*bots, later):
        assert bot.post(f"rooms/{room}/join/").code == ("banned" if kind == "public" else "not_found")
        answer = ada.post(f"rooms/{room}/members/", {"users": [ada.id, bot.id]})
        assert (answer.status, answer.code, answer.attrs) == (403, "banned", {"users.1"})
    turned.turn(61)
    ada.add(room, *bots)


def test_a_ban_of_a_bot_holds_for_it_alone(ada, bob, bots):
    room = ada.room(bob, *bots, kind="public")
    ada.ban(room, bots[0])
    assert bots[0].post(f"rooms/{room}/join/").code == "banned"
    bots[1].send(room)
    bob.leave(room)
    bob.join(room)


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_no_bot_decides_about_its_owner(ada, bob, eve, bots, role):
    """One of a higher role than whoever bans its owner stays in the room, and must not undo what befell them."""
    room = ada.room(bob, eve, kind="public")
    ada.add(room, bots[0], role=role)
    for fields in ({"role": "admin"}, {"muted_until": "2100-01-01T00:00:00Z"}):
        answer = bots[0].call("PATCH", f"rooms/{room}/members/{bob.id}/", fields)
        assert (answer.status, answer.code) == (403, "forbidden")
    assert bots[0].call("PUT", f"rooms/{room}/bans/{bob.id}/", {}).code == "forbidden"
    ada.update(room, bob, muted_until="2100-01-01T00:00:00Z")
    answer = bots[0].call("PATCH", f"rooms/{room}/members/{bob.id}/", {"muted_until": None})
    assert (answer.status, answer.code) == (403, "forbidden")
    ada.update(room, eve, role="admin")
    eve.ban(room, bob)
    assert bots[0].delete(f"rooms/{room}/bans/{bob.id}/").code == "forbidden"
    assert bob.post(f"rooms/{room}/join/").code == "banned"
    bots[0].ban(room, eve) if role == "owner" else ada.ban(room, eve)
    bots[0].lift(room, eve)


def test_bots_are_made_so_often_a_day_the_deleted_ones_counted(ada, bob, narrow, turned):
    """Else a new one comes in for each that is banned."""
    narrow(BOTS_PER_DAY=3)
    for number in range(3):
        bot = make_bot(bob, f"bot{number}")
        assert bob.delete(f"bots/{bot.id}/").status == 204
        turned.turn(60)
    answer = bob.post("bots/", {"username": "one-more"})
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert answer.body["retry_after"] == 86_400 - 180
    assert answer.headers["Retry-After"] == str(86_400 - 180)
    assert answer.headers["RateLimit"].endswith('"bots";r=0;t=86400')
    assert answer.headers["RateLimit-Policy"].endswith('"bots";q=3;w=86400')
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert ada.post("bots/", {"username": "hers"}).status == 201
    turned.turn(86_400 - 180)
    make_bot(bob, "one-more")
    with pytest.raises(RateLimited):
        make_bot(bob, "two-more")


# --- mutes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stays", [True, False])
def test_who_is_muted_does_not_speak_through_their_bots_there(ada, bob, eve, bots, turned, stays):
    hers = make_bot(eve, "eves")
    room, other = (ada.room(bob, hers, *bots) for _ in range(2))
    said = [bot.send(room, "first") for bot in bots]
    ada.update(room, bob, muted_until=(turned.at + timedelta(minutes=1)).isoformat())
    if not stays:
        bob.leave(room)
    for bot, message in zip(bots, said, strict=True):
        answer = bot.post(f"rooms/{room}/messages/", {"client_id": "x", "body": "hi"})
        assert (answer.status, answer.code) == (403, "muted")
        assert bot.call("PATCH", path_of(message), {"body": "x"}).code == "muted"
        with pytest.raises(Muted):
            standing(user_id=bot.user.id, room_id=UUID(room)).require_voice(turned.at)
        bot.send(other)
    hers.edit(hers.send(room), "x")
    ada.send(room)
    turned.turn(61)
    for bot, message in zip(bots, said, strict=True):
        assert bot.send(room)["author"]["id"] == bot.id
        bot.edit(message, "x")
        assert bot.see(f"rooms/{room}/")["me"]["muted_until"] is None


def test_a_mute_of_a_bot_holds_for_it_alone_and_the_later_of_the_two_counts(ada, bob, bots, turned):
    room = ada.room(bob, *bots)
    ada.update(room, bots[0], muted_until=(turned.at + timedelta(minutes=2)).isoformat())
    bob.send(room)
    bots[1].send(room)
    ada.update(room, bob, muted_until=(turned.at + timedelta(minutes=1)).isoformat())
    for _ in range(2):
        assert bots[0].post(f"rooms/{room}/messages/", {"client_id": "x", "body": "hi"}).code == "muted"
        assert standing(user_id=bots[0].user.id, room_id=UUID(room)).muted_until > turned.at
        turned.turn(61)
    bots[0].send(room)


# --- blocks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocker", ["ada", "bob"])
def test_while_a_bots_owner_and_another_block_each_other_so_do_the_bot_and_the_other(ada, bob, bots, blocker):
    room = ada.direct(bots[0])
    message = ada.send(room)
    assert not standing(user_id=ada.user.id, room_id=UUID(room)).blocked
    block(*((ada, bob) if blocker == "ada" else (bob, ada)))
    for one, other in ((ada, bots[1]), (bots[1], ada)):
        assert one.call("PUT", f"rooms/direct/{other.id}/").code == "blocked"
    for person in (ada, bots[0]):
        answer = person.post(f"rooms/{room}/messages/", {"client_id": "x", "body": "hi"})
        assert (answer.status, answer.code) == (403, "blocked")
        assert standing(user_id=person.user.id, room_id=UUID(room)).blocked
    assert ada.call("PATCH", f"rooms/{room}/messages/{message['id']}/", {"body": "x"}).code == "blocked"
    ada.see(f"rooms/{room}/messages/")


def test_a_mention_by_a_bot_of_who_is_blocked_is_silent(ada, bob, eve, bots):
    room = ada.room(bob, eve, *bots)
    block(ada, bob)
    assert bots[0].send(room, "@ada and @eve")["mentions"] == [ada.id, eve.id]
    assert [p.see(f"rooms/{room}/")["me"]["mention_count"] for p in (ada, eve)] == [0, 1]


def test_a_block_of_a_bot_holds_for_it_alone(ada, bob, bots):
    block(ada, bots[0])
    assert ada.call("PUT", f"rooms/direct/{bots[0].id}/").code == "blocked"
    for other in (bob, bots[1]):
        ada.send(ada.direct(other))


def test_two_bots_are_apart_while_one_of_their_owners_blocks_the_other(ada, bob, bots):
    hers = make_bot(ada, "adas")
    block(ada, bob)
    assert hers.call("PUT", f"rooms/direct/{bots[0].id}/").code == "blocked"
    assert bots[1].call("PUT", f"rooms/direct/{hers.id}/").code == "blocked"
