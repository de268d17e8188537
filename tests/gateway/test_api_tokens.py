"""A bot on the socket, by its API token: in, as far as its scopes go, and out at once when it is over."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction

from accounts.api_tokens import new_token
from accounts.disabling import disable_user
from accounts.models import ApiToken, User
from common import clock
from realtime.protocol import SessionExpiring
from realtime.publish import notify_on_commit
from tests.client.rest import Rest
from tests.client.socket import Refused
from tests.gateway.test_subscribe import subscribe
from tests.gateway.waiting import in_database
from tests.gateway.wire import Wire

AT_ONCE_S = 1.0  # docs/protocol.md: within a second
SCOPES = ["rooms:read", "rooms:write", "messages:read", "messages:write"]


@pytest.fixture
async def bot(ada):
    """A bot of ada's, in no room; its calls are `bot()`'s, one for every token."""
    made = await ada.call("POST", "bots/", {"username": "mill-bot"})
    opened: list[Rest] = []

    async def with_token(*scopes, **fields):
        body = {"scopes": list(scopes or SCOPES), **fields}
        issued = await ada.call("POST", f"bots/{made['id']}/tokens/", body)
        rest = Rest(ada.base_url)
        opened.append(rest)
        rest.access, rest.user, rest.token_id = issued["token"], made, issued["id"]
        return rest

    with_token.id = made["id"]
    yield with_token
    for rest in opened:
        await rest.close()


def path_of(bot, rest):
    return f"bots/{bot.id}/tokens/{rest.token_id}/"


async def code_of(socket, kind, fields):
    """The code of the error; None for an ack."""
    try:
        await socket.request(kind, **fields)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("auth", ["header", "subprotocol", "frame"])
async def test_it_comes_in_like_anybody_without_a_session(bot, connect, auth):
    socket = await connect(await bot(), auth=auth)
    assert (socket.welcome["user"]["id"], socket.welcome["user"]["is_bot"]) == (bot.id, True)
    assert (socket.welcome["session"], socket.welcome["expires_at"]) == (None, None)
    again = await bot()
    data = await socket.request("auth", token=again.access)
    assert data == {"user": socket.welcome["user"], "session": None, "expires_at": None}


async def test_it_sends_and_hears_what_people_do(ada, bot, room, connect):
    rest = await bot()
    await ada.add_member(room, bot.id)
    socket, hers = await connect(rest), await connect(ada)
    await subscribe(hers, room)
    [place] = (await socket.request("subscribe", rooms="all", since={room: 0}))["rooms"]
    assert place["seq"] == 4
    sent = await socket.request("message.send", room=room, client_id="1", body="It stands still.")
    assert sent["message"]["author"]["is_bot"] is True
    assert (await hers.find("message.created")).frame["data"]["message"]["id"] == sent["message"]["id"]
    await ada.send(room, "2", "Oil it.")
    await socket.find(lambda frame: frame.get("seq") == 6)
    assert [event["seq"] for event in socket.events()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        ("unknown", ("token_invalid", 4401)),
        ("torn", ("token_invalid", 4401)),
        ("revoked", ("session_ended", 4403)),
        ("expired", ("token_expired", 4401)),
        ("deleted", ("user_disabled", 4403)),
        ("owner", ("user_disabled", 4403)),
    ],
)
async def test_whoever_may_not_come_in_is_told_why(server, ada, bot, spoil, expected):
    rest = await bot()
    token = {"unknown": new_token(), "torn": rest.access[:-1]}.get(spoil, rest.access)
    if spoil == "revoked":
        await ada.call("DELETE", path_of(bot, rest))
    if spoil == "deleted":
        await ada.call("DELETE", f"bots/{bot.id}/")

    def spoilt():
        if spoil == "expired":
            ApiToken.objects.update(expires_at=clock.now())
        if spoil == "owner":
            User.objects.filter(pk=ada.user_id).update(is_active=False)

    await in_database(spoilt)
    for how in ({"token": token}, {"offers": ["parley.v1", f"bearer.{token}"]}):
        async with await Wire.open(server.ws, **how) as wire:
            [error], code = await wire.ends()
            assert (error["code"], code) == expected
    async with await Wire.open(server.ws) as wire:
        await wire.send({"type": "auth", "id": 1, "token": token})
        frames, code = await wire.ends()
        assert ([frame["id"] for frame in frames], frames[-1]["code"], code) == ([1, None], *expected)


async def test_revoking_closes_the_sockets_of_that_token_at_once_and_no_others(ada, bot, connect):
    rest, other = await bot(), await bot()
    own = [await connect(rest), await connect(rest, auth="frame")]
    others = [await connect(other), await connect(ada)]
    began = time.monotonic()
    await ada.call("DELETE", path_of(bot, rest))
    for socket in own:
        ending = await socket.wait_closed()
        assert (ending.code, ending.why) == (4403, "session_ended")
    assert time.monotonic() - began < AT_ONCE_S
    for socket in others:
        await socket.request("ping")


async def test_deleting_the_bot_closes_all_its_sockets_at_once(ada, bot, connect):
    sockets = [await connect(await bot()), await connect(await bot("rooms:read"))]
    hers = await connect(ada)
    began = time.monotonic()
    await ada.call("DELETE", f"bots/{bot.id}/")
    for socket in sockets:
        ending = await socket.wait_closed()
        assert (ending.code, ending.why) == (4403, "user_disabled")
    assert time.monotonic() - began < AT_ONCE_S
    await hers.request("ping")


async def test_disabling_the_owner_closes_the_bots_sockets_at_once(ada, bot, connect):
    socket = await connect(await bot())
    began = time.monotonic()
    await in_database(lambda: disable_user(user_id=UUID(ada.user_id)))
    ending = await socket.wait_closed()
    assert (ending.code, ending.why) == (4403, "user_disabled")
    assert time.monotonic() - began < AT_ONCE_S


async def test_what_the_bus_did_not_say_the_check_finds(server, ada, bot, connect):
    """A token revoked, and then the owner disabled."""
    revoked, stays = await bot(), await bot()
    first, second = await connect(revoked), await connect(stays)
    await in_database(lambda: ApiToken.objects.filter(pk=revoked.token_id).update(revoked_at=clock.now()))
    server.call(server.runtime().hub.check())
    ending = await first.wait_closed()
    assert (ending.code, ending.why) == (4403, "session_ended")
    await second.request("ping")
    await in_database(lambda: User.objects.filter(pk=ada.user_id).update(is_active=False))
    server.call(server.runtime().hub.check())
    ending = await second.wait_closed()
    assert (ending.code, ending.why) == (4403, "user_disabled")


async def test_a_token_that_expires_closes_its_socket(bot, connect):
    until_then = clock.now() + timedelta(seconds=1)
    socket = await connect(await bot(expires_at=until_then.isoformat()))
    renewed = await connect(await bot(expires_at=until_then.isoformat()))
    assert socket.welcome["expires_at"] is not None
    await renewed.request("auth", token=(await bot()).access)
    ending = await socket.wait_closed()
    assert (ending.code, ending.why) == (4401, "token_expired")
    assert clock.now() >= until_then - timedelta(milliseconds=5)  # the loop's timers count whole ones
    await renewed.request("ping")


async def test_without_the_scope_a_frame_is_an_error_and_the_socket_lives(ada, bot, room, connect):
    await ada.add_member(room, bot.id)
    refused = {
        "messages:read": ["message.send"],
        "messages:write": ["subscribe", "unsubscribe", "read"],
        "rooms:read": ["message.send", "subscribe", "unsubscribe", "read"],
    }
    frames = {
        "message.send": {"room": room, "client_id": "1", "body": "hi"},
        "subscribe": {"rooms": [{"room": room}]},
        "unsubscribe": {"rooms": [room]},
        "read": {"room": room, "seq": 1},
    }
    for scope, kinds in refused.items():
        socket = await connect(await bot(scope))
        for kind, fields in frames.items():
            assert await code_of(socket, kind, fields) == ("scope_missing" if kind in kinds else None), kind
        await socket.request("ping")


async def test_the_url_of_a_room_needs_the_scope_to_read(server, ada, bot, room, connect):
    await ada.add_member(room, bot.id)
    reader = await connect(await bot("messages:read"), room=room)
    await reader.find("subscribed")
    async with await Wire.open(f"{server.ws}rooms/{room}/", (await bot("messages:write")).access) as wire:
        frames, code = await wire.ends()
        assert [frame["type"] for frame in frames] == ["welcome", "error"]
        assert (frames[-1]["code"], code) == ("scope_missing", 4403)


async def test_a_renewal_with_a_scope_less_is_refused_and_the_socket_stays_as_it_was(ada, bot, room, connect):
    await ada.add_member(room, bot.id)
    socket = await connect(await bot("messages:read", "rooms:read"))
    await subscribe(socket, room)
    less, more = await bot("messages:write", "rooms:read"), await bot()
    with pytest.raises(Refused, match="scope_missing"):
        await socket.request("auth", token=less.access)
    await ada.call("DELETE", path_of(bot, less))
    await ada.send(room, "1", "hi")
    await socket.find("message.created")
    await socket.request("auth", token=more.access)
    await socket.request("message.send", room=room, client_id="1", body="hi")
    await ada.call("DELETE", path_of(bot, more))
    assert (await socket.wait_closed()).why == "session_ended"


async def test_notices_come_to_tokens_that_may_read_both_rooms_and_messages(bot, connect):
    sockets = [
        await connect(await bot(*scopes)) for scopes in (SCOPES[:1], SCOPES[2:3], [SCOPES[0], SCOPES[2]])
    ]

    def notify():
        with transaction.atomic():
            notify_on_commit([UUID(bot.id)], SessionExpiring(clock.now()))

    await in_database(notify)
    await sockets[2].find("notice")
    for socket in sockets[:2]:
        await socket.request("ping")
        assert "notice" not in [received.frame["type"] for received in socket.frames]


async def test_nothing_of_a_person_can_be_done_with_a_bots_token(ada, bot):
    """What the matrix of tests/contract says, over a real server once."""
    rest = await bot()
    for method, path in (("GET", "bots/"), ("POST", "auth/logout/"), ("GET", f"bots/{bot.id}/tokens/")):
        with pytest.raises(Exception, match="403 forbidden"):
            await rest.call(method, path)


async def test_when_it_was_last_used_is_known_soon_and_while_its_socket_is_open(
    server, ada, bot, connect, turned
):
    rest, listens = await bot(), await bot()

    async def last_used(token):
        found = (await ada.call("GET", f"bots/{bot.id}/tokens/"))["results"]
        return next(each["last_used_at"] for each in found if each["id"] == token.token_id)

    async def becomes(token, after):
        async with asyncio.timeout(5):
            while True:
                used = await last_used(token)
                if used is not None and (after is None or used > after):
                    return used

    assert await last_used(rest) is None
    await rest.call("GET", "users/me/")
    await becomes(rest, None)
    socket = await connect(listens)
    first = await becomes(listens, None)
    turned.turn(60)
    server.call(server.runtime().hub.check())
    await becomes(listens, first)
    await socket.close()
