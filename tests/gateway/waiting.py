"""Waiting for a condition, and touching the database from a coroutine."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


async def until(condition: Callable[[], object], what: str, deadline_s: float = 5.0) -> None:
    """Return once `condition()` is true; looked at every few milliseconds."""
    ends_at = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not within {deadline_s} s: {what}")
        await asyncio.sleep(0.005)


async def in_database(work: Callable[[], T]) -> T:
    """The result of `work()`, which may use the ORM; its connection is closed afterwards."""

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)
