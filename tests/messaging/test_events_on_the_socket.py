"""One event is one text: live on the socket, replayed there, and in `rooms/{id}/events/`."""

import asyncio

import pytest

from tests.client.rest import Rest
from tests.client.socket import Socket

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery staple"


async def test_the_log_over_rest_is_what_sockets_show(server):
    async with Rest(server.http) as ada, Rest(server.http) as bob:
        await ada.register("ada", PASSWORD)
        await bob.register("bob", PASSWORD)
        room = (await ada.create_room("public"))["id"]
        live = await Socket.connect(server.http, ada.access)
        await live.request("subscribe", rooms=[{"room": room, "since": 0}])
        await ada.send(room, "a:1", "over REST 😀")
        await live.request("message.send", room=room, client_id="a:2", body="over the socket")
        await bob.join(room)
        await bob.send(room, "b:1", "hello")
        await bob.leave(room)
        await live.find(lambda frame: frame.get("seq") == 7)
        log = (await ada.events(room))["results"]
        assert [event["type"] for event in log] == [
            "room.created", "member.joined", "message.created", "message.created", "member.joined",
            "message.created", "member.left",
        ]  # fmt: skip
        replayed = await Socket.connect(server.http, ada.access)
        await replayed.request("subscribe", rooms=[{"room": room, "since": 0}])
        await replayed.find(lambda frame: frame.get("seq") == 7)
        assert replayed.events(room) == log
        # Live, an object is as it was when it was sent; only the room's own may have moved since.
        moves = {"last_seq", "changed_seq", "member_count"}
        for event, frame in zip(log, live.events(room), strict=True):
            for side in (event, frame):
                for name in moves & side["data"].get("room", {}).keys():
                    del side["data"]["room"][name]
        assert live.events(room) == log
        await asyncio.gather(live.close(), replayed.close())
