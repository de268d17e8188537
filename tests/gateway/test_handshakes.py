"""The opening handshake as raw bytes, and what a client sends before it is answered."""

import asyncio
import contextlib
import random

import pytest

from tests.gateway.raw_frames import CONT, PING, PONG, TEXT, RawSocket, close, frame, handshake, text
from tests.gateway.raw_line import ANSWER, ASK, transactional_db  # noqa: F401  a fixture

EARLY = {
    "a text": (text(ASK), [ANSWER], text(ASK)),
    "half a text": (text(ASK)[:9], [], text(ASK)[9:]),
    "texts": (text(ASK) * 3, [ANSWER] * 3, text(ASK)),
    "a ping": (frame(PING, b"x"), [(PONG, b"x")], text(ASK)),
}
EARLY_FLAWS = {
    "reserved bits": (text(ASK, rsv=7), 1002),
    "no mask": (text(ASK, mask=None), 1002),
    "an orphan": (frame(CONT, ASK), 1002),
    "no UTF-8": (text(b"\xff"), 1007),
    "a close": (close(3000), 3000),
    "a text and a close": (text(ASK) + close(3000), 3000),
    "a length of 2^62": (frame(TEXT, declared=2**62), 1009),
    "HTTP": (handshake(), 1002),
}


@pytest.mark.parametrize("apart", [False, True], ids=["in one segment", "at once"])
@pytest.mark.parametrize(("early", "answers", "rest"), EARLY.values(), ids=EARLY)
async def test_what_is_sent_before_the_answer_to_the_handshake_is_read_after_it(
    line, other, apart, early, answers, rest
):
    async with await RawSocket.dial(line) as raw:
        head = handshake(line.token)
        await raw.send(*([head, early] if apart else [head + early]))
        await raw.accepted()
        assert raw.status == 101
        said = await raw.several(1 + len(answers))  # with `welcome`
        assert [each for each in said if each in answers] == answers
        await raw.send(rest)
        assert await raw.next() == ANSWER


@pytest.mark.parametrize("apart", [False, True], ids=["in one segment", "at once"])
@pytest.mark.parametrize(("early", "code"), EARLY_FLAWS.values(), ids=EARLY_FLAWS)
async def test_a_flaw_before_the_answer_to_the_handshake_ends_that_line_alone(
    line, other, apart, early, code
):
    async with await RawSocket.dial(line) as raw:
        head = handshake(line.token)
        await raw.send(*([head, early] if apart else [head + early]))
        await raw.accepted()
        assert raw.status == 101
        assert (await raw.end()).code == code


async def test_what_is_sent_with_a_handshake_that_is_refused_is_not_read(line, other):
    async with await RawSocket.open(
        line, headers="Origin: https://evil.example\r\n", early=text(ASK) * 3
    ) as raw:
        assert raw.status == 403
        assert b"pong" not in await raw.reader.read()


HANDSHAKES = {
    "another version": (b"Version: 13", b"Version: 8", 400),
    "no version": (b"Sec-WebSocket-Version: 13\r\n", b"", 400),
    "no key": (b"Sec-WebSocket-Key", b"X-Key", 400),
    "a short key": (b"-Key: ", b"-Key: a", 400),
    "a key of other characters": (b"-Key: ", b"-Key: \xff!", 400),
    "a URL that is no ASCII": (b"/ws/v1/", "/ws/v1/?é".encode(), 400),
    "a URL that is no UTF-8": (b"/ws/v1/", b"/ws/v1/\xff", 400),
}


@pytest.mark.parametrize(("good", "flaw", "status"), HANDSHAKES.values(), ids=HANDSHAKES)
async def test_a_handshake_that_is_none_is_refused(line, other, good, flaw, status):
    async with await RawSocket.dial(line) as raw:
        await raw.send(handshake(line.token).replace(good, flaw))
        await raw.accepted()
        assert raw.status == status, raw.head


