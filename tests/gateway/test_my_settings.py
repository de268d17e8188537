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
