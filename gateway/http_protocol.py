"""Our uvicorn HTTP protocol: httptools with bounds on what a client may send, and how slowly it may read.

Plugged in at uvicorn's `http=`. A proxy in front has such bounds too; Parley does not rely on one.
"""

import asyncio
import re
import sys
from typing import Any

from django.conf import settings
from httptools import HttpParserInvalidMethodError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from common.errors import Invalid, MethodNotAllowed, TooLarge
from gateway.refusal import raw_refusal

_METHOD = re.compile(rb"[A-Z]+ /")  # and not the first bytes of TLS


def headers_too_large() -> bytes:
    """The answer to a URL and headers over HEADER_MAX_BYTES."""
    return raw_refusal(TooLarge("The URL and the headers are too large."), 431)


class ParleyHttpProtocol(HttpToolsProtocol):
    """Bounds a request's URL, headers and trailers in bytes, its parts in time, and stalled answers.

    431 for over HEADER_MAX_BYTES; the line is cut where a head takes longer than REQUEST_HEAD_S, a body
    longer than REQUEST_BODY_S, or a reader takes of an answer less than RESPONSE_MIN_BYTES_PER_S, over
    RESPONSE_STALL_S each, or more than REQUESTS_PIPELINED_MAX requests wait for the answer to another.
    """

    _latest = b""
    _head_bytes = 0
    _counted = 0  # of them, before the last piece of data
    _quiet_bytes = 0  # since the last piece of a body
    _pieces = 0
    _in_head = False
    _answered: RequestResponseCycle | None = None
    _under_way = False
    _deadline: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The first request is due."""
        super().connection_made(transport)
        self._due_in(settings.REQUEST_HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more. uvicorn tells the request that came last, not the one under way."""
        self._leave()
        self.pipeline.clear()
        if self._answered is not None:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def handle_websocket_upgrade(self) -> None:
        """Another protocol goes on here, also with what came with the handshake, which uvicorn would drop."""
        self._leave()
        super().handle_websocket_upgrade()
        upgrade = sys.exception()  # whose argument is where the handshake ends
        if upgrade is not None and (early := self._latest[upgrade.args[0] :]):
            websocket: Any = self.transport.get_protocol()
            websocket.data_received(early)

    def data_received(self, data: bytes) -> None:
        """Counts what httptools keeps to itself: a header that does not end is no header yet."""
        self._counted, pieces = self._head_bytes, self._pieces
        self._latest = data
        super().data_received(data)
        if self._in_head:
            self._head_bytes = max(self._head_bytes, self._counted + len(data))
        elif self._under_way:
            self._quiet_bytes = self._quiet_bytes + len(data) if self._pieces == pieces else 0
        if self._under_way and self._too_large() and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins, the first or a later one of the connection.

        Cut off is who has too many wait for the answer to an earlier one: 18 bytes become 650 of ours, and
        an answer of its own would be taken for that to the first.
        """
        if len(self.pipeline) >= settings.REQUESTS_PIPELINED_MAX:
            self.transport.abort()
            raise ValueError  # ends the parsing: `send_400_response`
        self._head_bytes = self._counted = self._quiet_bytes = 0
        self._in_head = self._under_way = True
        self._due_in(settings.REQUEST_HEAD_S)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """The URL, or a part of it."""
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header, or one after the body."""
        self._head_bytes += len(name) + len(value)
        if self._too_large():
            raise ValueError  # ends the parsing: `send_400_response`
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body is due, which the application bounds in bytes."""
        self._in_head = False
        self._due_in(settings.REQUEST_BODY_S)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pieces += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here; the next is uvicorn's keep-alive timeout to wait for."""
        self._under_way = False
        if self._deadline is not None:
            self._deadline.cancel()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """For what is no HTTP, or too much of it, or of a method that HTTP does not know."""
        if self.transport.is_closing():
            return
        if self._too_large():
            answer = headers_too_large()
        elif isinstance(sys.exception(), HttpParserInvalidMethodError) and _METHOD.match(self._latest):
            answer = raw_refusal(MethodNotAllowed(), MethodNotAllowed.status)
        else:
            answer = raw_refusal(Invalid("This is not HTTP."), Invalid.status)
        self.transport.write(answer)
        self.transport.close()

    def pause_writing(self) -> None:
        """The reader is behind: see that it moves."""
        super().pause_writing()
        self._look_in(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()

    def _too_large(self) -> bool:
        return max(self._head_bytes, self._quiet_bytes) > settings.HEADER_MAX_BYTES

    def _due_in(self, delay_s: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(delay_s, self.transport.abort)

    def on_response_complete(self) -> None:
        """An answer is written; what the reader has not taken of it is still to be taken in time."""
        super().on_response_complete()
        waiting = self.transport.get_write_buffer_size()
        if waiting:
            self._look_in(waiting)

    def _look_in(self, waiting: int) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._stall = self.loop.call_later(settings.RESPONSE_STALL_S, self._look, waiting)

    def _look(self, before: int) -> None:
        waiting = self.transport.get_write_buffer_size()
        # Nothing was written meanwhile: uvicorn waits until the transport lets it go on, and of another answer
        # it is asked anew.
        if before - waiting < settings.RESPONSE_MIN_BYTES_PER_S * settings.RESPONSE_STALL_S and waiting:
            self.transport.abort()
        elif waiting:
            self._look_in(waiting)

    def _leave(self) -> None:
        for timer in (self._deadline, self._stall):
            if timer is not None:
                timer.cancel()
