import pytest
from django.test import Client

from tests.backend.urls_that_fail import __name__ as failing_urls


@pytest.fixture(params=[False, True], ids=["production", "debug"])
def client(request, settings) -> Client:
    """A client of the whole middleware, with DEBUG off and on; a crash is an answer, not an exception."""
    settings.DEBUG = request.param
    settings.ROOT_URLCONF = failing_urls
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    settings.CORS_ALLOWED_ORIGIN_REGEXES = []
    return Client(raise_request_exception=False)
