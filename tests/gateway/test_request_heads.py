"""Bounds the HTTP parser itself does not have: on a request's URL, headers and trailers, and on its time."""

import asyncio
import contextlib
import json
import socket

import pytest

from common.problems import PROBLEM_JSON

LIMIT = 20_000


async def whole_answer_to(server, head):
    """(status, headers, body) of the answer to `head`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head)
    async with asyncio.timeout(5):
        start, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    line, *fields = start.decode().lower().split("\r\n")
    return int(line.split(" ")[1]), dict(field.split(": ", 1) for field in fields), body


async def answer_to(server, *parts):
    """The status line of the answer to the parts, sent one by one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            return await reader.readline()
    finally:
        writer.close()


@pytest.fixture(autouse=True)
def limit(settings):
    settings.HEADER_MAX_BYTES = LIMIT


START = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def test_what_fits_is_served(server):
    head = START + b"X-Long: " + b"x" * (LIMIT - 200) + b"\r\nConnection: close\r\n\r\n"
    assert b" 200 " in await answer_to(server, head)


@pytest.mark.parametrize(
    "head",
    [
        START + b"X-Long: " + b"x" * LIMIT + b"\r\n\r\n",
        START + b"X-Long: " + b"x" * 2 * LIMIT,
        START + b"x" * 2 * LIMIT,
        START + b"".join(b"X-%d: x\r\n" % n for n in range(LIMIT // 5)) + b"\r\n",
        b"GET /healthz?" + b"x" * LIMIT + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /healthz?" + b"x" * 2 * LIMIT,
    ],
    ids=[
        "one header",
        "a header without end",
        "a name without end",
        "many headers",
        "a URL",
        "a URL without end",
    ],
)
async def test_more_is_431_at_once_or_in_pieces(server, head):
    assert b" 431 " in await answer_to(server, head)
    # No more than is read before the answer: closing on what is unread would reset the connection.
    pieces = [head[start : start + 1_000] for start in range(0, min(len(head), LIMIT + 1), 1_000)]
    assert b" 431 " in await answer_to(server, *pieces)


UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (START + b"X-Long: " + b"x" * LIMIT + b"\r\n\r\n", 431, "too_large"),
        (
            START.replace(b"healthz", b"ws/v1/") + UPGRADE + b"X-Long: " + b"x" * 9_000 + b"\r\n\r\n",
            431,
            "too_large",
        ),
        (START + b"no header\r\n\r\n", 400, "invalid"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400, "invalid"),
        (START.replace(b"GET", b"BREW") + b"\r\n", 405, "method_not_allowed"),
        (START.replace(b"GET", b"PURGE") + b"Connection: close\r\n\r\n", 405, "method_not_allowed"),
        (START.replace(b"GET", b"TRACE") + b"Connection: close\r\n\r\n", 405, "method_not_allowed"),
    ],
    ids=["a long head", "a long handshake", "a bad header", "TLS", "no method", "a strange method", "trace"],
)
async def test_what_is_no_request_is_answered_with_a_problem_too(server, head, status, code):
    found, headers, body = await whole_answer_to(server, head)
    said = json.loads(body)
    assert (found, headers["content-type"], headers["content-length"]) == (
        status,
        PROBLEM_JSON,
        str(len(body)),
    )
    assert (said["status"], said["code"]) == (status, code)
    assert said["request_id"]
    assert status != 405 or "get" in headers["allow"]


async def test_a_long_body_is_no_head(server):
    body = b"{" + b" " * 3 * LIMIT + b"}"
    head = b"POST /api/v1/auth/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    assert b" 400 " in await answer_to(server, head, body)
    assert b" 400 " in await answer_to(server, head + body)


