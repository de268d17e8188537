"""Sockets that read nothing at all, not even the answer to their handshake (FAULTS A11)."""

import json
import socket
import time

import pytest

from tests.faults.periods import REAL
from tests.faults.traffic import percentile
from tests.figures import in_mib, in_seconds
from tests.gateway.raw_frames import handshake, text
from tests.gateway.test_mutated_frames import rss_bytes
from tests.gateway.waiting import until
from tests.gateway.wire import Wire

DEAF = 10
CALM = 100  # messages before they come
MESSAGES = 400  # of 8 kB: three times what one may owe
RSS_MAX_BYTES = 20_000_000
OWED_MAX_BYTES = 2**20  # SOCKET_QUEUE_MAX_BYTES
DELIVERY_P99_S = 0.2  # or twice what it was before
CUT_OFF_S = 20.0 if REAL else 5.0  # SOCKET_STALL_S, SOCKET_CLOSE_S and some air


def deaf(server, token, room):
    """One that subscribes, and takes nothing."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", server.port))
    line.sendall(handshake(token) + text(json.dumps({"type": "subscribe", "rooms": [{"room": room}]})))
    return line


async def delivered_in(sender, reader, room, number):
    """Seconds from the send to the event, which is the next of its room."""
    began = time.monotonic()
    said = {"type": "message.send", "room": room, "client_id": f"c{number}", "body": "x" * 8_000}
    await sender.send(said)
    event = await reader.skip_to("message.created")
    assert event["seq"] == 4 + number
    return time.monotonic() - began


async def most_owed(hub):
    """Bytes that wait for one of the sockets."""
    return max(each.outbox._transport.waiting() for local in hub._people.values() for each in local)


async def cost(server, ada, bob, room, record_property, within_s=CUT_OFF_S):
    """What of the bounds on ten of them is not kept while two others talk; they are to be cut off `within_s`."""
    hub = server.runtime().hub
    wrong = []
    async with (
        await Wire.open(server.ws, ada.access) as sender,
        await Wire.open(server.ws, bob.access) as reader,
    ):
        await sender.next()
        await reader.next()
        assert (await reader.ask({"type": "subscribe", "id": 1, "rooms": [{"room": room}]}))["type"] == "ack"
        calm_s = percentile([await delivered_in(sender, reader, room, n) for n in range(CALM)], 99)
        lines = [deaf(server, bob.access, room) for _ in range(DEAF)]
        await until(
            lambda: sum(len(feed.live) for feed in hub._feeds.values()) == DEAF + 1, "all are subscribed"
        )
        before, began = rss_bytes(), time.monotonic()
        took_s, owed = [], 0
        for number in range(MESSAGES):
            took_s.append(await delivered_in(sender, reader, room, CALM + number))
            if number % 40 == 39:
                owed = max(owed, server.call(most_owed(hub)))
        gained, p99_s = rss_bytes() - before, percentile(took_s, 99)
        in_mib(record_property, "memory of the ten", gained)
        in_seconds(record_property, "others' deliveries p99", p99_s, calm_s=calm_s)
        if gained >= RSS_MAX_BYTES:
            wrong.append(f"memory: {gained} bytes")
        if owed > OWED_MAX_BYTES:
            wrong.append("too much is kept for one")
        if p99_s >= max(DELIVERY_P99_S, 2 * calm_s):
            wrong.append(f"others waited {p99_s:.2f} s, and {calm_s:.2f} s before")
        try:
            await until(lambda: sum(map(len, hub._people.values())) == 2, "the deaf are cut off", within_s)
        except TimeoutError:
            wrong.append("not cut off")
        in_seconds(record_property, "all closed after", time.monotonic() - began)
        for line in lines:
            line.close()
    return wrong


@pytest.mark.fault("ten readers that never read")
async def test_who_reads_nothing_is_cut_off_costs_little_and_nobody_waits_for_them(
    settings, server, ada, bob, room, record_property
):
    if not REAL:
        settings.SOCKET_CLOSE_S, settings.SOCKET_STALL_S = 1.0, 2.0
    assert await cost(server, ada, bob, room, record_property) == []


@pytest.mark.slow
async def test_without_the_bound_and_the_look_at_progress_they_stay_and_are_owed_more_and_more(
    settings, server, ada, bob, room, record_property
):
    """Of the server's memory it is what was said, once: the same bytes wait for all of them."""
    settings.SOCKET_QUEUE_MAX_BYTES, settings.SOCKET_STALL_S = 2**40, 3_600.0
    wrong = await cost(server, ada, bob, room, record_property, 2.0)
    assert {"too much is kept for one", "not cut off"} <= {*wrong}
