"""The sockets' own threads for the database.

Not asgiref's one shared thread, in which one slow query would make every socket of the process
wait (https://github.com/django/asgiref/issues/218, https://github.com/django/channels/issues/2132).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections, connection

T = TypeVar("T")


class DatabasePool:
    """Runs synchronous database work in `threads` threads, off the event loop."""

    def __init__(self, threads: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`; its exceptions are raised here. Its connection is free afterwards."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _run, work)

    def stop(self) -> None:
        """Take no more work; what runs is finished in its own time."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _run(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        if connection.vendor == "postgresql":
            connection.close()  # back to the pool: more threads than connections may wait for it
