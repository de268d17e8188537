"""RFC 6455 frame by frame, as raw bytes: what a client may send is taken, and what it may not ends its line alone."""

import asyncio
import contextlib
import json
import zlib

import pytest

from tests.daphne_server import SERVER, seen
from tests.gateway.raw_frames import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    RawSocket,
    broken,
    close,
    frame,
    text,
)
from tests.gateway.raw_line import ANSWER, ASK, transactional_db  # noqa: F401  a fixture

MAX = 128 * 1024


def ask(size):
    """A ping of so many bytes."""
    return ASK[:-1] + b" " * (size - len(ASK)) + b"}"


def parts(*payloads, opcode=TEXT):
    """A message in fragments."""
    last = len(payloads) - 1
    return [frame(CONT if i else opcode, part, fin=i == last) for i, part in enumerate(payloads)]


GOOD = {
    "a text": ([text(ASK)], [ANSWER]),
    "a mask of zeros": ([text(ASK, mask=bytes(4))], [ANSWER]),
    "a mask of ones": ([text(ASK, mask=b"\xff" * 4)], [ANSWER]),
    "two fragments": (parts(ASK[:9], ASK[9:]), [ANSWER]),
    "an empty first fragment": (parts(b"", ASK), [ANSWER]),
    "empty fragments between": (parts(ASK[:9], b"", b"", ASK[9:]), [ANSWER]),
    "an empty last fragment": (parts(ASK, b""), [ANSWER]),
    "a fragment a byte": (parts(*(ASK[i : i + 1] for i in range(len(ASK)))), [ANSWER]),
    "fragments with masks of their own": (
        [text(ASK[:5], fin=False, mask=b"abcd"), frame(CONT, ASK[5:], mask=b"efgh")],
        [ANSWER],
    ),
    "two messages in fragments": (parts(ASK[:9], ASK[9:]) + parts(ASK[:3], ASK[3:]), [ANSWER, ANSWER]),
    "fragments in one segment": ([b"".join(parts(ASK[:9], ASK[9:]))], [ANSWER]),
    "five frames in one segment": ([text(ASK) * 5], [ANSWER] * 5),
    "byte by byte": ([bytes([byte]) for byte in text(ask(200)) * 2], [ANSWER] * 2),
    "a ping byte by byte": ([bytes([byte]) for byte in frame(PING, b"xyz") * 2], [(PONG, b"xyz")] * 2),
    "a long one cut within its length": ([text(ask(70_000))[:5], text(ask(70_000))[5:]], [ANSWER]),
    "a ping of nothing": ([frame(PING)], [(PONG, b"")]),
    "a ping of 125 bytes": ([frame(PING, bytes(range(125)))], [(PONG, bytes(range(125)))]),
    "a ping of no text": ([frame(PING, b"\xff\x00\xfe")], [(PONG, b"\xff\x00\xfe")]),
    "pings in one segment": (
        [b"".join(frame(PING, b"%d" % n) for n in range(10))],
        [(PONG, b"%d" % n) for n in range(10)],
    ),
    "a pong nobody asked for": ([frame(PONG), frame(PONG, b"x" * 125), text(ASK)], [ANSWER]),
    "a ping within a message": (
        [text(ASK[:9], fin=False), frame(PING, b"now"), frame(CONT, ASK[9:])],
        [(PONG, b"now"), ANSWER],
    ),
    "pings and pongs after each fragment": (
        [
            text(ASK[:9], fin=False) + frame(PING, b"1") + frame(PONG, b"2"),
            frame(CONT, b"", fin=False) + frame(PING, b"3") + frame(CONT, ASK[9:]),
        ],
        [(PONG, b"1"), (PONG, b"3"), ANSWER],
    ),
    **{
        f"{size} bytes": ([text(ask(size))], [ANSWER])
        for size in (125, 126, 127, 128, 65_535, 65_536, 65_537, MAX)
    },
    f"{MAX} bytes in fragments": (parts(ask(MAX)[:60_000], ask(MAX)[60_000:]), [ANSWER]),
}


@pytest.mark.parametrize(("pieces", "answers"), GOOD.values(), ids=GOOD)
async def test_what_a_client_may_send_is_taken(raw, pieces, answers):
    await raw.send(*pieces)
    assert await raw.several(len(answers)) == answers
    await raw.send(text(ASK))
    assert await raw.next() == ANSWER


