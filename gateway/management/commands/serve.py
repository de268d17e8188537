"""`manage.py serve`: the production server."""

import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common.db import commits_are_durable
from gateway.announcement import announcement, lan_address
from gateway.server import listen, serve_worker
from gateway.supervisor import Supervisor, watch


class Command(BaseCommand):
    """See `help`."""

    help = "Serve REST and WebSocket with uvicorn; several workers share one port."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Each defaults to the setting of its name."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--workers", type=int, default=settings.WORKERS)
        parser.add_argument("--fd", type=int, help="serve on this listening socket (what workers are given)")
        parser.add_argument(
            "--supervisor", type=int, help="the line to the supervisor (what workers are given)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP renews several workers one by one."""
        if options["fd"] is not None:
            line = watch(options["supervisor"])
            serve_worker(socket.socket(fileno=options["fd"]), on_start=lambda: line.sendall(b"!"))
            return
        host, port, workers = options["host"], options["port"], options["workers"]
        if workers < 1:
            raise CommandError("--workers must be at least 1.")
        if workers > 1:
            self._several_are_possible()
        if not commits_are_durable():
            raise CommandError(
                "PostgreSQL confirms commits that a crash can lose: set its synchronous_commit to on."
            )
        try:
            listener = listen(host, port)
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        text = announcement(host, listener.getsockname()[1], lan=lan_address())
        if workers == 1:
            serve_worker(
                listener, on_start=lambda: self.stdout.write(text, ending="\n") or self.stdout.flush()
            )
            return
        self.stdout.write(text)
        self.stdout.flush()
        sys.exit(Supervisor(listener, workers, [sys.executable, sys.argv[0], "serve"]).run())

    def _several_are_possible(self) -> None:
        """Refuse what would lose messages between the workers without a word."""
        if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
            raise CommandError(
                "More than one worker needs PostgreSQL: SQLite has one writer for all of them. Set DATABASE_URL."
            )
        if not settings.REDIS_URL:
            raise CommandError(
                "More than one worker needs Redis: in memory the workers do not hear each other. Set REDIS_URL."
            )
