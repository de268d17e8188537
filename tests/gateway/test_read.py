"""`read`: where I stand, never above the head, never back unless forced."""

import pytest

from tests.client.socket import Refused
from tests.gateway.test_subscribe import say


async def test_read_positions_move_forward_to_the_head_and_back_by_force(ada, bob, room, connect):
    await say(ada, room, 5)  # 4 … 8
    socket = await connect(bob)

    async def read(seq, **more):
        data = await socket.request("read", room=room, seq=seq, **more)
        assert set(data) == {"last_read_seq", "unread_count"}
        me = (await bob.room(room))["me"]
        assert (me["last_read_seq"], me["unread_count"]) == (data["last_read_seq"], data["unread_count"])
        return data["last_read_seq"], data["unread_count"]

    assert await read(0) == (3, 5)  # joining had read all there was
    assert await read(5) == (5, 3)
    assert await read(4) == (5, 3)
    assert await read(4, force=False) == (5, 3)
    assert await read(4, force=True) == (4, 4)
    assert await read(100) == (8, 0)
    assert await read(2**63 - 1, force=True) == (8, 0)
    assert await read(0, force=True) == (0, 5)
    await socket.request("message.send", room=room, client_id="mine", body="hi")
    assert await read(0) == (9, 0)  # sending reads up to one's own
    await say(ada, room, 1, start=6)
    assert await read(0) == (9, 1)


async def test_only_members_read(ada, eve, room, connect):
    public = (await ada.create_room("public"))["id"]
    socket = await connect(eve)
    for target, code in ((room, "not_found"), (public, "not_a_member")):
        with pytest.raises(Refused, match=code):
            await socket.request("read", room=target, seq=1)
