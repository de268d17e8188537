"""Ending tasks that may not hear that they are to end."""

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_S = 0.1


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` and return when all have ended, whatever they ended with.

    Those that go on are cancelled again every 0.1 s: on Python 3.11 `asyncio.wait_for`, with which redis-py
    sends, swallows a cancellation that comes in the turn in which what it waits for is done
    (https://github.com/python/cpython/issues/86296). A loop around it would run for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_S)
