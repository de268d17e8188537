"""Every URL of the server. What is none of them answers `not_found` like anything that is not there."""

from django.conf import settings
from django.urls import include, path, re_path

from backend.errors import bad_request, not_found, permission_denied, server_error
from backend.service import HealthView, ReadyView, index
from openapi.pages import redoc, redoc_bundle, schema, swagger

urlpatterns = [
    path("", index, name="index"),
    path("healthz", HealthView.as_view(), name="healthz"),
    path("readyz", ReadyView.as_view(), name="readyz"),
    path("api/schema/", schema, name="schema"),
    path("api/docs/", swagger, name="swagger"),
    path("api/redoc/", redoc, name="redoc"),
    path("api/redoc/redoc.js", redoc_bundle, name="redoc-bundle"),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("messaging.urls")),  # before rooms/{id}/…: rooms/direct/… is no room's id
    path("api/v1/", include("rooms.urls")),
    *([path(settings.ADMIN_PATH, include("backend.operator_urls"))] if settings.ADMIN_ENABLED else []),
    # A view, and not only handler404, which Django passes over with DEBUG on.
    re_path(r"", not_found),
]

handler400 = bad_request
handler403 = permission_denied
handler404 = not_found
handler500 = server_error
