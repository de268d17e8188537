"""How long a socket stays authenticated: expiry, renewal by `auth`, and ended sessions."""

import time
from datetime import datetime

import pytest

from accounts.models import Session, User
from gateway.runtime import runtime
from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.socket import Refused
from tests.forged_tokens import signed
from tests.gateway.waiting import in_database
from tests.gateway.wire import Wire

AT_ONCE_S = 1.0  # docs/protocol.md: within a second


@pytest.fixture
async def token_for(ada):
    """`token_for(s)`: a good token of ada's session that expires in `s` whole seconds."""

    def find():
        session = Session.objects.select_related("user").get(user_id=ada.user_id)
        return session, session.user

    session, user = await in_database(find)
    return lambda seconds: signed(session, user, exp=int(time.time()) + seconds)


async def test_a_token_that_expires_closes_its_socket_unless_renewed_in_time(server, token_for, ada):
    soon = token_for(2)
    async with (
        await Wire.open(server.ws, soon) as forgotten,
        await Wire.open(server.ws, soon) as renewed,
        await Wire.open(server.ws, ada.access) as shortened,
        await Wire.open(server.ws) as by_frame,
    ):
        first = await renewed.next()
        ack = await renewed.ask({"type": "auth", "id": 1, "token": token_for(600)})
        assert ack["data"]["expires_at"] > first["expires_at"]
        assert ack["data"]["user"] == first["user"]
        await shortened.next()
        assert (await shortened.ask({"type": "auth", "id": 1, "token": soon}))["type"] == "ack"
        await by_frame.send({"type": "auth", "token": soon})
        for wire in (forgotten, shortened, by_frame):
            frames, code = await wire.ends()
            assert (code, frames[-1]["code"]) == (4401, "token_expired")
            assert frames[-1]["id"] is None
        assert time.time() >= datetime.fromisoformat(first["expires_at"]).timestamp()
        assert await renewed.ask({"type": "ping", "id": 2}) == {"type": "pong", "id": 2}


async def test_renewal_is_no_second_welcome_and_keeps_subscriptions(ada, room, connect):
    socket = await connect(ada)
    await socket.request("subscribe", rooms=[{"room": room}])
    await ada.refresh()
    await socket.request("auth", token=ada.access)
    await socket.request("message.send", room=room, client_id="1", body="hi")
    await socket.find("message.created")
    assert [r.frame["type"] for r in socket.frames].count("welcome") == 1


async def test_another_user_is_refused_and_the_socket_stays_whose_it_was(ada, bob, eve, room, connect):
    socket = await connect(ada)
    for token, code in ((bob.access, "forbidden"), (eve.access, "forbidden"), ("x", "token_invalid")):
        with pytest.raises(Refused) as refused:
            await socket.request("auth", token=token)
        assert refused.value.code == code
    sent = await socket.request("message.send", room=room, client_id="1", body="hi")
    assert sent["message"]["author"]["id"] == ada.user_id
    assert socket.ending is None


async def test_another_session_of_the_same_user_takes_the_socket_over(server, ada, connect):
    tablet = Rest(server.http)
    await tablet.log_in("ada", PASSWORD)
    socket = await connect(ada)
    data = await socket.request("auth", token=tablet.access)
    assert data["session"]["id"] != socket.welcome["session"]["id"]
    await ada.log_out()
    await socket.request("ping")
    began = time.monotonic()
    await tablet.log_out()
    ending = await socket.wait_closed()
    assert (ending.code, ending.why) == (4403, "session_ended")
    assert time.monotonic() - began < AT_ONCE_S
    await tablet.close()


async def test_logging_out_closes_that_sessions_sockets_at_once_and_no_others(
    server, ada, bob, room, connect
):
    tablet = Rest(server.http)
    await tablet.log_in("ada", PASSWORD)
    own = [await connect(ada), await connect(ada, auth="frame"), await connect(ada, room=room)]
    others = [await connect(tablet), await connect(bob)]
    began = time.monotonic()
    await ada.log_out()
    for socket in own:
        ending = await socket.wait_closed()
        assert (ending.code, ending.why) == (4403, "session_ended")
    assert time.monotonic() - began < AT_ONCE_S
    for socket in others:
        await socket.request("ping")
    await tablet.close()


async def test_a_reused_refresh_token_closes_the_sockets_of_its_session(settings, ada, connect):
    settings.REFRESH_GRACE_S = 0
    socket = await connect(ada)
    used = ada.refresh_token
    await ada.refresh()
    ada.refresh_token = used
    began = time.monotonic()
    with pytest.raises(Exception, match="401"):
        await ada.refresh()
    ending = await socket.wait_closed()
    assert (ending.code, ending.why) == (4403, "session_ended")
    assert time.monotonic() - began < AT_ONCE_S


@pytest.fixture
def first_check(settings, server):
    """`first_check()`: let the time pass to the check that a new socket has armed."""
    settings.HUB_FIRST_CHECK_S = 3_600

    async def now():
        hub = runtime().hub
        assert hub._young_timer is not None, "none is armed"
        hub._young_timer.cancel()
        hub._check_young()

    yield lambda: server.call(now())

    async def disarm():
        hub = runtime().hub
        if hub._young_timer is not None:
            hub._young_timer.cancel()
            hub._young_timer = None

    server.call(disarm())


async def test_what_came_before_the_bus_had_confirmed_a_new_socket_is_found_at_once(
    server, ada, bob, connect, first_check
):
    server.runtime().hub.bus._on_message = lambda message: None  # as if not confirmed yet
    socket = await connect(ada)
    await ada.log_out()
    first_check()
    assert (await socket.wait_closed()).code == 4403
    follower = await connect(bob)
    await follower.request("subscribe", rooms="all")
    room = (await bob.create_room())["id"]
    first_check()
    begun = await follower.find("subscribed")
    assert [place["room"] for place in begun.frame["rooms"]] == [room]


async def test_a_session_that_ends_while_it_takes_a_socket_over_is_found_at_once(
    server, ada, connect, first_check
):
    tablet = Rest(server.http)
    await tablet.log_in("ada", PASSWORD)
    socket = await connect(ada)
    first_check()
    server.runtime().hub.bus._on_message = lambda message: None  # told while it was the other session's
    await socket.request("auth", token=tablet.access)
    await tablet.log_out()
    first_check()
    assert (await socket.wait_closed()).why == "session_ended"
    await tablet.close()


async def test_what_the_bus_did_not_say_the_check_finds(server, ada, bob, connect):
    ended, disabled = await connect(ada), await connect(bob)

    def change():
        Session.objects.filter(user_id=ada.user_id).update(ended_at="2026-01-01T00:00Z")
        User.objects.filter(id=bob.user_id).update(is_active=False)

    await in_database(change)
    server.call(server.runtime().hub.check())
    for socket in (ended, disabled):
        assert (await socket.wait_closed()).code == 4403
