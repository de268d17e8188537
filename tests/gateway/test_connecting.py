"""How a socket begins: its URLs, its credentials, the subprotocol, and the time to authenticate."""

import time

import httpx
import pytest
from uvicorn.protocols.utils import ClientDisconnected
from websockets.exceptions import InvalidStatus

from backend.asgi import application
from tests.gateway.wire import Wire


@pytest.mark.parametrize("auth", ["header", "subprotocol", "frame"])
async def test_each_way_to_authenticate_leads_to_welcome_on_both_urls(auth, ada, room, connect):
    for url in (None, room):
        socket = await connect(ada, auth=auth, room=url)
        assert socket.welcome["user"]["id"] == ada.user_id
        kinds = [received.frame["type"] for received in socket.frames[:2]]
        assert kinds[0] == ("ack" if auth == "frame" else "welcome")
        if auth == "frame":
            assert kinds[1] == "welcome"


async def test_the_ack_of_auth_says_who_and_until_when(server, ada):
    async with await Wire.open(server.ws) as wire:
        ack = await wire.ask({"type": "auth", "id": 1, "token": ada.access})
        welcome = await wire.next()
    assert ack["id"] == 1
    assert ack["data"] == {name: welcome[name] for name in ("user", "session", "expires_at")}


async def test_only_parley_v1_is_ever_selected(server, ada):
    bearer = f"bearer.{ada.access}"
    for offers, selected in (
        (["parley.v1", bearer], "parley.v1"),
        ([bearer, "parley.v1"], "parley.v1"),
        (["chat", "parley.v1", bearer, "parley.v2"], "parley.v1"),
        ([bearer], None),
        (["parley.v2", bearer], None),
    ):
        async with await Wire.open(server.ws, offers=offers) as wire:
            assert wire.connection.subprotocol == selected
            assert (await wire.next())["type"] == "welcome"


async def test_who_offers_no_subprotocol_is_served_the_same(server, ada):
    async with await Wire.open(server.ws, ada.access, offers=[]) as wire:
        assert wire.connection.subprotocol is None
        assert (await wire.next())["type"] == "welcome"
        assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}


async def test_no_credential_in_a_url_or_cookie_is_read(settings, server, ada):
    settings.AUTH_TIMEOUT_S = 0.2
    names = ("token", "access_token", "access", "bearer", "jwt", "auth", "authorization", "Authorization")
    query = "&".join(f"{name}={ada.access}" for name in names)
    cookie = "; ".join(f"{name}={ada.access}" for name in (*names, "sessionid"))
    async with await Wire.open(f"{server.ws}?{query}", headers={"Cookie": cookie}) as wire:
        frames, code = await wire.ends()
    assert (code, [frame["code"] for frame in frames]) == (4401, ["auth_timeout"])


async def test_a_wrong_header_is_not_mended_by_a_good_subprotocol(server, ada):
    for header in ("Bearer nonsense", "Bearer", "Bearer ", "bearer  x"):
        async with await Wire.open(
            server.ws, offers=["parley.v1", f"bearer.{ada.access}"], headers={"Authorization": header}
        ) as wire:
            frames, code = await wire.ends()
        assert (code, [frame["code"] for frame in frames]) == (4401, ["token_invalid"]), header


async def test_a_header_of_another_scheme_is_no_credential_of_ours(server, ada):
    """Browsers add one by themselves where a proxy asked for a password."""
    for header in ("Basic YTpi", f"Basic {ada.access}", ada.access, "", "Bearers x"):
        headers = {"Authorization": header}
        offers = ["parley.v1", f"bearer.{ada.access}"]
        async with await Wire.open(server.ws, offers=offers, headers=headers) as wire:
            assert (await wire.next())["type"] == "welcome", header
        async with await Wire.open(server.ws, headers=headers) as wire:
            assert (await wire.ask({"type": "auth", "id": 1, "token": ada.access}))["type"] == "ack", header


async def test_a_good_header_is_not_spoiled_by_a_bad_subprotocol(server, ada):
    async with await Wire.open(server.ws, ada.access, offers=["parley.v1", "bearer.nonsense"]) as wire:
        assert (await wire.next())["type"] == "welcome"


async def test_an_empty_bearer_subprotocol_is_a_refused_credential(server):
    async with await Wire.open(server.ws, offers=["parley.v1", "bearer."]) as wire:
        frames, code = await wire.ends()
    assert (code, [frame["code"] for frame in frames]) == (4401, ["token_invalid"])


