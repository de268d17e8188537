"""When an API token was last used: written at most once a minute, and never in a request's way."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from common import clock
from common.rows import RowSet

EVERY = timedelta(minutes=1)
_USED = RowSet("used", id="uuid", at="time", before="time")


class TokenUses:
    """The uses not written yet. `note` is callable from any thread, touches no database and returns at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[UUID, datetime] = {}  # of the past minute, written or not
        self._unwritten: dict[UUID, datetime] = {}
        self._wake: Callable[[], None] | None = None

    def bind(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when there is something to write, None: nobody. What waited so far is dropped."""
        with self._lock:
            self._wake = wake
            self._unwritten = {}

    def note(self, token_ids: Iterable[UUID]) -> None:
        """These tokens are in use now. Those noted in the past minute are left as they are."""
        now = clock.now()
        with self._lock:
            idle = not self._unwritten
            for token_id in token_ids:
                before = self._noted.get(token_id)
                if before is None or now - before >= EVERY:
                    self._noted[token_id] = self._unwritten[token_id] = now
            wake = self._wake if idle and self._unwritten else None
        if wake is not None:
            wake()

    def write(self) -> None:
        """Store what was noted, in one statement; another process may have been first."""
        with self._lock:
            uses, self._unwritten = self._unwritten, {}
            now = clock.now()
            self._noted = {key: at for key, at in self._noted.items() if now - at < EVERY}
        if not uses:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE accounts_apitoken AS t SET last_used_at = used.at FROM {_USED.sql} "  # noqa: S608
                "WHERE t.id = used.id AND (t.last_used_at IS NULL OR t.last_used_at <= used.before)",
                _USED.params((token_id, at, at - EVERY) for token_id, at in uses.items()),
            )


token_uses = TokenUses()
"""The process's own."""
