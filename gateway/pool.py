"""The sockets' own threads for the database.

Not asgiref's one shared thread, in which one slow query would make every socket of the process
wait (https://github.com/django/asgiref/issues/218, https://github.com/django/channels/issues/2132).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections, connection, reset_queries

from common.db import PlannedOnce, with_retry

T = TypeVar("T")


class DatabasePool:
    """Runs synchronous database work in `threads` threads, off the event loop."""

    def __init__(self, threads: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`; its exceptions are raised here. Its connection is free afterwards."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _run, work)

    async def read(self, work: Callable[[], T]) -> T:
        """As `run`, for work that reads alone: done once more where its connection turned out to be dead."""
        return await self.run(lambda: with_retry(work))

    def stop(self) -> None:
        """Take no more work; what runs is finished in its own time."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class Writer:
    """One thread that writes, with a connection of its own for as long as that works."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._planned = PlannedOnce()

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` in the thread, after what was submitted before. It must not raise."""
        self._executor.submit(work)

    def write(self, work: Callable[[], T], rows: int) -> T:
        """In the thread: the result of `work()`, which writes so many rows; its exceptions are raised here.

        `work` must get over a connection that has died (common.db.with_retry).
        """
        reset_queries()  # with DEBUG on Django keeps them, bodies and all, until a request begins
        self._planned.begin(rows)
        return work()

    def stop(self) -> None:
        """Take no more work; give the connection back."""
        self._executor.submit(_close)
        self._executor.shutdown(wait=False)


def _close() -> None:
    connection.close()  # that of the thread it runs in


def _run(work: Callable[[], T]) -> T:
    reset_queries()
    close_old_connections()
    try:
        return work()
    finally:
        if connection.vendor == "postgresql":
            connection.close()  # back to the pool: more threads than connections may wait for it
