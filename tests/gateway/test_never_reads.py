"""Sockets that read nothing at all, not even the answer to their handshake (FAULTS A11)."""

import json
import socket
import time

from tests.gateway.raw_frames import handshake, text
from tests.gateway.test_mutated_frames import rss_bytes
from tests.gateway.waiting import until
from tests.gateway.wire import Wire

DEAF = 10
MESSAGES = 400  # of 8 kB: three times what one may owe
RSS_MAX_BYTES = 20_000_000
DELIVERY_S = 0.2


def deaf(server, token, room):
    """One that subscribes, and takes nothing."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", server.port))
    line.sendall(handshake(token) + text(json.dumps({"type": "subscribe", "rooms": [{"room": room}]})))
    return line


async def test_who_reads_nothing_is_cut_off_costs_little_and_nobody_waits_for_them(
    settings, server, ada, bob, room
):
    settings.SOCKET_CLOSE_S, settings.SOCKET_STALL_S = 1.0, 2.0
    hub = server.runtime().hub
    async with (
        await Wire.open(server.ws, ada.access) as sender,
        await Wire.open(server.ws, bob.access) as reader,
    ):
        await sender.next()
        await reader.next()
        assert (await reader.ask({"type": "subscribe", "id": 1, "rooms": [{"room": room}]}))["type"] == "ack"
        lines = [deaf(server, bob.access, room) for _ in range(DEAF)]
        await until(
            lambda: sum(len(feed.live) for feed in hub._feeds.values()) == DEAF + 1, "all are subscribed"
        )
        before, took_s = rss_bytes(), []
        for number in range(MESSAGES):
            began = time.monotonic()
            said = {"type": "message.send", "room": room, "client_id": f"c{number}", "body": "x" * 8_000}
            await sender.send(said)
            event = await reader.skip_to("message.created")
            took_s.append(time.monotonic() - began)
            assert event["seq"] == 4 + number
        assert rss_bytes() - before < RSS_MAX_BYTES
        assert sorted(took_s)[-1 - MESSAGES // 100] < DELIVERY_S
        await until(lambda: sum(map(len, hub._people.values())) == 2, "the deaf ones are cut off", 5)
        for line in lines:
            line.close()
