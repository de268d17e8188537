"""A room is deleted under its readers: each gets the log to its end, then `unsubscribed`, whatever the bus does."""

import pytest

from gateway.runtime import runtime
from tests.gateway.test_subscribe import kinds, say, seqs, subscribe


async def ended(socket, room):
    """The `unsubscribed` of the room."""
    return (await socket.find(lambda f: f["type"] == "unsubscribed" and f["room"] == room)).frame


async def no_bus(server):
    """From now on the bus brings nothing."""

    async def cut():
        runtime().hub.bus._on_message = lambda message: None

    server.call(cut())


async def test_every_subscription_ends_with_the_last_event(ada, bob, room, connect):
    single, everything, owner = await connect(bob), await connect(bob), await connect(ada)
    await subscribe(single, room)
    await everything.request("subscribe", rooms="all")
    await subscribe(owner, room)
    await ada.delete_room(room)
    for socket in (single, everything, owner):
        assert await ended(socket, room) == {
            "type": "unsubscribed",
            "room": room,
            "reason": "room_deleted",
        }
        assert kinds(socket, 2) == ["room.deleted", "unsubscribed"]
        [event] = socket.events(room)
        assert event | {"at": 0} == {
            "type": "room.deleted", "room": room, "seq": 4, "at": 0, "actor": ada.user_id, "data": {},
        }  # fmt: skip
        assert await subscribe(socket, room, (room, 0)) == [{"room": room, "code": "not_found"}] * 2


async def test_whoever_is_behind_still_gets_all_of_it(settings, server, ada, bob, room, connect):
    """The log is read page by page as a slow reader takes it, long after the room is gone."""
    settings.REPLAY_PAGE_EVENTS = 2
    sender = await connect(ada)
    for answer in [
        await sender.ask("message.send", room=room, client_id=f"c{n}", body="x" * 4_000) for n in range(150)
    ]:
        await answer
    socket = await connect(bob, receive_buffer=4_096)
    gate = await socket.ask("subscribe", rooms=[{"room": room, "since": 0}])
    assert (await gate)["data"]["rooms"][0]["seq"] == 153
    await ada.delete_room(room)
    assert (await ended(socket, room))["reason"] == "room_deleted"
    assert seqs(socket, room) == list(range(1, 155))
    assert kinds(socket)[-2:] == ["room.deleted", "unsubscribed"]


async def test_without_the_bus_the_next_check_finds_the_end(server, ada, bob, room, connect):
    socket, everything = await connect(bob), await connect(bob)
    await subscribe(socket, room)
    await everything.request("subscribe", rooms="all")
    await no_bus(server)
    await say(ada, room, 3)
    await ada.delete_room(room)
    server.call(server.runtime().hub.check())
    for each in (socket, everything):
        assert (await ended(each, room))["reason"] == "room_deleted"
        assert seqs(each, room) == [4, 5, 6, 7]


@pytest.mark.parametrize("bus", ["whole", "silent"])
async def test_the_socket_of_that_room_closes_with_4404(server, ada, bob, room, connect, bus):
    socket = await connect(bob, room=room)
    await socket.find("subscribed")
    if bus == "silent":
        await no_bus(server)
    await ada.delete_room(room)
    server.call(server.runtime().hub.check())
    ending = await socket.wait_closed()
    assert (ending.code, ending.why) == (4404, "not_found")
    assert kinds(socket) == ["welcome", "subscribed", "room.deleted", "unsubscribed", "error"]
    again = await (await connect(bob, room=room)).wait_closed()
    assert (again.code, again.why) == (4404, "not_found")


async def test_a_deleted_public_room_looks_like_one_that_never_was(ada, bob, connect):
    room = (await ada.create_room("public", members=[bob.user_id]))["id"]
    await ada.delete_room(room)
    socket = await connect(bob)
    assert await subscribe(socket, (room, 3)) == [{"room": room, "code": "not_found"}]
    answer = await socket.request("subscribe", rooms="all", since={room: 3})
    assert answer == {"rooms": [{"room": room, "code": "not_found"}]}
