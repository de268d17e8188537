"""Django's ASGI handler with bodies bounded, also those of no stated length, and its own refusals in JSON.

A request changes threads once, for its view: each time costs a twentieth of what a page of history does.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import wraps
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from backend.errors import problem_for_status
from backend.turns import AFTERWARDS
from common.db import release_connection
from common.hosts import host_allowed

_IDLE_THREADS = 16  # kept for the requests to come: more are under way at once in bursts alone


class Request(ASGIRequest):
    """Django's, which with DEBUG on may also come by the names of common.hosts."""

    def get_host(self) -> str:
        """The Host header; DisallowedHost where nobody may reach us by it."""
        host: str = self._get_raw_host()  # type: ignore[attr-defined]  # the stubs leave it out
        return host if host_allowed(host) else super().get_host()


class Handler(ASGIHandler):
    """Keeps no more of a body than may be sent, and answers in JSON also where there is no request yet."""

    request_class = Request

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[ThreadPoolExecutor] = []

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; what was left under AFTERWARDS is done however that ends.

        As Django's own, but that the thread of the view is one that served others before, and that nothing else
        happens there: Django has a new one for each request, and one more to wait for its end, and goes there for
        the signals too.
        """
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "request")
        ended = False
        try:
            with ExitStack() as afterwards:
                async with ThreadSensitiveContext(executor=thread):
                    await self._serve({**scope, AFTERWARDS: afterwards}, receive, send, thread)
            ended = True
        finally:
            if ended and len(self._idle) < _IDLE_THREADS:
                self._idle.append(thread)
            else:
                thread.shutdown(wait=False)

    async def _serve(self, scope: Any, receive: Any, send: Any, thread: ThreadPoolExecutor) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            set_script_prefix(get_script_prefix(scope))
            request_started.send(sender=type(self), scope=scope)
            request, refusal = self.create_request(scope, body)
            if refusal is not None:
                await self.send_response(refusal, send)
                refusal.close()
                return
            left = asyncio.create_task(self.listen_for_disconnect(receive))
            answer = asyncio.create_task(self._answer(request, send))
            try:
                await asyncio.wait((left, answer), return_when=asyncio.FIRST_COMPLETED)
            finally:
                left.cancel()
                answer.cancel()
            await asyncio.gather(left, answer, return_exceptions=True)
            if answer.cancelled():
                # The view goes on, with this body, and has its caller's turn (backend/turns.py) until it ends.
                await asyncio.wrap_future(thread.submit(_nothing))
                request_finished.send(sender=type(self))
            else:
                answer.result().close()

    async def _answer(self, request: Any, send: Any) -> HttpResponseBase:
        response: HttpResponseBase = await self.run_get_response(request)
        with suppress(asyncio.CancelledError):  # the client left
            await self.send_response(response, send)
        return response

    def make_view_atomic(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """The view, which renders its answer and gives its connection back, in the thread it took it in.

        Django itself renders afterwards, and keeps the connection until the answer is sent, and so for as long as
        its reader likes.
        """
        atomic: Callable[..., Any] = super().make_view_atomic(view)
        if iscoroutinefunction(atomic):
            return atomic

        @wraps(atomic)
        def released(*args: Any, **kwargs: Any) -> Any:
            reset_queries()  # of the thread's last request
            try:
                return _rendered(atomic(*args, **kwargs))
            finally:
                release_connection()
                close_old_connections()

        return released

    async def read_body(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> IO[bytes]:
        """The body's first BODY_MAX_BYTES + 1 bytes: enough to see that there is too much.

        Django's own would write all of it to the disk, whatever its size.
        """
        body = tempfile.SpooledTemporaryFile(settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115 (Django closes it)
        room = settings.BODY_MAX_BYTES + 1
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                body.close()
                raise RequestAborted
            chunk = message.get("body", b"")[:room]
            room -= len(chunk)
            body.write(chunk)
            more = message.get("more_body", False)
        body.seek(0)
        return body

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponse]:
        """The request, or the answer to what is none (a query string that is no text)."""
        request, refusal = super().create_request(scope, body_file)
        if refusal is None:
            assert request is not None
            size = body_file.seek(0, os.SEEK_END)
            body_file.seek(0)
            # DRF takes a body of no stated length (Transfer-Encoding: chunked) for none at all.
            request.META.setdefault("CONTENT_LENGTH", str(size))
            # Django compares each of its types with each; no browser sends so many.
            if len(request.META.get("HTTP_ACCEPT", "")) > settings.ACCEPT_MAX_CHARS:
                request.META["HTTP_ACCEPT"] = "*/*"
            return request, None
        return None, problem_for_status(refusal.status_code)


def _nothing() -> None:
    """For a thread that is to have ended what it does."""


def _rendered(response: Any) -> Any:
    """The answer, with its content made where that is a step of its own, as it is of DRF's and of templates."""
    if callable(getattr(response, "render", None)):
        response = response.render()
        response.render = None  # or Django would go to the thread for it once more
        # DRF's refers to itself by its context: else all that it is made of would be left to the collector.
        response.data = response.renderer_context = None
    return response
