"""The admin, for operators: its site, and what it needs of each request and the API must not have."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase

from common.db import release_connection

# Of the admin's pages: they need their own scripts, styles and forms, and nothing from elsewhere.
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
_PASSWORD_VIEWS = frozenset({"password_change", "password_change_done"})


class OperatorSite(AdminSite):
    """Django's admin for looking and for a few actions, each of which is one of our services."""

    site_header = site_title = "Parley"
    index_title = "For operators"
    site_url = None

    def get_urls(self) -> list[Any]:
        """Without those that would change a password past our service, which ends its sessions."""
        return [each for each in super().get_urls() if getattr(each, "name", None) not in _PASSWORD_VIEWS]


class OperatorMiddleware:
    """Sessions, users and messages by cookie below ADMIN_PATH, and its own policy; the rest passes untouched.

    Django's three are made for every request; here the API stays without cookies and their cost. That a
    form was not forged the admin's views check themselves.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)
        self._prefix = f"/{settings.ADMIN_PATH}"
        self._sessions = SessionMiddleware(_nothing)
        self._users = AuthenticationMiddleware(_nothing)
        self._messages = MessageMiddleware(_nothing)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if not request.path_info.startswith(self._prefix):
            passed: HttpResponseBase | Awaitable[HttpResponseBase] = self.get_response(request)
            return passed
        if self.is_async:
            return self._call_async(request)
        self._before(request)
        return self._after(request, self.get_response(request))

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        self._before(request)
        response = await self.get_response(request)
        # In the request's own thread, where the view's connection to the database is.
        return await sync_to_async(self._after_and_release, thread_sensitive=True)(request, response)

    def _after_and_release(self, request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
        """The page was rendered and the session saved after the view had given its connection back."""
        try:
            return self._after(request, response)
        finally:
            release_connection()

    def _before(self, request: HttpRequest) -> None:
        """Nothing is read yet: session and user are looked up when a view asks for them."""
        self._sessions.process_request(request)
        self._users.process_request(request)
        self._messages.process_request(request)

    def _after(self, request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
        response = self._messages.process_response(request, response)
        response = self._sessions.process_response(request, response)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response


def _nothing(request: HttpRequest) -> HttpResponseBase:
    """What stands below the three here; they are called by their halves."""
    raise NotImplementedError
