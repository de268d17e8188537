"""All URLs, and those of the admin, as with ADMIN_ENABLED."""

from django.urls import include, path

from backend import urls

urlpatterns = [path("operators/", include("backend.operator_urls")), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = (
    urls.handler400,
    urls.handler403,
    urls.handler404,
    urls.handler500,
)
