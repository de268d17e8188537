"""A burst is more than a socket may owe: whoever reads gets all of it, and is not closed."""

from uuid import UUID, uuid4

import pytest

from messaging.drafts import check_draft
from messaging.services import send_messages
from tests.gateway.waiting import in_database, until
from tests.gateway.wire import Wire

TEXT = "x" * 4_000
COUNT = 300  # 1.2 MB, six times what may wait and the kernel takes


@pytest.fixture(autouse=True)
def small(settings):
    settings.SOCKET_QUEUE_MAX_BYTES = 100_000
    settings.SOCKET_SEND_BUFFER_BYTES = 50_000


async def burst(room, ada, body=TEXT):
    """All of it in one transaction, so in one turn of the loop."""
    name = uuid4().hex
    drafts = [
        check_draft(room_id=room, author_id=UUID(ada.user["id"]), client_id=f"{name}-{number}", body=body)
        for number in range(COUNT)
    ]
    await in_database(lambda: send_messages(drafts))


async def test_a_reader_who_falls_behind_gets_the_rest_from_the_log(server, ada, bob, room):
    async with await Wire.open(server.ws, bob.access) as wire:
        await wire.next()
        answer = await wire.ask({"type": "subscribe", "id": 1, "rooms": [{"room": room}]})
        since = answer["data"]["rooms"][0]["seq"]
        hub = server.runtime().hub
        for number in (1, 2):
            wire.connection.transport.pause_reading()
            await burst(room, ada)
            await until(lambda: not any(feed.live for feed in hub._feeds.values()), "it is behind")
            wire.connection.transport.resume_reading()
            for seq in range(since + 1, since + COUNT + 1):
                assert (await wire.skip_to("message.created"))["seq"] == seq
            since += COUNT
            await until(
                lambda: any(feed.live for feed in hub._feeds.values()), f"it is live again ({number})"
            )
        assert (await wire.ask({"type": "ping", "id": 2}))["type"] == "pong"


async def test_notices_that_nobody_reads_close_nobody(server, ada, bob, room):
    async with await Wire.open(server.ws, bob.access) as wire:
        await wire.next()
        wire.connection.transport.pause_reading()
        await burst(room, ada, f"@bob {TEXT}")
        wire.connection.transport.resume_reading()
        await wire.send({"type": "ping", "id": 2})
        notices = 0
        while (frame := await wire.next())["type"] != "pong":
            notices += (frame["type"], frame.get("notice")) == ("notice", "mention")
        assert 0 < notices < COUNT
