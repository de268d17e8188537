"""What is tidied up by itself, in every process, now and then, a little at a time."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator

from django.conf import settings

from accounts.purge import purge_old_sessions
from gateway.pool import DatabasePool
from rooms.services import purge_deleted_rooms

logger = logging.getLogger(__name__)

CHORES: tuple[Callable[[], Iterator[int]], ...] = (purge_deleted_rooms, purge_old_sessions)
"""Each goes step by step, a short transaction each, and may run in any number of processes at once."""


async def keep_house(pool: DatabasePool) -> None:
    """Do all chores about every HOUSEKEEPING_S, for ever; not all processes at the same moment."""
    while True:
        await asyncio.sleep(settings.HOUSEKEEPING_S * random.uniform(0.5, 1.5))  # noqa: S311  no secret
        for chore in CHORES:
            try:
                await _do(chore(), pool)
            except Exception as error:  # what is left is done the next time
                logger.warning("housekeeping: %s failed: %s", chore.__name__, type(error).__name__)


async def _do(steps: Iterator[int], pool: DatabasePool) -> None:
    """All steps, with a pause between two: others write, too."""
    while True:
        if await pool.run(lambda: next(steps, None)) is None:
            return
        await asyncio.sleep(settings.HOUSEKEEPING_PAUSE_S)
