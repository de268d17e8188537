"""How much of one payer's is under way at once, until its answers are read."""

import asyncio
import contextlib
import socket

import pytest
from django.test import AsyncClient

from backend import turns
from messaging.services import send_messages
from tests.filling import draft

BIG = "x" * 8_000


@pytest.fixture
def two_at_once(narrow, settings):
    narrow(REQUESTS_AT_ONCE=2)
    settings.REQUEST_TURN_S = 0.3
    settings.RESPONSE_STALL_S = 60.0
    settings.PAGE_MAX_BYTES = 2_000_000


@pytest.fixture
def room(ada):
    """With a page of 1.6 MB."""
    made = ada.room()
    send_messages([draft(ada, made, BIG) for _ in range(200)])
    return made


async def ask(server, person, path, root="/api/v1/"):
    """A connection that has asked and reads nothing yet."""
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.setblocking(False)
    await loop.sock_connect(connection, ("127.0.0.1", server.port))
    request = f"GET {root}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    request += f"Authorization: Bearer {person.access}\r\n\r\n" if person else "\r\n"
    await loop.sock_sendall(connection, request.encode())
    return connection


async def read(connection):
    """All of an answer."""
    loop, found = asyncio.get_running_loop(), b""
    while piece := await asyncio.wait_for(loop.sock_recv(connection, 65_536), 5):
        found += piece
    connection.close()
    return found


async def status(server, person, path="users/me/", root="/api/v1/"):
    return int((await read(await ask(server, person, path, root))).split()[1])


async def unread(server, person, room):
    """A connection with the beginning of its large answer."""
    connection = await ask(server, person, f"rooms/{room}/messages/?limit=200")
    await asyncio.get_running_loop().sock_recv(connection, 10)
    return connection


async def test_who_reads_nothing_gets_no_more_and_others_and_nobody_do(two_at_once, server, ada, bob, room):
    waiting = [await unread(server, ada, room) for _ in range(2)]
    refused = await read(await ask(server, ada, "users/me/"))
    assert refused.startswith(b"HTTP/1.1 429")
    assert b'"rate_limited"' in refused
    assert b"retry-after: 1\r\n" in refused.lower()
    assert b'ratelimit: "requests"' in refused.lower()
    assert await status(server, bob) == 200
    assert await status(server, None) == 401
    assert all([len(await read(connection)) > 1_600_000 for connection in waiting])
    assert await status(server, ada) == 200


async def test_who_reads_nothing_keeps_no_connection_to_the_database(settings, server, ada, bob, room):
    settings.PAGE_MAX_BYTES = 2_000_000
    waiting = [await unread(server, ada, room) for _ in range(settings.DATABASE_POOL_SIZE)]
    async with asyncio.timeout(settings.DATABASE_POOL_WAIT_S / 2):
        assert await status(server, bob) == 200
    for connection in waiting:
        connection.close()


async def test_a_client_that_goes_away_gives_its_turn_back(two_at_once, server, ada, room):
    waiting = [await unread(server, ada, room) for _ in range(2)]
    waiting.pop().close()
    assert await status(server, ada) == 200
    waiting.pop().close()


async def test_files_of_the_documents_are_bounded_too_and_health_is_not(two_at_once, settings, server, ada):
    settings.DOCS_ENABLED = True
    bundle = "static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    waiting = [await ask(server, None, bundle, "/") for _ in range(2)]
    for connection in waiting:
        await asyncio.get_running_loop().sock_recv(connection, 10)
    refused = await read(await ask(server, None, bundle, "/"))
    assert refused.startswith(b"HTTP/1.1 429")
    assert b'"rate_limited"' in refused
    assert [await status(server, None, path, "/") for path in ("healthz", "readyz")] == [200, 200]
    assert await status(server, ada) == 200
    assert all([len(await read(connection)) > 1_000_000 for connection in waiting])
    assert await status(server, None, bundle, "/") == 200


async def test_a_burst_is_served_one_part_after_the_other(two_at_once, settings, server, ada):
    settings.REQUEST_TURN_S = 30.0
    connections = [await ask(server, ada, "users/me/") for _ in range(30)]
    assert {(await read(connection)).split()[1] for connection in connections} == {b"200"}


async def test_whatever_becomes_of_a_request_its_turn_is_given_back(two_at_once, server, ada):
    for path in ("nothing/", "rooms/nothing/messages/", "users/?limit=nothing", "users/me/") * 2:
        await status(server, ada, path)
    gone = [await ask(server, ada, "users/me/") for _ in range(20)]
    for connection in gone:
        connection.close()
    for _ in range(500):
        if turns._lines:
            await asyncio.sleep(0.01)
    assert not turns._lines


@pytest.mark.django_db(transaction=True)
async def test_a_view_that_crashes_gives_its_turn_back(narrow, settings):
    """Without a server: nobody looks after the request but the limit itself."""
    settings.ROOT_URLCONF = "tests.backend.urls_that_fail"
    narrow(REQUESTS_AT_ONCE=1)
    settings.REQUEST_TURN_S = 0.1
    for _ in range(3):
        answer = await AsyncClient(raise_request_exception=False).get("/api/v1/fails/crash/", secure=True)
        assert answer.status_code != 429
    assert not turns._lines


async def test_who_waits_and_goes_away_takes_no_turn(narrow, settings):
    narrow(REQUESTS_AT_ONCE=1)
    settings.REQUEST_TURN_S = 30.0
    give_back = await turns.take_turn("ada")
    waits = asyncio.create_task(turns.take_turn("ada"))
    await asyncio.sleep(0)
    waits.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waits
    give_back()
    (await turns.take_turn("ada"))()
    assert not turns._lines
