"""`room.me`: one's other devices learn of what one read and set."""

from tests.gateway.test_room_notices import notice
from tests.gateway.test_subscribe import say


async def patch(rest, room, **fields):
    return await rest.call("PATCH", f"rooms/{room}/me/", fields)


async def quiet(socket):
    """Whether nothing has come but what was asked for."""
    await socket.request("ping")
    return {r.frame["type"] for r in socket.frames} <= {"welcome", "ack", "pong"}


async def test_reading_tells_ones_own_devices_and_nobody_else(ada, bob, room, connect):
    await say(ada, room, 3)  # 4 … 6
    phone, laptop, hers = await connect(bob), await connect(bob), await connect(ada)
    for number, (read, by) in enumerate(((5, "rest"), (6, "socket"), (4, "force"))):
        start = len(laptop.frames)
        if by == "socket":
            await phone.request("read", room=room, seq=read)
        else:
            await bob.read(room, read, force=by == "force")
        told = await notice(laptop, "room.me", start)
        assert told == {"room_id": room, "me": (await bob.room(room))["me"]}, number
        assert (told["me"]["last_read_seq"], told["me"]["unread_count"]) == (read, 6 - read)
    await notice(phone, "room.me")
    assert await quiet(hers)


async def test_settings_tell_ones_own_devices(ada, bob, room, connect):
    direct = (await bob.direct_room(ada.user_id))["id"]
    socket, hers = await connect(bob), await connect(ada)
    for target, fields in (
        (room, {"notifications": "none"}),
        (room, {"favourite": True}),
        (direct, {"hidden": True}),
        (direct, {"hidden": False}),
    ):
        start = len(socket.frames)
        me = await patch(bob, target, **fields)
        assert fields.items() <= me.items()
        assert await notice(socket, "room.me", start) == {"room_id": target, "me": me}
    assert await quiet(hers)


async def test_what_changes_nothing_tells_nobody(ada, bob, room, connect):
    await say(ada, room, 2)
    direct = (await bob.direct_room(ada.user_id))["id"]
    await patch(bob, direct, hidden=True)
    socket = await connect(bob)
    await bob.read(room, 3)
    await bob.read(room, 2)
    await bob.read(room, 3, force=True)
    await patch(bob, room, notifications="all", favourite=False, hidden=False)
    await patch(bob, direct, hidden=True)
    await patch(bob, room)
    assert await quiet(socket)


async def test_sending_tells_ones_own_devices_that_the_read_position_moved(ada, bob, room, connect):
    direct = (await bob.direct_room(ada.user_id))["id"]
    await say(ada, room, 3)
    await say(ada, direct, 1)
    await patch(bob, room, notifications="mentions", favourite=True)
    await patch(bob, direct, hidden=True)
    phone, laptop, hers = await connect(bob), await connect(bob), await connect(ada)
    for target in (room, direct):
        for by in ("rest", "socket"):
            start = len(laptop.frames)
            if by == "socket":
                body = {"room": target, "client_id": "s", "body": "hi"}
                message = (await phone.request("message.send", **body))["message"]
            else:
                message, _ = await bob.send(target, "r", "hi")
            told = await notice(laptop, "room.me", start)
            assert told == {"room_id": target, "me": (await bob.room(target))["me"]}, (target, by)
            assert (told["me"]["last_read_seq"], told["me"]["unread_count"]) == (message["seq"], 0)
    await phone.request("ping")
    assert [r.frame["data"]["room_id"] for r in phone.frames if r.frame["type"] == "notice"] == [room, direct]
    start = len(laptop.frames)
    await bob.send(room, "r", "hi")  # once more: it moves nothing
    await laptop.request("ping")
    assert [r.frame["type"] for r in laptop.frames[start:]] == ["pong"]
    assert await quiet(hers)


async def test_a_hidden_room_that_is_opened_is_shown_again_on_every_device(ada, bob, connect):
    direct = (await bob.direct_room(ada.user_id))["id"]
    await patch(bob, direct, hidden=True)
    socket, hers = await connect(bob), await connect(ada)
    opened = await bob.direct_room(ada.user_id)
    assert (opened["id"], opened["me"]["hidden"]) == (direct, False)
    assert await notice(socket, "room.me") == {"room_id": direct, "me": opened["me"]}
    assert (await bob.room(direct))["me"] == opened["me"]
    start = len(socket.frames)
    await bob.direct_room(ada.user_id)
    await socket.request("ping")
    assert [r.frame["type"] for r in socket.frames[start:]] == ["pong"]
    await patch(bob, direct, hidden=True)
    await ada.direct_room(bob.user_id)  # it is mine that I hid
    assert (await bob.room(direct))["me"]["hidden"] is True
    assert await quiet(hers)
