"""`room.added` and `room.removed`: what all sockets of a person are told, whatever they are subscribed to."""

import pytest


async def notice(socket, kind, start=0):
    """The data of the first notice of this kind."""
    found = await socket.find(lambda f: f["type"] == "notice" and f["notice"] == kind, start=start)
    return found.frame["data"]


def shared(room):
    return {name: value for name, value in room.items() if name not in ("me", "last_message")}


async def test_whoever_makes_is_added_joins_or_is_met_is_told_on_every_socket(ada, bob, connect):
    sockets = [await connect(bob), await connect(bob)]
    hers = await connect(ada)
    for how in ("made with", "added", "joined", "direct"):
        start = [len(socket.frames) for socket in sockets]
        if how == "made with":
            room = (await ada.create_room(members=[bob.user_id]))["id"]
        elif how == "added":
            room = (await ada.create_room())["id"]
            await ada.add_member(room, bob.user_id)
        elif how == "joined":
            room = (await ada.create_room("public"))["id"]
            await bob.join(room)
        else:
            room = (await ada.direct_room(bob.user_id))["id"]
        for socket, first in zip(sockets, start, strict=True):
            assert await notice(socket, "room.added", first) == {"room": shared(await bob.room(room))}, how
        assert hers.events() == []
    assert shared(await ada.room(room)) == (await last(hers, room))["room"]


async def last(socket, room):
    """The data of the notice that names this room."""
    found = await socket.find(lambda f: f["type"] == "notice" and f["data"]["room"]["id"] == room)
    return found.frame["data"]


@pytest.mark.parametrize("reason", ["left", "removed", "banned", "room_deleted"])
async def test_whoever_is_out_is_told_on_every_socket(ada, bob, room, connect, reason):
    sockets = [await connect(bob), await connect(bob)]
    hers = await connect(ada)
    if reason == "left":
        await bob.leave(room)
    elif reason == "removed":
        await ada.remove_member(room, bob.user_id)
    elif reason == "banned":
        await ada.ban(room, bob.user_id)
    else:
        await ada.delete_room(room)
        sockets.append(hers)
    for socket in sockets:
        assert await notice(socket, "room.removed") == {"room_id": room, "reason": reason}
    await hers.request("ping")
    if reason != "room_deleted":
        assert [r.frame["type"] for r in hers.frames] == ["welcome", "pong"]


async def test_a_hundred_are_told_at_once(ada, bob, connect, register):
    socket = await connect(bob)
    people = [bob.user_id, *[(await register(f"u{n}")).user_id for n in range(20)]]
    room = (await ada.create_room(members=people))["id"]
    assert (await notice(socket, "room.added"))["room"]["member_count"] == 22
    await ada.delete_room(room)
    assert await notice(socket, "room.removed") == {"room_id": room, "reason": "room_deleted"}


async def test_of_a_great_many_only_so_many_are_told_of_the_end(settings, ada, bob, eve, connect):
    settings.NOTICE_MAX_PEOPLE = 2
    people = (ada, bob, eve)
    room = (await ada.create_room(members=[bob.user_id, eve.user_id]))["id"]
    sockets = [await connect(person) for person in people]
    await sockets[2].request("subscribe", rooms=[{"room": room}])
    await ada.delete_room(room)
    for socket in sockets[:2]:
        await notice(socket, "room.removed")
    await sockets[2].find("unsubscribed")
    await sockets[2].request("ping")
    assert "notice" not in [r.frame["type"] for r in sockets[2].frames]