async def test_without_auth_the_socket_closes_in_time_whatever_else_it_says(settings, server):
    settings.AUTH_TIMEOUT_S = 0.5
    began = time.monotonic()
    async with await Wire.open(server.ws) as wire:
        await wire.send({"type": "ping", "id": 1})
        await wire.send({"type": "read", "id": 2, "room": "x", "seq": 1})
        frames, code = await wire.ends()
    assert 0.4 < time.monotonic() - began < 3
    assert code == 4401
    assert [frame["type"] for frame in frames] == ["pong", "error", "error"]
    assert frames[-1]["id"] is None
    assert frames[-1]["code"] == "auth_timeout"


async def test_the_time_to_authenticate_is_over_once_one_has(settings, server, ada):
    settings.AUTH_TIMEOUT_S = 0.4
    async with await Wire.open(server.ws) as late, await Wire.open(server.ws) as wire:
        await wire.send({"type": "auth", "token": ada.access})
        assert (await late.ends())[1] == 4401
        assert (await wire.next())["type"] == "welcome"
        assert await wire.ask({"type": "ping"}) == {"type": "pong", "id": None}


async def test_frames_before_auth_are_refused_and_the_socket_lives_on(server, ada, room):
    async with await Wire.open(server.ws) as wire:
        for frame in (
            {"type": "subscribe", "id": "a", "rooms": "all"},
            {"type": "subscribe", "id": "b", "rooms": [{"room": room}]},
            {"type": "unsubscribe", "id": "c", "rooms": [room]},
            {"type": "message.send", "id": "d", "room": room, "client_id": "1", "body": "hi"},
            {"type": "read", "id": "e", "room": room, "seq": 1},
        ):
            answer = await wire.ask(frame)
            assert (answer["type"], answer["id"], answer["code"]) == (
                "error",
                frame["id"],
                "not_authenticated",
            )
        assert (await wire.ask({"type": "auth", "token": ada.access}))["type"] == "welcome"
        ack = await wire.ask({"type": "subscribe", "id": "f", "rooms": [{"room": room}]})
        assert ack["data"]["rooms"][0]["seq"] == 3  # nothing of the above was done


async def test_what_is_sent_together_with_auth_waits_for_it(server, ada, room):
    async with await Wire.open(server.ws) as wire:
        await wire.send({"type": "auth", "id": 1, "token": ada.access})
        await wire.send({"type": "subscribe", "id": 2, "rooms": [{"room": room}]})
        await wire.send({"type": "message.send", "id": 3, "room": room, "client_id": "1", "body": "hi"})
        frames = [await wire.next() for _ in range(5)]
    assert [frame["type"] for frame in frames[:3]] == ["ack", "welcome", "ack"]
    assert {frame["type"] for frame in frames[3:]} == {"ack", "message.created"}


async def test_a_malformed_first_auth_may_be_tried_again(server, ada):
    async with await Wire.open(server.ws) as wire:
        answer = await wire.ask({"type": "auth", "id": 1})
        assert (answer["code"], answer["errors"][0]["attr"]) == ("invalid", "token")
        assert (await wire.ask({"type": "auth", "id": 2, "token": ada.access}))["type"] == "ack"


async def test_no_socket_lives_elsewhere(server, ada):
    for path in ("", "ws/", "ws/v2/", "ws/v1", "ws/v1/rooms/", "ws/v1/x/", "api/v1/rooms/"):
        with pytest.raises(InvalidStatus) as refused:
            await Wire.open(server.ws.removesuffix("ws/v1/") + path, ada.access)
        assert refused.value.response.status_code == 403, path


async def test_who_leaves_before_the_handshake_ends_is_no_failure(server, ada):
    events = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}])

    async def receive():
        return next(events)

    async def send(message):
        raise ClientDisconnected

    scope = {
        "type": "websocket",
        "path": "/ws/v1/",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {ada.access}".encode())],
        "subprotocols": [],
    }
    server.call(application(scope, receive, send))
    assert next(events, None) is None
    assert not server.runtime().hub._people


async def test_nothing_tells_what_serves(server, ada):
    """Neither a handshake nor an answer beside it (FAULTS B37)."""
    async with await Wire.open(server.ws, ada.access) as wire:
        assert "Server" not in wire.connection.response.headers
    async with httpx.AsyncClient(trust_env=False) as client:
        for path in ("/healthz", "/ws/v1/", "/api/v1/users/me/"):
            answer = await client.get(server.http + path)
            assert not answer.headers.keys() & {"server", "x-powered-by"}, path
