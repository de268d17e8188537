"""Whoever is out of a room is told, hears nothing more of it, and may come back."""

import pytest

from tests.client.socket import Refused
from tests.gateway.test_subscribe import kinds, say, seqs, subscribe


@pytest.mark.parametrize("reason", ["removed", "left", "banned"])
async def test_whoever_goes_gets_their_own_leaving_then_unsubscribed_and_no_more(
    reason, ada, bob, room, connect
):
    socket, second, stays = await connect(bob), await connect(bob), await connect(ada)
    for each in (socket, second, stays):
        await subscribe(each, room)
    if reason == "removed":
        await ada.remove_member(room, bob.user_id)
    elif reason == "banned":
        await ada.ban(room, bob.user_id)
    else:
        await bob.leave(room)
    await say(ada, room, 1)
    await stays.find("message.created")
    for each in (socket, second):
        ended = await each.find("unsubscribed")
        assert ended.frame == {"type": "unsubscribed", "room": room, "reason": reason}
        assert kinds(each, 2) == ["member.left", "unsubscribed"]
        assert each.events()[0]["data"] == {"user": bob.user_id, "reason": reason}
        with pytest.raises(Refused, match="not_found"):
            await each.request("message.send", room=room, client_id="x", body="still here?")
        assert await subscribe(each, (room, 3)) == [{"room": room, "code": "not_found"}]
        assert kinds(each, 2)[:2] == ["member.left", "unsubscribed"]
        assert seqs(each, room) == [4]
    assert kinds(stays, 2) == ["member.left", "message.created"]
    assert stays.events()[0]["actor"] == (bob.user_id if reason == "left" else ada.user_id)


async def test_to_whoever_is_out_a_public_room_says_not_a_member(ada, bob, connect):
    public = (await ada.create_room("public", members=[bob.user_id]))["id"]
    socket = await connect(bob)
    await subscribe(socket, public)
    await bob.leave(public)
    await socket.find("unsubscribed")
    assert await subscribe(socket, public) == [{"room": public, "code": "not_a_member"}]
    with pytest.raises(Refused, match="not_a_member"):
        await socket.request("message.send", room=public, client_id="x", body="hi")
    with pytest.raises(Refused, match="not_a_member"):
        await socket.request("read", room=public, seq=1)


async def test_coming_back_is_no_subscription_by_itself_and_replays_over_the_old_leaving(
    ada, bob, room, connect
):
    socket = await connect(bob)
    await subscribe(socket, room)
    await bob.leave(room)  # 4
    await socket.find("unsubscribed")
    await say(ada, room, 1)  # 5
    await ada.add_member(room, bob.user_id)  # 6
    await say(ada, room, 1, start=2)  # 7
    [answer] = await subscribe(socket, (room, 3))
    assert answer == {"room": room, "seq": 7, "resync": None, "already": False}
    await say(ada, room, 1, start=3)  # 8
    await socket.find(lambda frame: frame.get("seq") == 8)
    assert seqs(socket, room) == [4, 4, 5, 6, 7, 8]  # once live, then replayed
    assert kinds(socket).count("unsubscribed") == 1
    fresh = await connect(bob)  # as another device does after a month
    await subscribe(fresh, (room, 0))
    await fresh.find(lambda frame: frame.get("seq") == 8)
    assert seqs(fresh, room) == list(range(1, 9))
    assert "unsubscribed" not in kinds(fresh)
    await ada.remove_member(room, bob.user_id)  # 9
    for each in (socket, fresh):
        await each.find(lambda frame: frame["type"] == "unsubscribed" and frame["reason"] == "removed")


async def test_a_removal_met_in_the_replay_ends_the_subscription(settings, server, ada, bob, room, connect):
    """Bob is still a member at the ack; what follows in the log, `member.left` included, is read page by page."""
    settings.REPLAY_PAGE_EVENTS = 2
    sender = await connect(ada)
    for answer in [
        await sender.ask("message.send", room=room, client_id=f"c{n}", body="x" * 4_000) for n in range(150)
    ]:
        await answer
    socket = await connect(bob, receive_buffer=4_096)
    gate = await socket.ask("subscribe", rooms=[{"room": room, "since": 0}])
    assert (await gate)["data"]["rooms"][0]["seq"] == 153
    await ada.remove_member(room, bob.user_id)
    await say(ada, room, 2, start=1_000)
    await socket.find("unsubscribed")
    assert seqs(socket, room) == list(range(1, 155))
    assert kinds(socket)[-2:] == ["member.left", "unsubscribed"]


async def test_others_comings_and_goings_end_nothing(ada, bob, eve, room, connect):
    socket = await connect(bob)
    await subscribe(socket, room)
    await ada.add_member(room, eve.user_id)
    await eve.leave(room)
    await say(ada, room, 1)
    await socket.find("message.created")
    assert kinds(socket, 2) == ["member.joined", "member.left", "message.created"]
