"""Parley as it is run, its access checks and idempotency on, and the same with one thing changed."""

from typing import ClassVar

import msgspec

from bench.people.crowd import Crowd, Populated
from bench.servers.base import Server
from devtools.environment import PYTHON, VENV
from devtools.processes import Command

# Counted towards, as in production, and not reached: a few people send all there is, from one address.
LIMITS = dict.fromkeys(
    (
        "SENDS_PER_S", "SENDS_BURST", "REQUESTS_PER_S", "REQUESTS_BURST", "REQUESTS_AT_ONCE",
        "FRAMES_PER_S", "FRAMES_BURST", "SOCKETS_PER_PERSON", "UNKNOWN_SOCKETS_PER_ADDRESS", "LOGINS_PER_MINUTE", "SESSIONS_PER_PERSON",
        "SUBSCRIBED_ROOMS_PER_S", "SUBSCRIBED_ROOMS_BURST", "ROOMS_PER_PERSON", "ROOMS_PER_PERSON_BY_OTHERS",
        "ADDED_PEOPLE_PER_MINUTE", "ADDED_PEOPLE_BURST", "HANDSHAKES_PER_S", "HANDSHAKES_BURST",
    ),
    "1000000",
)  # fmt: skip

# Production's settings, without TLS in front; tokens outlive the longest scenario.
SETTINGS = LIMITS | {
    "DEBUG": "0",
    "ALLOWED_HOSTS": "127.0.0.1",
    "SECURE_SSL_REDIRECT": "0",
    "ACCESS_TOKEN_S": "86400",
    "DJANGO_SETTINGS_MODULE": "backend.settings",
}


class Parley(Server):
    title = "Parley"
    wire = "parley"
    template = "parley"

    def command(self) -> Command:
        return [PYTHON, "manage.py", "serve", "--port", str(self.port)]

    def prepare(self) -> None:
        self.env |= SETTINGS | {"REDIS_PREFIX": f"parley-{self.port}"}
        self.env["DATABASE_URL"] = self.stores.copy(self.template or "", self._migrate)

    def populate(self, crowd: Crowd) -> Populated:
        printed = self.helper([PYTHON, "-m", "bench.people.parley"], msgspec.json.encode(crowd))
        return msgspec.json.decode(printed, type=Populated)

    def _migrate(self, url: str) -> None:
        self.env["DATABASE_URL"] = url
        self.helper([PYTHON, "manage.py", "migrate", "--verbosity", "0"])


class ParleyOnDaphne(Parley):
    title = "Parley on daphne"

    def command(self) -> Command:
        return [VENV / "bin" / "daphne", "-p", str(self.port), "backend.asgi:application"]


class ParleyTwoWorkers(Parley):
    title = "Parley, 2 workers"

    def command(self) -> Command:
        return [*super().command(), "--workers", "2"]


class ParleyOnSqlite(Parley):
    """The embedded default, but with DEBUG off."""

    title = "Parley on SQLite"

    def prepare(self) -> None:
        self.env |= SETTINGS | {"REDIS_URL": ""}
        self._migrate(f"sqlite:///{self.folder}/bench-{self.port}.sqlite3")


class Drf(Parley):
    """History alone: the views are stock, server, pool, JWTs and tables are Parley's."""

    title = "DRF ModelSerializer + CursorPagination"
    settings: ClassVar[str] = "bench.baselines.drf.settings"
    stock_history = True

    def prepare(self) -> None:
        super().prepare()
        self.env["DJANGO_SETTINGS_MODULE"] = self.settings