async def test_headers_of_any_bytes_are_no_reason_to_refuse(line, other):
    async with await RawSocket.dial(line) as raw:
        await raw.send(handshake(line.token).replace(b"\r\n\r\n", b"\r\nX-Name: \xff\xfe\r\n\r\n"))
        await raw.accepted()
        assert raw.status == 101


ODD_HEADERS = [
    "Origin: null\r\n", "Origin: http://[::1\r\n", "Origin: http://127.0.0.1:99999999\r\n", "Origin: \xff\r\n", "Host: a\r\n", "Host:\r\n",
    "Sec-WebSocket-Protocol: ,, ,\r\n", "Sec-WebSocket-Protocol: bearer.\r\n", "Sec-WebSocket-Protocol: bearer.\xe9\r\n",
    "Sec-WebSocket-Protocol: parley.v1, bearer.x, bearer.y\r\n", "Authorization: Bearer\r\n", "Authorization: Bearer \xe9\r\n",
    "Authorization: Basic eA==\r\n", "Sec-WebSocket-Extensions: ;;=\r\n", "Sec-WebSocket-Extensions: permessage-deflate; x=\"\r\n",
    "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "X-Forwarded-For: \xff\r\n",
    "X-Forwarded-Proto: \xff\r\n", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", "Upgrade: h2c\r\n", "Connection: close\r\n", "Cookie: \xff\r\n",
]  # fmt: skip
ODD_PATHS = [
    "/ws/v1/", "/ws/v1/?since=x&epoch=%ff", "/ws/v1/rooms/x/", "/ws/v1/rooms/%00/", "/ws/v1/rooms/%ff%fe/?since=-1", "/ws/v1", "//", "*", "/ws/v1/%2e%2e/",
    "http://127.0.0.1/ws/v1/", "http://[/", "/ws/v1/rooms/01a209f0-94f1-704e-992b-0775f1f97009/?since=99999999999999999999&since=1",
]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(n, marks=pytest.mark.slow) for n in range(100, 120))])
async def test_a_mutated_handshake_is_answered_or_cut_and_is_no_alarm(settings, line, other, seed):
    """Flipped bits, pieces left out or twice, odd headers: `alarms` sees what the server thinks of them."""
    settings.REQUEST_HEAD_S = settings.REQUEST_BODY_S = settings.AUTH_TIMEOUT_S = settings.SOCKET_CLOSE_S = (
        0.3
    )
    rng = random.Random(seed)

    async def one(head, more):
        async with await RawSocket.dial(line) as raw:
            with contextlib.suppress(OSError):
                await raw.send(head + more)
            try:
                async with asyncio.timeout(5):
                    answer = await raw.reader.read(9)
                    assert answer in (b"", b"HTTP/1.1 "), (seed, head)
                    if await raw.reader.read(3) == b"101":  # another line may serve further requests
                        await raw.reader.read()
            except ConnectionError:
                pass
            except TimeoutError:
                raise AssertionError((seed, head, more)) from None

    async with asyncio.TaskGroup() as group:
        for _ in range(200):
            head = mutated_head(
                handshake(line.token, rng.choice(["", *ODD_HEADERS]), rng.choice(ODD_PATHS)), rng
            )
            more = [b"", text(ASK), text(ASK, rsv=7)]
            group.create_task(one(head, rng.choice(more) + close(1000)))


def mutated_head(head, rng):
    """After up to three changes."""
    head = bytearray(head)
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(head))
        change = rng.randrange(3)
        if change == 0:
            head[place] ^= 1 << rng.randrange(8)
        elif change == 1:
            del head[place : place + rng.randrange(1, 30)]
        else:
            head[place:place] = rng.choice(
                [b"\x00", b"\r\n", b"\n", b"\xff", b":", b"  ", b"\r\n\r\n", b"%", b"HTTP/1.0"]
            )
    return bytes(head)
