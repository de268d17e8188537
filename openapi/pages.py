"""The document and the pages that show it, from our own host alone, where DOCS_ENABLED is on.

The pages' policy forbids the browser every other host, so that they work in a closed network and
tell nobody who reads them.
"""

from collections.abc import Callable, Iterable
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.encoding import force_bytes
from django.utils.http import quote_etag
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        # Swagger UI and Redoc make style elements at run time.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src blob:",  # Redoc's search
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
_REDOC_BUNDLE = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
_REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
# No picture: Redoc then leaves it out.
_NO_LOGO = b"data:,"


def page_policy(response: HttpResponse) -> HttpResponse:
    """`response` with the policy of a page that needs scripts and styles, all of them ours."""
    response["Content-Security-Policy"] = _POLICY
    return response


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of this process: half a second the first time, then kept."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    found: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def _if_enabled(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Outermost, so that with DOCS_ENABLED off nothing tells that there is a view."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if not settings.DOCS_ENABLED:
            raise Http404
        return view(request)

    return guarded


class _Chosen(DefaultContentNegotiation):
    """The renderer that `Accept` or `?format=` names; for types we do not have the view's first."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Http404 for an unknown `?format=`."""
        offered = list(renderers)
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(request, offered, format_suffix)
        except NotAcceptable:
            return offered[0], offered[0].media_type
        return chosen


class SchemaView(APIView):
    """`GET /api/schema/`: JSON; YAML by `Accept: application/yaml` or `?format=yaml`."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    content_negotiation_class = _Chosen
    renderer_classes = (
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer2,
        OpenApiYamlRenderer,
    )

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        written, charset = request.accepted_renderer.media_type, request.accepted_renderer.charset
        content, etag = _rendered(written)
        response = HttpResponse(content, content_type=f"{written}; charset={charset}" if charset else written)
        response["Cache-Control"] = "no-cache"  # kept, and asked whether it is still the same
        response["ETag"] = etag
        return get_conditional_response(request._request, etag=etag, response=response) or response


@cache
def _rendered(media_type: str) -> tuple[bytes, str]:
    """The document as bytes with their ETag: YAML takes some 50 ms, the first time."""
    renderer = next(kind for kind in SchemaView.renderer_classes if kind.media_type == media_type)
    content = force_bytes(renderer().render(document(), renderer_context={}))
    return content, quote_etag(sha256(content).hexdigest()[:32])


schema = _if_enabled(SchemaView.as_view())


@_if_enabled
@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """Swagger UI, with "try it out" against this server."""
    return _page(request, "openapi/swagger.html")


@_if_enabled
@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """Redoc, for reading."""
    return _page(request, "openapi/redoc.html")


@_if_enabled
@require_safe
@cache_control(max_age=3600)
def redoc_bundle(request: HttpRequest) -> HttpResponse:
    """Redoc's script without its logo, which it would load from its maker's host."""
    return HttpResponse(_redoc_without_logo(), content_type="text/javascript; charset=utf-8")


@cache
def _redoc_without_logo() -> bytes:
    path = finders.find(_REDOC_BUNDLE)
    assert isinstance(path, str), "drf-spectacular-sidecar is installed"
    return Path(path).read_bytes().replace(_REDOC_LOGO, _NO_LOGO)


def _page(request: HttpRequest, template: str) -> HttpResponse:
    return page_policy(render(request, template, {"version": settings.VERSION}))
