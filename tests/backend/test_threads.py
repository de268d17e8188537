"""A request goes to a thread for its view and for nothing else, and threads serve one request after another; and
what it took is free when it is over."""

import asyncio
import gc
import threading
import weakref

import msgspec
import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend.http import Handler
from backend.turns import when_over
from rooms.models import Room
from tests.gateway.waiting import until

entered: list[int] = []
read: list[object] = []
over: list[None] = []
go_on = threading.Event()
made: list[weakref.ref["Large"]] = []


class WhereView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        Room.objects.count()
        return Response(threading.get_ident())


class Large(msgspec.Struct, weakref=True):
    text: str


class LargeView(WhereView):
    def get(self, request: Request) -> Response:
        large = Large("x")
        made.append(weakref.ref(large))
        return Response([large])


class Rendered(SimpleTemplateResponse):
    @property
    def rendered_content(self) -> str:
        return f"{Room.objects.count() * 0 + threading.get_ident()}"


def late(request: HttpRequest) -> HttpResponse:
    """What is rendered after the view asks the database too."""
    return Rendered("")


def slow(request: HttpRequest) -> HttpResponse:
    assert isinstance(request, ASGIRequest)
    assert when_over(request.scope, lambda: over.append(None))
    entered.append(threading.get_ident())
    assert go_on.wait(30)
    return HttpResponse(str(threading.get_ident()))


def reading(request: HttpRequest) -> HttpResponse:
    """Looks at what it was sent when it has waited."""
    entered.append(threading.get_ident())
    assert go_on.wait(30)
    try:
        read.append(request.read())
    except ValueError as error:
        read.append(error)
    return HttpResponse()


def state(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(connection.connection is None))


urlpatterns = [
    path("api/v1/where/", WhereView.as_view()),
    path("api/v1/large/", LargeView.as_view()),
    path("api/v1/late/", late),
    path("api/v1/slow/", slow),
    path("api/v1/state/", state),
    path("api/v1/reading/", reading),
]


@pytest.fixture(autouse=True)
def urls(settings, transactional_db):
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    entered.clear()
    read.clear()
    over.clear()
    made.clear()
    go_on.clear()
    yield
    go_on.set()


class Visit:
    """One request to a handler; `leave` is the client's going."""

    def __init__(self, handler: Handler, where: str) -> None:
        self._left = asyncio.Event()
        self._asked = False
        self.sent: list[dict] = []
        scope = {
            "type": "http", "method": "GET", "path": f"/api/v1/{where}/", "query_string": b"",
            "http_version": "1.1", "headers": [(b"host", b"testserver")],
        }  # fmt: skip
        self.task = asyncio.create_task(handler(scope, self._receive, self._send))

    async def _receive(self):
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"The mill."}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        self.sent.append(message)

    def leave(self) -> None:
        self._left.set()

    async def body(self) -> str:
        await asyncio.wait_for(self.task, 30)
        return b"".join(message.get("body", b"") for message in self.sent).decode()


@pytest.mark.parametrize("where", ["where", "late"])
async def test_a_request_changes_threads_once(monkeypatch, where):
    loop = asyncio.get_running_loop()
    taken: list[object] = []
    real = loop.run_in_executor

    def counted(executor, *args):
        taken.append(executor)
        return real(executor, *args)

    monkeypatch.setattr(loop, "run_in_executor", counted)
    assert int(await Visit(Handler(), where).body()) != threading.get_ident()
    assert len(taken) == 1


async def test_the_next_request_has_the_same_thread_and_one_beside_it_another():
    handler = Handler()
    first = await Visit(handler, "where").body()
    assert await Visit(handler, "where").body() == first
    slow_one = Visit(handler, "slow")
    await until(lambda: entered, "the view runs", 30)
    assert str(entered[0]) == first
    other = await Visit(handler, "where").body()
    assert other != first
    go_on.set()
    assert await slow_one.body() == first


@pytest.mark.parametrize("where", ["where", "late"])
async def test_a_thread_keeps_no_connection_between_requests(where):
    handler = Handler()
    await Visit(handler, where).body()
    assert await Visit(handler, "state").body() == "True"


async def test_who_left_has_a_turn_until_the_view_ends_which_nobody_else_waits_for():
    """Else a client who asks and leaves, again and again, would have as many threads as it likes."""
    handler = Handler()
    gone = Visit(handler, "slow")
    await until(lambda: entered, "the view runs", 30)
    gone.leave()
    assert await Visit(handler, "where").body() != str(entered[0])
    assert not gone.task.done()
    assert not over
    go_on.set()
    await asyncio.wait_for(gone.task, 30)
    assert over == [None]
    assert gone.sent == []


async def test_an_answer_is_freed_without_the_collector():
    gc.disable()
    try:
        assert await Visit(Handler(), "large").body() == '[{"text":"x"}]'
        assert [large() for large in made] == [None]
    finally:
        gc.enable()


async def test_the_view_of_a_client_who_left_is_carried_out_with_what_was_sent():
    handler = Handler()
    gone = Visit(handler, "reading")
    await until(lambda: entered, "the view runs", 30)
    gone.leave()
    assert await Visit(handler, "where").body()
    go_on.set()
    await asyncio.wait_for(gone.task, 30)
    assert read == [b"The mill."]
