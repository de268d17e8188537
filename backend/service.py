"""Is the process alive, can it serve, and what is here: the URLs for operators and the curious."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Annotated, Any, Literal

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import FieldError, Unavailable
from common.meaning import means
from common.schema import problems, ref
from openapi.pages import page_policy

READY_S = 1.0
"""How long the database and the bus have to answer `/readyz`, each."""

_SOCKET_PATH = "/ws/v1/"
# Nobody ever joins this group: a message to it shows that the bus takes messages, and reaches no one.
_NO_ONE = "readyz"
# Two, so that probes of a database that hangs cannot pile up: the third finds no thread in time.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz")
_migrated: set[str] = set()


class Health(msgspec.Struct, frozen=True):
    """All is well with what was asked: of `/healthz` that the process answers, of `/readyz` that it can serve."""

    status: Annotated[Literal["ok"], means("Always the same word.")] = "ok"


class HealthView(APIView):
    """`GET /healthz`: for the supervisor, which restarts what does not answer."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="healthz",
        summary="Is the process alive?",
        description="200 while the process runs. It says nothing about the database or the bus.",
        tags=["service"],
        responses={200: ref(Health)},
    )
    def get(self, request: Request) -> Response:
        """Always 200 while the process runs; it asks neither database nor bus."""
        return Response(Health())


class ReadyView(APIView):
    """`GET /readyz`: for the load balancer, which sends requests only where this is 200."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="readyz",
        summary="Can the process serve?",
        description="200, or 503 whose `errors` name what is missing: `database`, `bus`, `migrations`.",
        tags=["service"],
        responses={200: ref(Health), **problems(Unavailable)},
    )
    def get(self, request: Request) -> Response:
        """200, or 503 whose `errors` name what is missing: `database`, `bus`, `migrations`."""
        missing = what_is_missing()
        if missing:
            names = ", ".join(error.attr for error in missing)
            raise Unavailable(f"Not ready: {names}.", errors=missing, retry_after_s=1)
        return Response(Health())


def what_is_missing() -> list[FieldError]:
    """What this process lacks to serve; decided within about two READY_S whatever hangs."""
    missing = []
    if not _in_time(_database_answers):
        missing.append(FieldError("database", "unavailable", "The database does not answer."))
    elif not _in_time(_is_migrated):
        missing.append(FieldError("migrations", "unavailable", "Migrations are not applied."))
    if not _bus_answers():
        missing.append(FieldError("bus", "unavailable", "The channel layer does not answer."))
    return missing


def _in_time(question: Callable[[], bool]) -> bool:
    """`question`, asked in a thread with a connection of its own; False if it fails or takes READY_S."""
    answer: Future[bool] = _threads.submit(_asked, question)
    try:
        return answer.result(timeout=READY_S)
    except FutureTimeout:
        answer.cancel()
        return False


def _asked(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except Exception:  # whatever keeps it from answering: it is not ready
        return False
    finally:
        connection.close()


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _is_migrated() -> bool:
    """Asked again only until it was true: a later release's migrations do not concern this process."""
    database = str(connection.settings_dict["NAME"])
    if database not in _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.add(database)
    return True


def _bus_answers() -> bool:
    async def ask() -> None:
        async with asyncio.timeout(READY_S):
            await get_channel_layer().group_send(_NO_ONE, {"type": "readyz"})

    try:
        async_to_sync(ask)()
    except Exception:  # every layer fails in its own way
        return False
    return True


@require_safe
@vary_on_headers("Accept")
def index(request: HttpRequest) -> HttpResponse:
    """What is here, for programs as JSON and for browsers as a page, which is one of the documents."""
    links: dict[str, str] = {"health": reverse("healthz"), "ready": reverse("readyz")}
    if settings.DOCS_ENABLED:
        links |= {"docs": reverse("swagger"), "redoc": reverse("redoc"), "schema": reverse("schema")}
    about: dict[str, Any] = {
        "name": "Parley",
        "version": settings.VERSION,
        "api": "/api/v1/",
        "socket": _SOCKET_PATH,
        **links,
    }
    wants_page = request.get_preferred_type(["application/json", "text/html"]) == "text/html"
    if not (settings.DOCS_ENABLED and wants_page):
        return JsonResponse(about)
    return page_policy(render(request, "openapi/index.html", {"about": about}))
