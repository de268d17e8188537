"""Our uvicorn WebSocket protocol: websockets-sansio with what a chat server needs beside it.

Plugged in at uvicorn's `ws=`; the application sees of it the scope extension `parley.transport`, and
works without it. With gateway/http_protocol.py the one place that reaches into uvicorn.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from gateway.frames import closing_frame, ready_frame
from gateway.http_protocol import headers_too_large

logger = logging.getLogger(__name__)

_PIECE_BYTES = 4_096  # taken apart at once, up to 682 frames: 256 kB, as they are read, can be 43,000
_PONGS_AHEAD_MAX = 20  # answers to pings that may wait for a reader who reads slowly


class Line:
    """The line below one socket's frames: a `gateway.direct_outbox.Transport`.

    Beside the protocol, whose attributes are so many that each is looked up in a dictionary of its own.
    """

    __slots__ = ("_protocol", "_transport", "open", "waiting")

    def __init__(self, protocol: "ParleyWebSocketProtocol") -> None:
        self._protocol = protocol
        self._transport: Any = protocol.transport
        self.open = True
        # The transport's own count is offered as it is: each frame to each socket asks for it.
        self.waiting: Callable[[], int] = self._transport.get_write_buffer_size

    def write(self, frames: bytes) -> None:
        """Whole, unmasked frames, past the library that would frame each for each socket."""
        if self.open and not self._transport.is_closing():
            self._transport.write(frames)

    async def drained(self) -> None:
        """Return when the transport's buffer is below its low water mark, or the line is gone."""
        await self._protocol.writable.wait()

    def abort(self) -> None:
        """Cut the line at once.

        uvicorn itself only ever closes a transport, which waits for a reader that does not read, for as
        long as TCP lets it.
        """
        self._transport.abort()

    def unanswered_s(self) -> float:
        """How many seconds a ping has waited for its answer; 0 where none does."""
        protocol = self._protocol
        return 0.0 if protocol.pending_ping_payload is None else protocol.loop.time() - protocol.ping_sent_at


