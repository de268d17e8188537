"""RESP2 and RESP3 framing: a stream of Redis' replies cut into whole ones, bytes untouched."""

from dataclasses import dataclass
from typing import Any

_LINE = frozenset(b"+-:_#,(")  # one line each
_BULK = frozenset(b"$!=")  # a length, then so many bytes
_MANY = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2, ord("|"): 2}  # items a counted unit
_ATTRIBUTE = ord("|")


class _Incomplete(Exception):
    pass


@dataclass(frozen=True)
class Reply:
    """One whole reply: as it came, and its value (lists, bytes; simple types as bytes too)."""

    raw: bytes
    value: Any

    @property
    def published_on(self) -> bytes | None:
        """The channel, if this is a published message."""
        value = self.value
        if not isinstance(value, list) or len(value) < 3:
            return None
        if value[0] in (b"message", b"smessage") and len(value) == 3:
            return bytes(value[1])
        return bytes(value[2]) if value[0] == b"pmessage" and len(value) == 4 else None


class Splitter:
    """Feed it what arrives; it gives back the replies that are complete."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Reply]:
        """Raises ValueError when it is not RESP."""
        self._buffer += data
        replies, start = [], 0
        while start < len(self._buffer):
            try:
                value, end = self._parse(start)
            except _Incomplete:
                break
            replies.append(Reply(self._buffer[start:end], value))
            start = end
        self._buffer = self._buffer[start:]
        return replies

    def _parse(self, at: int) -> tuple[Any, int]:
        buffer = self._buffer
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            raise _Incomplete
        kind, rest, after = buffer[at], buffer[at + 1 : line_end], line_end + 2
        if kind in _LINE:
            return rest, after
        if kind in _BULK:
            length = int(rest)
            if length < 0:
                return None, after
            if len(buffer) < after + length + 2:
                raise _Incomplete
            return buffer[after : after + length], after + length + 2
        if kind not in _MANY:
            raise ValueError(f"not RESP: {buffer[at : at + 40]!r}")
        if int(rest) < 0:
            return None, after
        items = []
        for _ in range(int(rest) * _MANY[kind]):
            item, after = self._parse(after)
            items.append(item)
        # An attribute goes before the value it speaks of: the two are one reply.
        return self._parse(after) if kind == _ATTRIBUTE else (items, after)
