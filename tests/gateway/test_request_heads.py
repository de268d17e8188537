"""The bound on a request's URL and headers, which the HTTP parser itself does not have."""

import asyncio

import pytest

LIMIT = 20_000


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
