"""`notice`: what concerns one person, on every socket of theirs, whatever it is subscribed to."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from common import clock
from tests.gateway.test_renewal import token_for  # noqa: F401  a fixture
from tests.gateway.wire import Wire


def notices(socket):
    """The notices so far, in the order they came: kind and data."""
    return [(r.frame["notice"], r.frame["data"]) for r in socket.frames if r.frame["type"] == "notice"]


def left_s(expires_at):
    return (datetime.fromisoformat(expires_at) - clock.now()).total_seconds()


async def test_before_its_token_expires_a_socket_is_told_and_again_after_it_has_renewed(
    settings, server, token_for  # noqa: F811
):  # fmt: skip
    settings.EXPIRY_NOTICE_S = 100
    async with await Wire.open(server.ws, token_for(102)) as wire, await Wire.open(server.ws) as by_frame:
        await by_frame.send({"type": "auth", "token": token_for(102)})
        for each in (wire, by_frame):
            welcome = await each.next()
            assert await each.next() == {
                "type": "notice",
                "notice": "session.expiring",
                "data": {"expires_at": welcome["expires_at"]},
            }
            assert 98 < left_s(welcome["expires_at"]) < 100.1
        ack = await wire.ask({"type": "auth", "id": 1, "token": token_for(102)})
        again = await wire.next()
        assert again["data"] == {"expires_at": ack["data"]["expires_at"]}
        assert 98 < left_s(ack["data"]["expires_at"]) < 100.1


async def test_of_a_renewal_in_time_it_is_not_told(settings, server, token_for):  # noqa: F811
    settings.EXPIRY_NOTICE_S = 100
    async with await Wire.open(server.ws, token_for(101)) as wire:
        await wire.next()
        await wire.ask({"type": "auth", "id": 1, "token": token_for(600)})
        async with await Wire.open(server.ws, token_for(101)) as other:
            await other.skip_to("notice")
        assert await wire.ask({"type": "ping", "id": 2}) == {"type": "pong", "id": 2}


async def test_where_less_is_left_it_is_told_at_half_of_it(server, token_for):  # noqa: F811
    """Not at once: a client that renews when told would renew without a pause where tokens live so short."""
    async with await Wire.open(server.ws, token_for(3)) as wire:
        expires_at = (await wire.next())["expires_at"]
        left_then = left_s(expires_at)
        await wire.skip_to("notice")
        assert left_then * 0.3 < left_s(expires_at) < left_then * 0.51


@pytest.mark.parametrize("renewed", [False, True])
async def test_after_the_notice_the_socket_expires_or_lives_on(settings, server, token_for, renewed):  # noqa: F811
    async with await Wire.open(server.ws, token_for(2)) as wire:
        await wire.skip_to("notice", notice="session.expiring")
        if renewed:
            await wire.ask({"type": "auth", "id": 1, "token": token_for(600)})
            async with await Wire.open(server.ws, token_for(1)) as other:
                await other.ends()
            assert await wire.ask({"type": "ping", "id": 2}) == {"type": "pong", "id": 2}
        else:
            frames, code = await wire.ends()
            assert (code, [frame["code"] for frame in frames]) == (4401, ["token_expired"])


async def test_a_bot_is_told_that_its_token_ends_whatever_its_scopes(settings, server, ada):
    settings.EXPIRY_NOTICE_S = 100
    bot = await ada.call("POST", "bots/", {"username": "mill-bot"})
    for scopes in (["messages:write"], ["rooms:read", "messages:read"]):
        ends_at = (clock.now() + timedelta(seconds=100.5)).isoformat()
        issued = await ada.call(
            "POST", f"bots/{bot['id']}/tokens/", {"scopes": scopes, "expires_at": ends_at}
        )
        async with await Wire.open(server.ws, issued["token"]) as wire:
            expires_at = (await wire.next())["expires_at"]
            assert (await wire.next())["data"] == {"expires_at": expires_at}


async def test_none_comes_before_welcome(server, ada, connect, monkeypatch):
    """Nor where one is told while the bus has yet to confirm the first socket of a person."""
    hub, told = server.runtime().hub, []
    real = hub.bus.join

    async def join(group):
        await real(group)
        for connection in hub._people[UUID(ada.user_id)]:
            told.append(connection)
            connection.notice("{}")

    monkeypatch.setattr(hub.bus, "join", join)
    socket = await connect(ada)
    await socket.request("ping")
    assert [r.frame["type"] for r in socket.frames] == ["welcome", "pong"]
    assert len(told) == 1
