"""WebSocket frames byte by byte: what no library sends, and a strict reading of what a server answers."""

import asyncio
import base64
import os
import struct
from dataclasses import dataclass, field
from typing import Any, Self

from tests.client.strict_json import loads
from tests.daphne_server import SERVER

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"  # RFC 6455, section 5.7
TIMEOUT_S = 10.0


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    declared: int | None = None,
    length_bytes: int | None = None,
) -> bytes:
    """A frame as a client writes it (RFC 6455, section 5.2), unless told otherwise.

    Args:
        rsv: the three reserved bits as a number, RSV1 is 4.
        mask: four bytes; None leaves payload and mask bit out.
        declared: the length it says to have.
        length_bytes: in how many bytes it says so, 1, 2 or 8; the fewest by default.
    """
    size = len(payload) if declared is None else declared
    if length_bytes is None:
        length_bytes = 1 if size < 126 else 2 if size < 65_536 else 8
    masked = 0 if mask is None else 0x80
    if length_bytes == 1:
        length = struct.pack("!B", masked | size)
    elif length_bytes == 2:
        length = struct.pack("!BH", masked | 126, size)
    else:
        length = struct.pack("!BQ", masked | 127, size)
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + length
    if mask is None:
        return head + payload
    key = mask * (len(payload) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, key, strict=False))


def text(payload: str | bytes, **how: Any) -> bytes:
    """A text frame."""
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload, **how)


def close(code: int | None = None, reason: bytes = b"", **how: Any) -> bytes:
    """A close frame."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason, **how)


@dataclass
class Ending:
    """What came up to the end of the line, a close being answered: `code` is None where no close frame did, as for 1006."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)
    code: int | None = None
    reason: bytes = b""

    @property
    def errors(self) -> list[str]:
        """The codes of the `error` frames that answer no frame."""
        said = [loads(payload.decode()) for opcode, payload in self.frames if opcode == TEXT]
        return [each["code"] for each in said if each["type"] == "error" and each["id"] is None]


class RawSocket:
    """A line on which any bytes may be sent. Whatever comes back must be as RFC 6455 has it of a server."""

    status = 0
    head = b""
    finished = False

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def dial(cls, server: Any) -> Self:
        """Only the line."""
        return cls(*await asyncio.open_connection("127.0.0.1", server.port))

    @classmethod
    async def open(cls, server: Any, token: str | None = None, headers: str = "", early: bytes = b"") -> Self:
        """The line and the handshake; `early` is sent in one piece with it. With a token, `welcome` is read."""
        raw = await cls.dial(server)
        await raw.send(handshake(token, headers) + early)
        await raw.accepted()
        if token is not None:
            assert raw.status == 101, raw.head
            assert loads((await raw.next())[1].decode())["type"] == "welcome"
        return raw

    async def accepted(self) -> None:
        """The head of the answer to the handshake."""
        async with asyncio.timeout(TIMEOUT_S):
            self.head = await self.reader.readuntil(b"\r\n\r\n")
        self.status = int(self.head.split(b" ", 2)[1])

    async def send(self, *pieces: bytes) -> None:
        """Each piece by itself, as well as TCP lets one say so."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def next(self) -> tuple[int, bytes]:
        """The next frame: its opcode and payload."""
        async with asyncio.timeout(TIMEOUT_S):
            first, second = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80, f"fragmented, or a reserved bit: {first:02x}"
            assert first & 0x0F in (TEXT, CLOSE, PING, PONG)
            assert second < 0x80, "masked"
            size = second
            if second == 126:
                [size] = struct.unpack("!H", await self.reader.readexactly(2))
                assert size > 125
            elif second == 127:
                [size] = struct.unpack("!Q", await self.reader.readexactly(8))
                assert size > 65_535
            assert size < 126 or first & 0x0F == TEXT, "a long control frame"
            return first & 0x0F, await self.reader.readexactly(size)

    async def several(self, number: int) -> list[tuple[int, bytes]]:
        return [await self.next() for _ in range(number)]

    async def end(self) -> Ending:
        """All that comes until the line is closed or cut; after a close frame nothing may."""
        ending = Ending()
        try:
            while True:
                opcode, payload = await self.next()
                assert ending.code is None, f"after the close: {opcode} {payload!r}"
                if opcode == CLOSE:
                    [ending.code] = struct.unpack("!H", payload[:2]) if payload else [1005]
                    ending.reason = payload[2:]
                    payload[2:].decode()
                    if not self.finished:
                        await self.send(frame(CLOSE, payload))
                else:
                    ending.frames.append((opcode, payload))
        except (asyncio.IncompleteReadError, ConnectionError):
            return ending

    def finish(self) -> None:
        """Send no more."""
        self.finished = True
        self.writer.write_eof()

    def cut(self) -> None:
        """Gone without a word."""
        self.writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()


def handshake(token: str | None = None, headers: str = "", path: str = "/ws/v1/") -> bytes:
    """A client's opening handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    bearer = "" if token is None else f"Authorization: Bearer {token}\r\n"
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{bearer}{headers}\r\n"
    ).encode()


def broken(code: int) -> int | None:
    """What a client sees of the close for a broken frame: `CANNOT["broken"]`."""
    return None if SERVER == "daphne" else code
