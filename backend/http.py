"""Django's ASGI handler with bodies bounded, also those of no stated length, and its own refusals in JSON."""

import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from typing import IO, Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponse

from backend.errors import problem_for_status
from backend.turns import AFTERWARDS
from common.db import release_connection
from common.hosts import host_allowed


class Request(ASGIRequest):
    """Django's, which with DEBUG on may also come by the names of common.hosts."""

    def get_host(self) -> str:
        """The Host header; DisallowedHost where nobody may reach us by it."""
        host: str = self._get_raw_host()  # type: ignore[attr-defined]  # the stubs leave it out
        return host if host_allowed(host) else super().get_host()


class Handler(ASGIHandler):
    """Keeps no more of a body than may be sent, and answers in JSON also where there is no request yet."""

    request_class = Request

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; what was left under AFTERWARDS is done however that ends."""
        with ExitStack() as afterwards:
            await super().handle({**scope, AFTERWARDS: afterwards}, receive, send)

    def make_view_atomic(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """The view, which gives its connection back when it has its answer, in the thread it took it in.

        Django itself keeps it until the answer is sent, and so for as long as its reader likes.
        """
        atomic: Callable[..., Any] = super().make_view_atomic(view)
        if iscoroutinefunction(atomic):
            return atomic

        @wraps(atomic)
        def released(*args: Any, **kwargs: Any) -> Any:
            try:
                return atomic(*args, **kwargs)
            finally:
                release_connection()

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
