"""The headers that lock answers down are on every answer of every operation (FAULTS B37).

tests/backend/test_middleware.py has the pages, the crashes and CORS, tests/backend/test_errors.py the poisoned Host.
No cookie is set anywhere, so there is nothing a forged request could use.
"""

import pytest
from django.test import Client

from tests import api
from tests.contract.document import operations

pytestmark = pytest.mark.django_db

CALLS = {operation.id: operation for operation in operations()}
LOCKED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}


@pytest.fixture(autouse=True)
def as_in_production(settings, monkeypatch):
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    # The middleware of a client reads them once.
    monkeypatch.setattr(api._threads, "client", Client(), raising=False)


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_every_answer_is_locked_down(story, operation):
    for viewer in ("owner", "nobody"):
        answer = story.ask(CALLS[operation], viewer, "private", mine=True)
        assert {name: answer.headers.get(name) for name in LOCKED} == LOCKED, viewer
        assert answer.headers["Content-Security-Policy"].startswith(
            "default-src 'none'; frame-ancestors 'none'"
        )
        assert not answer.headers.keys() & {"Server", "X-Powered-By", "Set-Cookie"}