async def test_a_text_may_be_cut_at_every_byte(raw):
    name = "é€💥\U0010ffff\u0301"
    message = json.dumps({"type": "ping", "id": name}, ensure_ascii=False).encode()
    for cut in range(len(message) + 1):
        await raw.send(*parts(message[:cut], message[cut:]))
        opcode, payload = await raw.next()
        assert (opcode, json.loads(payload)) == (TEXT, {"type": "pong", "id": name}), cut


# The longest valid one is U+10FFFF; ids for pytest say what is wrong with each.
NO_UTF8 = {
    "a lone continuation": b"\x80", "two of them": b"\xbf\xbf", "a start at the end": b"\xc3", "cut after two": b"\xe2\x82",
    "cut after three": b"\xf0\x9f\x92", "a start before ASCII": b"\xe2\x28\xa1", "overlong in two": b"\xc0\xaf",
    "overlong in three": b"\xe0\x80\xaf", "overlong in four": b"\xf0\x80\x80\xaf", "an overlong NUL": b"\xc0\x80",
    "the first surrogate": b"\xed\xa0\x80", "the last surrogate": b"\xed\xbf\xbf", "a pair of surrogates": b"\xed\xa0\xbd\xed\xb2\xa5",
    "U+110000": b"\xf4\x90\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80", "FE": b"\xfe", "FF": b"\xff",
}  # fmt: skip

FLAWS_1002 = {
    "unmasked text": [text(ASK, mask=None)],
    "unmasked ping": [frame(PING, mask=None)],
    "unmasked close": [close(1000, mask=None)],
    "unmasked fragment": [text(ASK[:9], fin=False), frame(CONT, ASK[9:], mask=None)],
    **{f"reserved bits {rsv:03b}": [text(ASK, rsv=rsv)] for rsv in range(1, 8)},
    "RSV1 on a fragment": [text(ASK[:9], fin=False), frame(CONT, ASK[9:], rsv=4)],
    "RSV1 on a ping": [frame(PING, rsv=4)],
    "RSV1 on a close": [close(1000, rsv=4)],
    **{f"opcode {opcode:X}": [frame(opcode, ASK)] for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "opcode 3 within a message": [text(ASK[:9], fin=False), frame(3), frame(CONT, ASK[9:])],
    "an orphan continuation": [frame(CONT, ASK)],
    "an orphan first continuation": [frame(CONT, ASK, fin=False)],
    "a continuation after the last": [*parts(b"[", b"]"), frame(CONT, ASK)],
    "a text within a message": [text(ASK[:9], fin=False), text(ASK)],
    "a binary within a message": [text(ASK[:9], fin=False), frame(BINARY, ASK)],
    "a ping of 126 bytes": [frame(PING, b"x" * 126)],
    "a ping of 65536 bytes": [frame(PING, b"x" * 65_536)],
    "a pong of 126 bytes": [frame(PONG, b"x" * 126)],
    "a close of 126 bytes": [close(1000, b"x" * 124)],
    "a fragmented ping": [frame(PING, b"x", fin=False), frame(CONT, b"y")],
    "a fragmented pong": [frame(PONG, b"x", fin=False)],
    "a fragmented close": [close(1000, fin=False)],
    "a close of one byte": [frame(CLOSE, b"\x03")],
    **{
        f"a close with {code}": [close(code)]
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
}
FLAWS_1007 = {
    **{name: [text(b'{"type":"ping","id":"' + flaw + b'"}')] for name, flaw in NO_UTF8.items()},
    "only half a character": [text(b"\xf0\x9f")],
    "cut in fragments": parts(b'{"id":"\xf0\x9f', b'"}'),
    "after good fragments": parts(ASK, b"\xff"),
    "and more in one segment": [text(b"\xff") + text(ASK) + frame(PING)],
    "the reason of a close": [close(1000, b"\xce\xba\xed\xa0\x80")],
}


async def ended(raw, pieces):
    with contextlib.suppress(ConnectionError):  # cut, while more was to come
        await raw.send(*pieces)
    return await raw.end()


@pytest.mark.parametrize("pieces", FLAWS_1002.values(), ids=FLAWS_1002)
async def test_a_breach_of_the_protocol_closes_with_1002(raw, pieces):
    assert (await ended(raw, pieces)).code == broken(1002)


@pytest.mark.parametrize("pieces", FLAWS_1007.values(), ids=FLAWS_1007)
async def test_what_is_no_utf_8_closes_with_1007(raw, pieces):
    assert (await ended(raw, pieces)).code == broken(1007)


@pytest.mark.parametrize(
    "pieces",
    [
        [frame(BINARY)],
        [frame(BINARY, ASK)],
        [frame(BINARY, b"\xff")],
        parts(b"\xff", b"", ASK, opcode=BINARY),
    ],
    ids=["empty", "JSON", "bytes", "in fragments"],
)
async def test_a_binary_frame_closes_with_1003(raw, pieces):
    ending = await ended(raw, pieces)
    assert (ending.code, ending.errors) == (seen(1003), ["unsupported_type"])


TOO_BIG = {
    "one byte more": [text(ask(MAX + 1))],
    "one byte more in fragments": parts(ask(MAX), b" "),
    "twice as much": [text(ask(2 * MAX))],
}
SAID_TOO_BIG = {
    "of which nothing comes": [frame(TEXT, declared=MAX + 1)],
    **{f"2^{power}": [frame(TEXT, ASK, declared=2**power)] for power in (31, 32, 62, 63)},
    "2^64 - 1": [frame(TEXT, ASK, declared=2**64 - 1)],
    "a continuation of 2^62": [text(ASK, fin=False), frame(CONT, ASK, declared=2**62)],
}


@pytest.mark.parametrize("pieces", TOO_BIG.values(), ids=TOO_BIG)
async def test_a_frame_too_big_closes_with_1009(raw, pieces):
    ending = await ended(raw, pieces)
    assert (ending.code, ending.errors) == (seen(1009), ["too_large"])


@pytest.mark.daphne_cannot("size")
@pytest.mark.parametrize("pieces", SAID_TOO_BIG.values(), ids=SAID_TOO_BIG)
async def test_a_frame_that_says_it_is_too_big_is_not_waited_for(raw, pieces):
    async with asyncio.timeout(5):
        ending = await ended(raw, pieces)
    assert (ending.code, ending.errors) == (1009, ["too_large"])


def answered(code):
    """What a close with this code is answered with: `CANNOT["codes"]`."""
    return 1000 if SERVER == "daphne" else code


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 3000, 3999, 4000, 4999])
async def test_a_close_is_answered_with_its_own_code_and_nothing_after_it_is_read(raw, code):
    await raw.send(close(code, "schöner Tag".encode()) + text(ASK) + frame(PING) + text(ASK, rsv=7))
    ending = await raw.end()
    assert (ending.code, ending.frames) == (answered(code), [])


