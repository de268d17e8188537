"""A private PostgreSQL, migrated, and a private Redis, with what the faults do to them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Self

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devtools.environment import PYTHON
from devtools.processes import ROOT
from devtools.services import Postgres, Redis
from tests.limits import WIDE_ENV

SECRET_KEY = "made-up-for-the-fault-tests-and-for-nothing-else-0123456789"
MIGRATE_TIMEOUT_S = 60.0
_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'parley'"
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")  # of the caller's environment


class Stores:
    """Both run while the object is entered. `postgres`: further settings of its server, by name."""

    def __init__(self, postgres: Mapping[str, str] = {}) -> None:
        self.postgres = Postgres(settings=postgres)
        self.redis = Redis()

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self.redis.start()
            self.manage("migrate", "--noinput", "--verbosity", "0")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.close()
        self.postgres.close()

    def env(self) -> dict[str, str]:
        """The environment of a worker or a command; none of the caller's own settings reach it."""
        inherited = {name: os.environ[name] for name in KEPT if name in os.environ}
        return inherited | {
            "DJANGO_SETTINGS_MODULE": "backend.settings",
            "SECRET_KEY": SECRET_KEY,
            "DEBUG": "0",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            # The balancer stands for the proxy that ends TLS; people come through it from their own addresses.
            "FORWARDED_ALLOW_IPS": "127.0.0.0/8",
            "PYTHONUNBUFFERED": "1",
            **WIDE_ENV,
        }

    def manage(self, *arguments: str) -> str:
        """Run `manage.py`; its output. A failure is an AssertionError with it."""
        done = subprocess.run(
            [PYTHON if PYTHON.exists() else sys.executable, ROOT / "manage.py", *arguments],
            cwd=ROOT,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MIGRATE_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"manage.py {arguments}:\n{done.stdout[-1500:]}{done.stderr[-3000:]}"
        return done.stdout

    def bus(self) -> redis.Redis:
        """A connection of our own, past every proxy; the caller closes it."""
        return redis.Redis(port=self.redis.port, socket_timeout=2, retry=Retry(NoBackoff(), 0))

    def redis_run_id(self) -> str:
        """Another one after a restart."""
        with self.bus() as bus:
            return str(bus.info("server")["run_id"])

    def cut_bus(self) -> int:
        """Kill every client of Redis but ourselves, subscribers and others; how many there were."""
        with self.bus() as bus:
            return sum(
                int(bus.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"))
                for kind in ("pubsub", "normal")
            )

    def flush_bus(self) -> int:
        """FLUSHALL; how many keys there were, ours among them, so at least one."""
        with self.bus() as bus:
            bus.set("felt", 1)
            keys = int(bus.dbsize())
            bus.flushall()
            assert bus.get("felt") is None
            return keys

    def end_sessions(self) -> int:
        """Every session of the database is ended by the server, which goes on; how many there were."""
        with psycopg.connect(self._admin_url, autocommit=True) as admin:
            return len(admin.execute(_END_SESSIONS).fetchall())

    def back_up(self, name: str = "backup") -> None:
        """Copy the database; ends its sessions for a moment, as a copy by template needs."""
        self._while_closed(f'CREATE DATABASE "{name}" TEMPLATE parley')

    def restore(self, name: str = "backup") -> None:
        """Put the copy in the database's place."""
        self._while_closed("DROP DATABASE parley", f'ALTER DATABASE "{name}" RENAME TO parley')

    def _while_closed(self, *statements: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as admin:
            admin.execute("ALTER DATABASE parley ALLOW_CONNECTIONS false")
            try:
                admin.execute(_END_SESSIONS)
                for statement in statements:
                    admin.execute(statement)
            finally:
                admin.execute("ALTER DATABASE parley ALLOW_CONNECTIONS true")

    @property
    def _admin_url(self) -> str:
        """A database of the same server that nobody else uses."""
        return self.postgres.url.rpartition("/")[0] + "/postgres"
