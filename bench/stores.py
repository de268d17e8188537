"""PostgreSQL and Redis of a benchmark: durable, the same for every server, a new database for each."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import psycopg
from redis import Redis as Client

from devtools.processes import DevError
from devtools.services import Postgres, Redis

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
CONNECTIONS = 300  # the tutorial opens one a message, and six servers stand side by side


class Stores:
    """Both servers, running."""

    def __init__(self, postgres: Postgres, redis: Redis) -> None:
        self._postgres, self._redis = postgres, redis
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._families: dict[str, Lock] = {}  # servers are prepared side by side
        self._admin = psycopg.connect(self._url("postgres"), autocommit=True)

    @property
    def pids(self) -> dict[str, int]:
        """The roots of their process trees."""
        pids = {"postgres": self._postgres.pid, "redis": self._redis.pid}
        return {name: pid for name, pid in pids.items() if pid is not None}

    @property
    def redis_url(self) -> str:
        return self._redis.url

    def database(self, template: str | None = None) -> str:
        """The URL of a new database, empty or a copy. DevError where a commit in it would not be durable."""
        name = f"bench_{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        url = self._url(name)
        with psycopg.connect(url) as connection:
            for setting in DURABLE:
                row = connection.execute(f"SHOW {setting}").fetchone()
                if row != ("on",):
                    raise DevError(f"PostgreSQL's {setting} is not on; nothing measured here would be true.")
        return url

    def copy(self, family: str, fill: Callable[[str], None]) -> str:
        """The URL of a new database like the family's first, which `fill` made."""
        with self._families.setdefault(family, Lock()):
            if family not in self._templates:
                url = self.database()
                fill(url)
                self._templates[family] = url.rpartition("/")[2]
            return self.database(self._templates[family])

    def settle(self) -> None:
        """Write out what earlier runs left, so that no run pays for another's."""
        self._admin.execute("CHECKPOINT")

    def versions(self) -> dict[str, str]:
        """By name, as the servers say them."""
        row = self._admin.execute("SHOW server_version").fetchone()
        assert row is not None
        with Client.from_url(self._redis.url) as client:
            redis: Any = client.info("server")
        return {"PostgreSQL": str(row[0]).split()[0], "Redis": str(redis["redis_version"])}

    def close(self) -> None:
        self._admin.close()

    def _url(self, database: str) -> str:
        return self._postgres.url.rpartition("/")[0] + "/" + database


@contextmanager
def stores() -> Iterator[Stores]:
    """Servers of our own: a developer's may be set to anything."""
    postgres = Postgres(fsync=True, settings={"max_connections": str(CONNECTIONS)})
    with postgres, Redis() as redis:
        both = Stores(postgres, redis)
        try:
            yield both
        finally:
            both.close()
