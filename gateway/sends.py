"""Group commit: what gathers while one batch commits is the next batch.

One sender alone waits for nobody; under load batches grow and the cost a message falls. First in,
first out, so the sends of one socket to one room are numbered in the order sent. The writer's thread
takes the next batch itself: while the loop delivers one to a room's sockets, the next is being stored.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Sequence

from django.conf import settings

from common.errors import InternalError, ParleyError, Unavailable
from gateway.pool import Writer
from messaging.drafts import Draft
from messaging.services import Sent, send_messages

logger = logging.getLogger(__name__)

Result = Sent | ParleyError


class SendQueue:
    """One a process, made on its event loop, with one writer thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = Writer("socket-writer")
        self._waiting: deque[tuple[Draft, asyncio.Future[Result]]] = deque()
        self._stopped = False
        self._storing = False  # whether the thread is about to look at what waits; changed under the lock
        self._lock = threading.Lock()
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, draft: Draft) -> asyncio.Future[Result]:
        """The draft's message or error, as soon as it is committed; never raises."""
        future: asyncio.Future[Result] = self._loop.create_future()
        if self._stopped or len(self._waiting) >= settings.SEND_QUEUE_MAX:
            future.set_result(Unavailable("Too many messages are waiting to be stored.", retry_after_s=1))
            return future
        with self._lock:
            self._waiting.append((draft, future))
            begin, self._storing = not self._storing, True
        if begin:
            self._idle.clear()
            self._writer.submit(self._store_waiting)
        return future

    async def stop(self) -> None:
        """Store what is waiting, then end; what comes after that is refused."""
        while not self._idle.is_set():
            await self._idle.wait()
        self._stopped = True
        self._writer.stop()

    def _store_waiting(self) -> None:
        """In the writer's thread: batch after batch, until nothing waits."""
        while True:
            with self._lock:
                size = min(len(self._waiting), settings.SEND_BATCH_MAX)
                batch = [self._waiting.popleft() for _ in range(size)]
                self._storing = size > 0
            if not batch:
                self._tell([], [])
                return
            self._tell([future for _, future in batch], self._store([draft for draft, _ in batch]))

    def _store(self, drafts: Sequence[Draft]) -> Sequence[Result]:
        try:
            return self._writer.write(lambda: send_messages(drafts), len(drafts))
        except Exception:
            logger.exception("a batch of %d messages could not be stored", len(drafts))
            return [InternalError()] * len(drafts)

    def _tell(self, futures: Sequence[asyncio.Future[Result]], results: Sequence[Result]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop closed just now: the process is going
            self._loop.call_soon_threadsafe(self._told, futures, results)

    def _told(self, futures: Sequence[asyncio.Future[Result]], results: Sequence[Result]) -> None:
        for future, result in zip(futures, results, strict=True):
            if not future.done():
                future.set_result(result)
        if not self._storing:
            self._idle.set()