class ParleyWebSocketProtocol(WebSocketsSansIOProtocol):
    """Offers `scope["extensions"]["parley.transport"]`: its line.

    Not with an extension negotiated (compression): then frames are not the same for everybody.
    """

    line: Line | None = None
    _close_sent = False
    _fragments = 0
    _controls = 0
    _controls_since = 0.0
    _pongs_ahead = 0
    _early = b""
    _unread = b""
    _taking = False
    _discarded = 0

    @property
    def close_sent(self) -> bool:
        """Whether uvicorn has sent its close: nothing may follow it."""
        return self._close_sent

    @close_sent.setter
    def close_sent(self, sent: bool) -> None:
        self._close_sent = sent
        if self.line is not None:
            self.line.open = not sent

    def handle_cont(self, event: Frame) -> None:
        """A part of a frame; empty ones would count towards no other bound."""
        self._fragments = 0 if event.fin else self._fragments + 1
        if self._fragments > settings.SOCKET_FRAGMENTS_MAX:
            self._flooded("fragments")
        else:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answered, but to a reader who reads nothing only so often: the answers would pile up."""
        self._count_control()
        if self.writable.is_set():
            self._pongs_ahead = 0
        self._pongs_ahead += 1
        if self._pongs_ahead > _PONGS_AHEAD_MAX:
            self.conn.data_to_send()  # the pong, made already: RFC 6455 section 5.5.3 lets it be left out
        else:
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Asked for or not."""
        self._count_control()
        super().handle_pong(event)

    def _count_control(self) -> None:
        now = self.loop.time()
        if now - self._controls_since > 1:
            self._controls, self._controls_since = 0, now
        self._controls += 1
        if self._controls > settings.SOCKET_CONTROLS_PER_S:
            self._flooded("control frames")

    def _flooded(self, what: str) -> None:
        if not self.transport.is_closing():
            logger.info("a socket sent too many %s", what)
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answers what is no handshake (a header line over 8 kB): uvicorn would leave it open, silently.

        What comes before the handshake is answered waits for that: answered at once, it would come before the 101.
        """
        if self.handshake_initiated and not self.handshake_complete:
            self._early += data
            self.transport.pause_reading()
            return
        if self.handshake_complete:
            self._unread += data
            if self._taking:
                self.transport.pause_reading()
            else:
                self._take()
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not (self.handshake_initiated or self.close_sent):
            self.handshake_complete = self.close_sent = True
            self.transport.write(headers_too_large())
            self.transport.close()

    def _take(self) -> None:
        """The next piece of what came; more of it when the application has all frames of this one.

        Others have their turn in between. After a close that was sent nobody waits for frames: so many are
        discarded as may be read ahead, then the line is not read any more, until it is cut.
        """
        self._taking = False
        piece, self._unread = self._unread[:_PIECE_BYTES], self._unread[_PIECE_BYTES:]
        if self.conn.parser_exc is None and not self.transport.is_closing():
            super().data_received(piece)
        if self.transport.is_closing():
            self._unread = b""
        elif self._discarded > settings.SOCKET_INBOX_MAX_FRAMES:
            self._unread = b""
            self.transport.pause_reading()
        elif self._unread:
            self.transport.pause_reading()
            if self.queue.empty() or self.close_sent:
                self._take_soon()
        elif not self.read_paused:
            self.transport.resume_reading()

    def _take_soon(self) -> None:
        self.transport.pause_reading()  # uvicorn lets it go on as soon as its queue is empty
        if not self._taking:
            self._taking = True
            self.loop.call_soon(self._take)

    async def receive(self) -> Any:
        """The next event; after the last one of a piece the next piece is due."""
        message = await super().receive()
        if self._unread and self.queue.empty():
            self._take_soon()
        return message

    def send_receive_event_to_app(self) -> None:
        """A message is here. One that is no UTF-8 closes with 1007, if no close came with it in the same data."""
        if self.close_sent:
            self.frames = []
            self._discarded += 1
            return
        with contextlib.suppress(InvalidState):
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Nothing more the client sends is understood. Of a frame too big it is told, and can read so."""
        if self.close_sent:
            return  # what still comes of it
        assert self.conn.close_sent is not None
        if self.conn.close_sent.code != CloseCode.MESSAGE_TOO_BIG:
            super().handle_parser_exception()
            return
        why = closing_frame("too_large", f"A frame has at most {settings.FRAME_MAX_BYTES} bytes.")
        self.transport.write(ready_frame(why) + b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": CloseCode.MESSAGE_TOO_BIG, "reason": ""}
        )
        # Only our half is closed: while the rest of the frame comes in unread, TCP would reset the line, and what
        # was just written would be lost.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.close_timer = self.loop.call_later(settings.SOCKET_CLOSE_S, self.transport.abort)

    def handle_connect(self, event: Request) -> None:
        """The handshake has come: the scope is made and the application started."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None and not self.conn.extensions:  # None: refused as no WebSocket handshake
            self.line = scope["extensions"]["parley.transport"] = Line(self)

    async def send(self, message: Any) -> None:
        """After a close the peer has SOCKET_CLOSE_S to answer; then the line is cut, not just closed."""
        await super().send(message)
        if self._early and self.handshake_complete and message["type"] == "websocket.accept":
            early, self._early = self._early, b""
            self.transport.resume_reading()
            self.data_received(early)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # refused: uvicorn would take it for forgotten, and log an error
        if message["type"] == "websocket.close" and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(settings.SOCKET_CLOSE_S, self.transport.abort)
            if self._unread:
                self._take_soon()

    def keepalive_timeout(self) -> None:
        """The peer is dead or took nothing for the whole time: nothing is left to wait for."""
        super().keepalive_timeout()
        self.transport.abort()
