"""Our uvicorn protocols: httptools and websockets-sansio with what a chat server needs beside them.

The one place that reaches into uvicorn. They are plugged in at uvicorn's `http=` and `ws=`; the
application sees of it the scope extension `parley.transport`, and works without it.
"""

from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

_HEADERS_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


class ParleyHttpProtocol(HttpToolsProtocol):
    """Answers 431 to a request whose URL and headers have over HEADER_MAX_BYTES; httptools has no bound."""

    _head_bytes = 0
    _in_head = False

    def data_received(self, data: bytes) -> None:
        """Counts what httptools keeps to itself: a header that does not end is no header yet."""
        before = self._head_bytes
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes = max(self._head_bytes, before + len(data))
            if self._too_large():
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins, the first or a later one of the connection."""
        self._head_bytes, self._in_head = 0, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """The URL, or a part of it."""
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header."""
        self._head_bytes += len(name) + len(value)
        if self._too_large():
            raise ValueError  # ends the parsing: `send_400_response`
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """What follows is body, which the application bounds."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """For what is no HTTP, or too much of it."""
        if self._too_large():
            self.transport.write(_HEADERS_TOO_LARGE)
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _too_large(self) -> bool:
        return self._head_bytes > settings.HEADER_MAX_BYTES


class ParleyWebSocketProtocol(WebSocketsSansIOProtocol):
    """Offers `scope["extensions"]["parley.transport"]`: itself, as `gateway.outbox.Transport`.

    Not with an extension negotiated (compression): then frames are not the same for everybody.
    """

    def write(self, frames: bytes) -> None:
        """Whole, unmasked frames, past the library that would frame each for each socket."""
        if not (self.close_sent or self.transport.is_closing()):
            self.transport.write(frames)

    def waiting(self) -> int:
        """Bytes written that the kernel has not taken yet."""
        size: int = self.transport.get_write_buffer_size()
        return size

    async def drained(self) -> None:
        """Return when the transport's buffer is below its low water mark, or the line is gone."""
        await self.writable.wait()

    def abort(self) -> None:
        """Cut the line at once.

        uvicorn itself only ever closes a transport, which waits for a reader that does not read, for as
        long as TCP lets it.
        """
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answers what is no handshake (a header line over 8 kB): uvicorn would leave it open, silently."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not (self.handshake_initiated or self.close_sent):
            self.handshake_complete = self.close_sent = True
            self.transport.write(_HEADERS_TOO_LARGE)
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """The handshake has come: the scope is made and the application started."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None and not self.conn.extensions:  # None: refused as no WebSocket handshake
            scope["extensions"]["parley.transport"] = self

    async def send(self, message: Any) -> None:
        """After a close the peer has `close_timeout` to answer; then the line is cut, not just closed."""
        await super().send(message)
        if message["type"] == "websocket.close" and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """The peer is dead or took nothing for the whole time: nothing is left to wait for."""
        super().keepalive_timeout()
        self.transport.abort()
