"""Our URLs, and views that fail in every way a view can."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend import urls
from common import errors
from common.rest import read_body
from realtime.objects import Author

SECRET = "sesame in /srv/parley/insides.py"

FAILURES: dict[str, type[Exception] | Exception] = {
    "crash": RuntimeError(SECRET),
    "database": OperationalError(SECRET),
    "http404": Http404(SECRET),
    "denied": PermissionDenied(SECRET),
    "suspicious": SuspiciousOperation(SECRET),
    "throttled": drf.Throttled(wait=2.2),
    "drf-denied": drf.PermissionDenied(SECRET),
    "drf-login": drf.NotAuthenticated(),
    "drf-token": drf.AuthenticationFailed(SECRET),
    "drf-fields": drf.ValidationError({"name": SECRET}),
    "drf-crash": drf.APIException(SECRET),
    "slow-mode": errors.SlowMode(retry_after_s=0.2),
    "resync": errors.Resync(reason="epoch"),
    "expired": errors.TokenExpired(),
    "field": errors.Invalid.field("rooms.0.since", "not a number"),
}


class FailingView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, failure: str) -> Response:
        raise FAILURES[failure]


class EchoView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        return Response(read_body(request, Author))


def plain(request: HttpRequest, failure: str) -> HttpResponse:
    raise FAILURES[failure]


def hook(request: HttpRequest, secret: str) -> HttpResponse:
    return HttpResponse(status=204)


urlpatterns = [
    path("api/v1/fails/<str:failure>/", FailingView.as_view()),
    path("api/v1/echo/", EchoView.as_view()),
    path("api/v1/plain/<str:failure>/", plain),
    path("api/v1/hooks/<str:secret>/", hook),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
