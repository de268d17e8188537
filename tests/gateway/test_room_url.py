"""The socket of one room alone."""

from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import OperationalError

from gateway import socket_rooms
from tests.client.socket import Closed, Refused
from tests.daphne_server import seen
from tests.gateway.test_frames import ODD_ROOMS
from tests.gateway.test_subscribe import kinds, say, seqs
from tests.gateway.wire import Wire


async def test_after_welcome_it_is_subscribed_and_speaks_the_same_protocol(ada, bob, room, connect):
    socket = await connect(bob, room=room)
    begun = await socket.find("subscribed")
    assert begun.frame == {"type": "subscribed", "rooms": [{"room": room, "seq": 3, "resync": None}]}
    assert [r.frame["type"] for r in socket.frames] == ["welcome", "subscribed"]
    await say(ada, room, 1)
    sent = await socket.request("message.send", room=room, client_id="1", body="hi")
    assert sent["message"]["seq"] == 5
    assert (await socket.request("read", room=room, seq=5))["last_read_seq"] == 5
    await socket.request("ping")
    await socket.find(lambda frame: frame.get("seq") == 5)
    assert seqs(socket, room) == [4, 5]


async def test_its_query_says_from_where(ada, room, connect):
    await say(ada, room, 2)
    epoch = (await ada.events(room))["epoch"]
    for since, word, resync, expected in (
        (2, None, None, [3, 4, 5]),
        (0, epoch, None, [1, 2, 3, 4, 5]),
        (5, epoch, None, []),
        (2, "another", "epoch", []),
        (6, None, "ahead", []),
        (2**63 - 1, None, "ahead", []),
        (None, "another", None, []),
    ):
        socket = await connect(ada, room=room, since=since, epoch=word)
        begun = await socket.find("subscribed")
        assert begun.frame["rooms"] == [{"room": room, "seq": 5, "resync": resync}], (since, word)
        if expected:
            await socket.find(lambda frame: frame.get("seq") == 5)
        await socket.request("ping")
        assert seqs(socket, room) == expected
        await socket.close()


@pytest.mark.parametrize("auth", ["header", "frame"])
async def test_a_since_that_is_no_seq_is_told_and_read_as_none(auth, ada, room, connect, server):
    token = ada.access if auth == "header" else None
    for text in (
        "-1",
        "1.5",
        "1e5",
        "x",
        "true",
        "+1",
        "٣",
        str(2**63),
        str(10**30),
        "0" * 5_000,
        "9" * 5_000,
    ):
        async with await Wire.open(f"{server.ws}rooms/{room}/?since={text}", token) as wire:
            if auth == "frame":
                await wire.send({"type": "auth", "token": ada.access})
            frames = [await wire.next() for _ in range(3)]
            assert [frame["type"] for frame in frames] == ["welcome", "error", "subscribed"], text[:40]
            assert (frames[1]["code"], frames[1]["errors"][0]["attr"]) == ("invalid", "since")
            assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}


async def test_other_rooms_and_subscriptions_are_invalid_there(ada, room, connect):
    other = (await ada.create_room())["id"]
    socket = await connect(ada, room=room)
    for frame in (
        {"kind": "subscribe", "rooms": "all"},
        {"kind": "subscribe", "rooms": [{"room": room}]},
        {"kind": "subscribe", "rooms": [{"room": other}]},
        {"kind": "subscribe", "rooms": []},
        {"kind": "unsubscribe", "rooms": [room]},
        {"kind": "unsubscribe", "rooms": []},
        {"kind": "message.send", "room": other, "client_id": "1", "body": "hi"},
        {"kind": "message.send", "room": "nonsense", "client_id": "1", "body": "hi"},
        {"kind": "read", "room": other, "seq": 1},
    ):
        with pytest.raises(Refused) as refused:
            await socket.request(**frame)
        assert refused.value.code == "invalid", frame
    await say(ada, other, 1)
    await say(ada, room, 1)
    await socket.find("message.created")
    assert {event["room"] for event in socket.events()} == {room}


async def test_who_is_not_a_member_is_closed_with_4403_or_4404(ada, eve, room, connect, server):
    public = (await ada.create_room("public"))["id"]
    for target, code, why in (
        (public, 4403, "not_a_member"),
        (room, 4404, "not_found"),
        (str(uuid4()), 4404, "not_found"),
        ("nonsense", 4404, "not_found"),
    ):
        for auth in ("header", "frame"):
            socket = await connect(eve, room=target, auth=auth)  # welcome comes first
            ending = await socket.wait_closed()
            assert (ending.code, ending.why) == (code, why), target
    assert [r.frame["type"] for r in socket.frames] == ["ack", "welcome", "error"]


async def test_no_text_in_the_url_is_a_room(server, ada):
    for text in ODD_ROOMS:
        if text in ("", ".", "..") or "/" in text or "\n" in text:
            continue  # another URL, or a client's library refuses it: tested in test_connecting.py
        async with await Wire.open(f"{server.ws}rooms/{quote(text, safe='')}/", ada.access) as wire:
            frames, code = await wire.ends()
        assert (code, [f["type"] for f in frames], frames[-1]["code"]) == (
            4404,
            ["welcome", "error"],
            "not_found",
        ), text


async def test_its_query_is_read_as_urls_are(server, ada, room):
    async with await Wire.open(f"{server.ws}rooms/{room}/?x=%26&%73ince=%31&since", ada.access) as wire:
        assert [(await wire.next())["type"] for _ in range(2)] == ["welcome", "subscribed"]
        assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}  # empty: none
    async with await Wire.open(f"{server.ws}rooms/{room}/?x=%26since&%73ince=%31", ada.access) as wire:
        assert [(await wire.next())["type"] for _ in range(2)] == ["welcome", "subscribed"]
        assert (await wire.next())["seq"] == 2


@pytest.mark.parametrize("auth", ["header", "frame"])
async def test_a_database_that_fails_just_then_closes_with_1011(auth, ada, room, server, monkeypatch):
    def fail(**query):
        raise OperationalError("gone")

    monkeypatch.setattr(socket_rooms, "places", fail)
    async with await Wire.open(f"{server.ws}rooms/{room}/", ada.access if auth == "header" else None) as wire:
        if auth == "frame":
            await wire.send({"type": "auth", "id": 1, "token": ada.access})
        frames, code = await wire.ends()
    expected = [("welcome", None), ("error", None)]
    assert [(frame["type"], frame.get("id")) for frame in frames] == (
        expected if auth == "header" else [("ack", 1), *expected]
    )
    assert (frames[-1]["code"], code) == ("unavailable", seen(1011))


@pytest.mark.parametrize("reason", ["removed", "left", "banned"])
async def test_who_is_out_is_unsubscribed_and_closed_with_4403(reason, ada, bob, room, connect):
    socket = await connect(bob, room=room)
    await socket.find("subscribed")
    if reason == "removed":
        await ada.remove_member(room, bob.user_id)
    elif reason == "banned":
        await ada.ban(room, bob.user_id)
    else:
        await bob.leave(room)
    ending = await socket.wait_closed()
    assert (ending.code, ending.why) == (4403, "not_a_member")
    assert kinds(socket) == ["welcome", "subscribed", "member.left", "unsubscribed", "error"]
    assert (await socket.find("unsubscribed")).frame["reason"] == reason
    with pytest.raises(Closed, match="4404"):
        raise Closed(await (await connect(bob, room=room)).wait_closed())
