"""Group commit: what gathers while one batch commits is the next batch.

One sender alone waits for nobody; under load batches grow and the cost a message falls. First in,
first out, so the sends of one socket to one room are numbered in the order sent.
"""

import asyncio
import logging
from collections import deque
from functools import partial

from django.conf import settings

from common.errors import InternalError, ParleyError, Unavailable
from gateway.pool import Writer
from messaging.drafts import Draft
from messaging.services import Sent, send_messages

logger = logging.getLogger(__name__)


class SendQueue:
    """One a process, on its event loop, with one writer thread."""

    def __init__(self) -> None:
        self._storing = Writer("socket-writer")
        self._waiting: deque[tuple[Draft, asyncio.Future[Sent | ParleyError]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    def submit(self, draft: Draft) -> asyncio.Future[Sent | ParleyError]:
        """The draft's message or error, as soon as it is committed; never raises."""
        future: asyncio.Future[Sent | ParleyError] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= settings.SEND_QUEUE_MAX:
            future.set_result(Unavailable("Too many messages are waiting to be stored.", retry_after_s=1))
            return future
        self._waiting.append((draft, future))
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())
        return future

    async def stop(self) -> None:
        """Store what is waiting, then end."""
        if self._writer is not None:
            await self._writer
        self._storing.stop()

    async def _write(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), settings.SEND_BATCH_MAX)
                batch = [self._waiting.popleft() for _ in range(size)]
                drafts = [draft for draft, _ in batch]
                results: list[Sent | ParleyError]
                try:
                    results = await self._storing.run(partial(send_messages, drafts), size)
                except Exception:
                    logger.exception("a batch of %d messages could not be stored", size)
                    results = [InternalError()] * size
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)
        finally:
            self._writer = None
