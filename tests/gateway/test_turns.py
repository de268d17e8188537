"""`subscribe`, `unsubscribe` and `auth` run alone, in order, however much is sent around them."""

import asyncio
import threading

from tests.client.socket import Refused
from tests.gateway.waiting import until
from tests.gateway.wire import Wire


async def test_frames_sent_without_waiting_are_carried_out_in_their_turns(server, ada, bob, room):
    """Each subscribe starts exactly where the sends before it ended."""
    rounds, each = 12, 7
    frames, number = [], 0
    for turn in range(rounds):
        for _ in range(each):
            number += 1
            frames.append({"type": "message.send", "room": room, "client_id": f"c{number}", "body": "hi"})
        frames.append({"type": "subscribe", "rooms": [{"room": room}]})
        frames.append({"type": "read", "room": room, "seq": 2**63 - 1})
        if turn % 3 == 0:
            frames.append({"type": "auth", "token": ada.access})
        frames.append({"type": "unsubscribe", "rooms": [room]})
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for index, frame in enumerate(frames):
            await wire.send(frame | {"id": index})
        seen = []
        while len([frame for frame in seen if frame["type"] == "ack"]) < len(frames):
            seen.append(await wire.next())
            assert seen[-1]["type"] in ("ack", "message.created"), seen[-1]
        await wire.send({"type": "ping", "id": "end"})
        while seen[-1]["type"] != "pong":
            seen.append(await wire.next())
    acks = {frame["id"]: frame.get("data") for frame in seen if frame["type"] == "ack"}
    places = {frame["id"]: place for place, frame in enumerate(seen) if frame["type"] == "ack"}
    sent = 3
    for index, frame in enumerate(frames):
        if frame["type"] == "message.send":
            sent += 1
            assert acks[index]["message"]["seq"] == sent
        elif frame["type"] == "read":
            assert acks[index]["last_read_seq"] == sent
        else:
            assert all(places[before] < places[index] for before in range(index))
            assert all(places[index] < places[after] for after in range(index + 1, len(frames)))
        if frame["type"] == "subscribe":
            assert acks[index]["rooms"][0] == {"room": room, "seq": sent, "resync": None, "already": False}
    inside = False
    for frame in seen:
        if frame["type"] == "ack" and frame["id"] != "end":
            kind = frames[frame["id"]]["type"]
            inside = kind == "subscribe" or (inside and kind != "unsubscribe")
        elif frame["type"] == "message.created":
            assert inside


async def test_hundreds_of_refused_frames_behind_a_slow_subscribe_are_all_answered(
    server, ada, room, connect
):
    """They are begun one after the other the moment it ends, and each ends at once."""
    socket = await connect(ada)
    hub = server.runtime().hub
    gate, held = threading.Event(), []
    try:
        held += [  # every thread of the pool is busy
            asyncio.run_coroutine_threadsafe(hub.pool.run(lambda: gate.wait(10)), server._loop)
            for _ in range(4)
        ]
        asks = [await socket.ask("subscribe", rooms=[{"room": room}])]
        for number in range(400):
            body = "" if number % 100 else "hi"
            asks.append(await socket.ask("message.send", room=room, client_id=f"c{number}", body=body))
        [consumer] = hub._people[next(iter(hub._people))]
        await until(lambda: len(consumer.reader.inbox._waiting) > 200, "frames waiting behind the subscribe")
    finally:
        gate.set()
    answers = await asyncio.wait_for(asyncio.gather(*asks, return_exceptions=True), 5)
    assert sum(isinstance(answer, Refused) and answer.code == "invalid" for answer in answers) == 396
    assert answers[0]["data"]["rooms"][0]["seq"] == 3
    await asyncio.gather(*(asyncio.wrap_future(future) for future in held))


async def test_a_client_is_not_read_faster_than_it_is_served(settings, server, ada, room, connect):
    """More frames than fit are left with the client; none is lost."""
    settings.SOCKET_INBOX_MAX_FRAMES = 8
    socket = await connect(ada)
    asks = [await socket.ask("message.send", room=room, client_id=f"c{n}", body="hi") for n in range(100)]
    asks.insert(50, await socket.ask("subscribe", rooms=[{"room": room}]))
    answers = await asyncio.gather(*asks)
    assert [a["data"]["message"]["seq"] for a in answers if "message" in a["data"]] == list(range(4, 104))
