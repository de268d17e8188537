"""Our uvicorn WebSocket protocol: websockets-sansio with what a chat server needs beside it.

The one place that reaches into uvicorn. It is plugged in at uvicorn's `ws=`; the application sees
it as the scope extension `parley.transport` and works without it.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

_HEADERS_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


class ParleyWebSocketProtocol(WebSocketsSansIOProtocol):
    """Offers `scope["extensions"]["parley.transport"]`: {"abort": () -> None}.

    `abort` cuts the line at once. uvicorn itself only ever closes a transport, which waits for a
    reader that does not read, for as long as TCP lets it.
    """

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
        if scope is not None:  # None: refused as no WebSocket handshake
            scope["extensions"]["parley.transport"] = {"abort": self.transport.abort}

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