async def test_a_close_without_a_code_is_answered_without_one(raw):
    await raw.send(close())
    assert (await raw.end()).code == answered(1005)


async def test_a_close_within_a_message_closes(raw):
    """Either way: the rest of the message is not waited for."""
    await raw.send(text(ASK[:9], fin=False) + close(1000))
    assert (await raw.end()).code in (1000, broken(1002))


@pytest.mark.parametrize("length_bytes", [2, 8])
async def test_a_length_in_more_bytes_than_it_needs_is_taken_or_a_breach(raw, length_bytes):
    """RFC 6455, section 5.2 forbids it to clients; no server has to look."""
    await raw.send(text(ASK, length_bytes=length_bytes) + close(3000))
    ending = await raw.end()
    assert (ending.code, ending.frames) in [
        (broken(1002), []),
        (answered(3000), []),
        (answered(3000), [ANSWER]),
    ]


async def test_a_close_in_one_segment_with_what_is_no_utf_8_is_a_close(raw):
    await raw.send(text(b"\xff") + close(1000))
    assert (await raw.end()).code in (1000, broken(1007))


async def test_compression_is_not_negotiated_whatever_is_offered(line, other):
    """So that 15 kB never unpack to 15 MB; and what comes compressed all the same has a reserved bit set."""
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame\r\n"
    packed = zlib.compressobj(wbits=-15)
    bomb = packed.compress(b" " * 15_000_000) + packed.flush(zlib.Z_SYNC_FLUSH)
    async with await RawSocket.open(line, line.token, offer) as raw:
        assert b"extensions" not in raw.head.lower()
        assert (await ended(raw, [text(bomb[:-4], rsv=4)])).code == broken(1002)


@pytest.mark.daphne_cannot("bounds")
async def test_who_does_not_answer_a_close_is_cut_off(settings, raw):
    settings.SOCKET_CLOSE_S = 0.2
    await raw.send(frame(BINARY))
    while (await raw.next())[0] != CLOSE:
        pass
    async with asyncio.timeout(3):
        with contextlib.suppress(ConnectionError):
            assert await raw.reader.read() == b""
