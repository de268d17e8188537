"""The URLs for operators: alive, ready, and what is here."""

import threading

import pytest
from channels.layers import InMemoryChannelLayer
from django.db import OperationalError

from backend import service
from tests.backend.test_errors import problem_of


class BrokenLayer(InMemoryChannelLayer):
    """A bus that refuses every message."""

    async def group_send(self, group, message):
        raise ConnectionError("refused")


class HangingLayer(InMemoryChannelLayer):
    """A bus that takes messages and never says so."""

    async def group_send(self, group, message):
        await self.receive("nothing ever comes here")


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """What answers may take its time, on a machine that does much else."""
    monkeypatch.setattr(service, "READY_S", 30.0)


@pytest.fixture
def ready_s(monkeypatch, patient):
    """Short patience, for what never answers anyway; what does may be too late for it, too."""
    monkeypatch.setattr(service, "READY_S", 0.05)


@pytest.fixture
def other_layer(settings):
    """Replaces the bus by one of this module."""

    def replace(name):
        settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"tests.backend.test_service.{name}"}}

    return replace


def missing(response):
    body = problem_of(response, 503, "unavailable")
    assert response["Retry-After"] == "1"
    return {error["attr"] for error in body["errors"]}


def test_alive_needs_no_database(client):
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_with_database_bus_and_migrations(client):
    response = client.get("/readyz")
    assert response.status_code == 200, response.content
    assert response.json() == {"status": "ok"}


@pytest.mark.django_db
@pytest.mark.parametrize("layer", ["BrokenLayer", "HangingLayer"])
def test_a_bus_that_fails_or_hangs_is_named(client, other_layer, ready_s, layer):
    other_layer(layer)
    assert "bus" in missing(client.get("/readyz"))


def test_a_database_that_fails_is_named_alone_as_nobody_can_know_of_its_migrations(client, monkeypatch):
    def fail():
        raise OperationalError("refused")

    monkeypatch.setattr(service, "_database_answers", fail)
    assert missing(client.get("/readyz")) == {"database"}


def test_a_database_that_hangs_is_named_in_time_however_often_one_asks(client, monkeypatch, ready_s):
    release = threading.Event()
    monkeypatch.setattr(service, "_database_answers", lambda: release.wait(30))
    try:
        for _ in range(4):
            assert "database" in missing(client.get("/readyz"))
    finally:
        release.set()


@pytest.mark.django_db
def test_migrations_that_wait_are_named_and_asked_for_only_until_they_were_there(client, monkeypatch):
    plans = [["a migration"], []]
    monkeypatch.setattr(service, "_migrated", set())
    monkeypatch.setattr(service.MigrationExecutor, "migration_plan", lambda self, targets: plans.pop(0))
    assert missing(client.get("/readyz")) == {"migrations"}
    assert client.get("/readyz").status_code == 200
    assert client.get("/readyz").status_code == 200  # a third plan would raise


def test_the_index_is_json_for_programs(client, settings):
    settings.DOCS_ENABLED = True
    for accept in ("application/json", "*/*", ""):
        about = client.get("/", headers={"Accept": accept}).json()
        assert about == {
            "name": "Parley",
            "version": settings.VERSION,
            "api": "/api/v1/",
            "socket": "/ws/v1/",
            "health": "/healthz",
            "ready": "/readyz",
            "docs": "/api/docs/",
            "redoc": "/api/redoc/",
            "schema": "/api/schema/",
        }


def test_the_index_is_a_page_for_browsers(client, settings):
    settings.DOCS_ENABLED = True
    response = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert response["Content-Type"].startswith("text/html")
    assert "accept" in response["Vary"].lower()
    page = response.content.decode()
    assert settings.VERSION in page
    for href in ("/api/docs/", "/api/redoc/", "/api/schema/", "/healthz", "/readyz"):
        assert f'href="{href}"' in page


def test_the_index_hides_documents_that_are_off(client, settings):
    settings.DOCS_ENABLED = False
    assert not client.get("/").json().keys() & {"docs", "redoc", "schema"}
    # The page would need its style sheet, which is not served then either.
    assert client.get("/", headers={"Accept": "text/html"}).json() == client.get("/").json()