async def test_each_request_of_a_connection_is_counted_anew(server):
    one = START + b"X-Long: " + b"x" * (LIMIT // 2) + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(3 * (one + b"\r\n") + one + b"Connection: close\r\n\r\n")
    assert (await reader.read()).count(b"HTTP/1.1 200") == 4
    writer.close()


@pytest.mark.parametrize(("types", "page"), [(5, True), (4_000, False)])
async def test_an_accept_of_thousands_of_types_is_not_gone_through(settings, server, types, page):
    """Django would compare each with each."""
    settings.DOCS_ENABLED, settings.HEADER_MAX_BYTES = True, 65_536
    accept = ",".join(["text/html", *(f"a/b{number}" for number in range(types))])
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAccept: {accept}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.encode())
    assert (b"<html" in await reader.read()) == page
    writer.close()


CHUNKED = (
    b"POST /api/v1/auth/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
)


@pytest.mark.parametrize(
    "rest",
    [b"0\r\nX: " + b"x" * 2 * LIMIT, b"0\r\n" + b"X: x\r\n" * LIMIT, b"2;x=" + b"x" * 2 * LIMIT],
    ids=["a trailer without end", "many trailers", "a chunk's extension"],
)
async def test_what_follows_a_body_is_bounded_too(server, rest):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(CHUNKED + rest)
    with contextlib.suppress(ConnectionError):  # what is not read when the line is closed resets it
        async with asyncio.timeout(5):
            while not reader.at_eof():
                writer.write(b"X: x\r\n" * 200 if rest.endswith(b"\n") else b"x" * 1_000)
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1_000), 0.01)
    writer.close()


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /healthz HT", START, CHUNKED, START + b"Upgrade: websocket\r\nConnection: upgrade\r\n"],
    ids=["nothing", "half a line", "half a head", "half a body", "half a handshake"],
)
async def test_a_request_that_does_not_come_is_not_waited_for(settings, server, begun):
    settings.REQUEST_HEAD_S = settings.REQUEST_BODY_S = 0.2
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(begun)
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


async def test_a_request_in_time_is_no_longer_waited_for(settings, server):
    settings.REQUEST_HEAD_S = settings.REQUEST_BODY_S = 0.2
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(START + b"\r\n")
    await reader.readuntil(b"}")
    await asyncio.sleep(0.5)  # more than both: the line is kept for the next request
    writer.write(START + b"Connection: close\r\n\r\n")
    assert b" 200 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("reads", [False, True])
async def test_a_reader_who_takes_nothing_of_an_answer_is_cut_off_and_a_slow_one_is_not(
    settings, server, ada, room, reads
):
    """A page of 1.6 MB, for a reader with a small buffer."""
    settings.RESPONSE_STALL_S = 1.0 if reads else 0.5
    settings.PAGE_MAX_BYTES = 2_000_000
    for number in range(200):
        await ada.send(room, f"c{number}", "x" * 8_000)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.connect(("127.0.0.1", server.port))
    connection.setblocking(False)
    request = f"GET /api/v1/rooms/{room}/messages/?limit=200 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    request += f"Authorization: Bearer {ada.access}\r\nConnection: close\r\n\r\n"
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, request.encode())
    taken = 0
    if not reads:
        await asyncio.sleep(1.5)  # three times the stall
    with contextlib.suppress(ConnectionError):
        while piece := await asyncio.wait_for(loop.sock_recv(connection, 40_000), 5):
            taken += len(piece)
            if reads and taken < 1_200_000:  # for longer than the stall in all
                await asyncio.sleep(0.08)
    assert (taken > 1_600_000) == reads, taken
    connection.close()


async def answers_to(server, number):
    """How many answers come to so many requests sent in one piece, until the line ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    writer.write((asked + b"\r\n") * (number - 1) + asked + b"Connection: close\r\n\r\n")
    found = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            found = await reader.read()
    writer.close()
    return found.count(b"HTTP/1.1 200 ")


async def test_requests_that_wait_behind_another_are_answered_in_their_turn(server, settings):
    """One has its answer made while they wait."""
    assert (
        await answers_to(server, settings.REQUESTS_PIPELINED_MAX + 1) == settings.REQUESTS_PIPELINED_MAX + 1
    )


async def test_who_sends_more_of_them_is_cut_off(server, settings):
    assert await answers_to(server, settings.REQUESTS_PIPELINED_MAX + 2) == 0
    assert await answers_to(server, 10_000) == 0
