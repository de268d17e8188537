"""What a stranger, someone who was removed and someone blocked hear of a room where everything happens (FAULTS B19)."""

import pytest

from tests.client.socket import Closed, Refused
from tests.client.strict_json import dumps
from tests.gateway.test_standing import block, in_s
from tests.gateway.test_subscribe import subscribe


async def refusal(socket, kind, **fields):
    """The code; None where it was carried out."""
    try:
        await socket.request(kind, **fields)
    except Refused as refused:
        return refused.code
    return None


async def everything(ada, hers, bob, his, eve_id, room):
    """Whatever two people can do in a room, to it and to others in it."""
    for rest, socket in ((ada, hers), (bob, his)):
        await socket.request("typing", room=room, active=True)
        await socket.request("signal", room=room, name="cursor", data={"x": 1})
        sent = await socket.request("message.send", room=room, client_id=rest.user_id, body="secret")
        message = sent["message"]["id"]
        await socket.request("message.edit", room=room, message=message, body="another secret")
        await socket.request("message.delete", room=room, message=message)
        await socket.request("read", room=room, seq=2**40)
        await socket.request("read", room=room, seq=1, force=True)
        await socket.request("typing", room=room, active=False)
    await ada.update_room(room, name="A secret name", topic="A secret topic")
    await ada.update_member(room, bob.user_id, role="admin")
    await ada.update_member(room, bob.user_id, role="member")
    await ada.update_member(room, bob.user_id, muted_until=in_s(60))
    await refusal(his, "typing", room=room, active=True)
    await ada.update_member(room, bob.user_id, muted_until=None)
    await ada.call("PUT", f"rooms/{room}/bans/{eve_id}/", {})
    await ada.call("DELETE", f"rooms/{room}/bans/{eve_id}/")


def told_of(room, *sockets):
    """Every frame that names the room, but the answers to frames that do."""
    return [
        received.frame
        for socket in sockets
        for received in socket.frames
        if room in dumps(received.frame) and received.frame["type"] not in ("ack", "error")
    ]


@pytest.mark.parametrize("kind", ["private", "public"])
async def test_a_stranger_hears_nothing_whatever_they_ask_for(ada, bob, eve, connect, kind):
    room = (await ada.create_room(kind, members=[bob.user_id]))["id"]
    hers, his = await connect(ada), await connect(bob)
    await subscribe(hers, room)
    await subscribe(his, room)
    everywhere, asks, own = await connect(eve), await connect(eve), await connect(eve)
    await everywhere.request("subscribe", rooms="all", since={room: 0})
    assert [each["code"] for each in await subscribe(asks, (room, 0))] == [
        "not_a_member" if kind == "public" else "not_found"
    ]
    await own.request("subscribe", rooms=[{"room": (await eve.create_room())["id"]}])
    only = await connect(eve, room=room)
    with pytest.raises(Closed):
        raise Closed(await only.wait_closed())
    await everything(ada, hers, bob, his, eve.user_id, room)
    for fields in (
        {"kind": "typing", "active": True},
        {"kind": "signal", "name": "x"},
        {"kind": "read", "seq": 1},
    ):
        assert await refusal(asks, room=room, **fields) is not None
    for socket in (everywhere, asks, own):
        await socket.request("ping")
    assert told_of(room, everywhere, asks, own, only) == []
    assert not {"typing", "signal"} & {r.frame["type"] for s in (everywhere, asks, own) for r in s.frames}
    assert {"typing", "signal"} <= {r.frame["type"] for r in his.frames}  # it did happen
    assert all(eve.user_id not in dumps(r.frame) for s in (hers, his) for r in s.frames)


async def test_who_was_removed_hears_that_and_nothing_after(ada, bob, eve, room, connect):
    await ada.add_member(room, eve.user_id)
    hers, his = await connect(ada), await connect(bob)
    sockets = [await connect(eve), await connect(eve), await connect(eve, room=room), await connect(eve)]
    await sockets[0].request("subscribe", rooms="all")
    await sockets[1].request("subscribe", rooms=[{"room": room}])
    await sockets[2].find("subscribed")
    for socket in (hers, his):
        await subscribe(socket, room)
    await ada.remove_member(room, eve.user_id)
    for socket in sockets[:2]:
        await socket.find("unsubscribed")
    await sockets[2].wait_closed()
    for socket in (*sockets[:2], sockets[3]):
        await socket.find("notice")
    before = len(told_of(room, *sockets))
    await everything(ada, hers, bob, his, eve.user_id, room)
    for socket in (*sockets[:2], sockets[3]):
        await socket.request("ping")
    assert len(told_of(room, *sockets)) == before


async def test_two_of_whom_one_blocks_the_other_hear_nothing_of_each_other_in_their_direct_room(
    ada, bob, connect
):
    direct = (await ada.direct_room(bob.user_id))["id"]
    hers, his = await connect(ada), await connect(bob)
    message = (await ada.send(direct, "before", "hi"))[0]
    for socket in (hers, his):
        await subscribe(socket, direct)
    await block(bob, ada)
    for socket, own in ((hers, message["id"]), (his, None)):
        asked = [
            {"kind": "typing", "active": True},
            {"kind": "typing", "active": False},
            {"kind": "signal", "name": "x", "data": 1},
            {"kind": "message.send", "client_id": "1", "body": "hi"},
        ]
        if own is not None:
            asked.append({"kind": "message.edit", "message": own, "body": "ho"})
        for fields in asked:
            assert await refusal(socket, room=direct, **fields) == "blocked", fields
        assert await refusal(socket, "read", room=direct, seq=3) is None  # reading stays
    for socket in (hers, his):
        await socket.request("ping")
        of_it = [frame for frame in told_of(direct, socket) if frame["type"] != "notice"]
        assert of_it == []
