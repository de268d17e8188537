"""What every HTTP answer gets: its request's id, a line in the log, and headers that lock it down."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from backend.either_way import EitherWay
from backend.errors import bad_request, expected, problem_for_status
from common.ids import new_id
from common.problems import PROBLEM_JSON

logger = structlog.get_logger(__name__)

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Parts of our URLs that let whoever knows them in: not for the log.
_SECRET_PARTS = ("secret", "code", "token")
PROBES = ("/healthz", "/readyz")  # where health is asked for, by whoever restarts what does not answer
_PATH_MAX_CHARS = 512  # of a line in the log
_ADMIN_FILES = "/static/admin/"
# An answer of the API is data: should a browser ever show one as a page, it runs and loads nothing.
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class RequestIdMiddleware(EitherWay):
    """Outermost: binds `request_id` for the log, echoes it, logs one line, completes the headers.

    An error that Django or a middleware below answers in its own words, as Django does with DEBUG on
    (a traceback with the settings), becomes a problem here; its headers (CORS) stay.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._call_async(request)
        request_id = _request_id(request)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            started = time.perf_counter()
            response = self.get_response(request)
            assert isinstance(response, HttpResponseBase)
            return _finish(request, response, request_id, started)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Views that are not DRF's (pages, streams) raise the same errors and answer alike."""
        return expected(exception)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        request_id = _request_id(request)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            started = time.perf_counter()
            response = self.get_response(request)
            assert not isinstance(response, HttpResponseBase)
            return _finish(request, await response, request_id, started)


class HostMiddleware(CommonMiddleware):
    """Django's, which refuses a Host that is not in ALLOWED_HOSTS, but not where health is asked for.

    Whoever does so asks a process by its address (a balancer, Docker, Kubernetes), and nothing in the
    answer depends on the name.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        """None lets the request through."""
        if request.path_info in PROBES:
            return None
        try:
            return super().process_request(request)
        except DisallowedHost as error:
            return bad_request(request, error)


async def _without_a_thread(self: Any, request: HttpRequest) -> HttpResponseBase:
    """`MiddlewareMixin.__acall__`, for middleware that waits for nothing: it looks at the request, or sets a header.

    Django changes threads and back for each `process_request` and each `process_response`.
    """
    response = self.process_request(request) if hasattr(self, "process_request") else None
    if response is None:
        response = await self.get_response(request)
    answer: HttpResponseBase = (
        self.process_response(request, response) if hasattr(self, "process_response") else response
    )
    return answer


# Not subclasses: `check --deploy` goes by the names in MIDDLEWARE.
for _quick in (SecurityMiddleware, HostMiddleware, XFrameOptionsMiddleware):
    _quick.__acall__ = _without_a_thread  # type: ignore[method-assign]


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise for the files of the documents and of the admin, also between asynchronous middleware.

    Its own is synchronous alone: every request, of the API too, would change threads and back for
    it, and its files be read by Django with a warning each. What is switched off has no files.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._call_async(request)
        static_file = self._file(request)
        response: HttpResponseBase = (
            self.get_response(request) if static_file is None else self._read(static_file, request)
        )
        return response

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        static_file = self._file(request)
        if static_file is None:
            response: HttpResponseBase = await self.get_response(request)
            return response
        return await asyncio.to_thread(self._read, static_file, request)

    def _file(self, request: HttpRequest) -> StaticFile | None:
        of_admin = request.path_info.startswith(_ADMIN_FILES)
        switched_on = settings.ADMIN_ENABLED if of_admin else settings.DOCS_ENABLED
        return self.files.get(request.path_info) if switched_on else None

    def _read(self, static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        """The answer with its file in memory: a megabyte or two."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file:
                content = found.file.read()
        response = HttpResponse(content, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response


def _request_id(request: HttpRequest) -> str:
    """The client's or proxy's own id where it is a plain one, else a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _SANE_ID.fullmatch(given) else str(new_id())


def _finish(
    request: HttpRequest, response: HttpResponseBase, request_id: str, started: float
) -> HttpResponseBase:
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        _say_it_in_json(response)
    headers = response.headers
    headers["X-Request-ID"] = request_id
    headers.setdefault("Content-Security-Policy", _API_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    # Answers are somebody's own; a view whose answer may be kept says so itself.
    headers.setdefault("Cache-Control", "no-store")
    logger.info(
        "request",
        method=request.method,
        path=_loggable_path(request),
        status=response.status_code,
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
    )
    return response


def _say_it_in_json(response: HttpResponseBase) -> None:
    """Put a problem in the place of an error in any other words."""
    if not isinstance(response, HttpResponse) or response.get("Content-Type", "") == PROBLEM_JSON:
        return
    substitute = problem_for_status(response.status_code)
    response.status_code = substitute.status_code  # 416, say, is none of ours: `invalid`
    response.content = substitute.content
    for name, value in substitute.items():
        response[name] = value
    response["Content-Length"] = str(len(response.content))
    del response["Content-Encoding"]  # of a file


def _loggable_path(request: HttpRequest) -> str:
    """The path without query string, without those parts of it that are credentials, short, and on one line."""
    path = request.path
    match = request.resolver_match
    if match is not None:
        for name in _SECRET_PARTS:
            if name in match.kwargs:
                path = path.replace(str(match.kwargs[name]), f"[{name}]")
    if len(path) > _PATH_MAX_CHARS:
        path = path[:_PATH_MAX_CHARS] + "…"
    if path.isprintable():
        return path
    # A terminal would obey escape sequences and turn the line around.
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in path)
