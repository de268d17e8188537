"""One process's place on the channel layer: one channel, the groups it wants, and a heartbeat.

The bus may lose, repeat, reorder or hang; it is only ever a wake-up. `failing` says whether it is
known not to work just now, by a message a process sends to itself every BUS_HEARTBEAT_S.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

from common.ids import new_id
from common.tasks import cancel_and_wait
from realtime import groups

logger = logging.getLogger(__name__)

_BEATS_MISSED = 2
_RETRY_S = 0.2


class Bus:
    """`on_message` gets every message of the wanted groups, `on_turn` each change of `failing`."""

    def __init__(self, on_message: Callable[[dict[str, Any]], None], on_turn: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_turn = on_turn
        self._layer = get_channel_layer()
        self._channel = ""
        self.name = new_id().hex
        self._own = groups.process(self.name)
        self._wanted: set[str] = {self._own}
        self._joined: set[str] = set()
        self._left_behind: set[str] = set()  # wanted no more, and the layer may still listen
        self._ready = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unheard = 0  # beats sent since one was heard
        self.failing = True

    def start(self) -> None:
        """Begin to listen; a bus that is not there yet is tried again until it is."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._beat())]

    async def stop(self) -> None:
        """Leave the bus."""
        await cancel_and_wait(self._tasks)

    async def join(self, group: str) -> None:
        """Want `group`; returns when joined, or after BUS_TIMEOUT_S: then `refresh` goes on trying."""
        self._wanted.add(group)
        try:
            async with asyncio.timeout(settings.BUS_TIMEOUT_S if not self.failing else _RETRY_S):
                await self._ready.wait()
                await self._join(group)
        except Exception as error:
            logger.warning("bus: joining failed: %s", type(error).__name__)

    async def leave(self, group: str) -> None:
        """Want `group` no more."""
        self._wanted.discard(group)
        if group not in self._joined:
            self._left_behind.add(group)  # its joining failed, and how far it came nobody knows
            return
        self._joined.discard(group)
        try:
            async with asyncio.timeout(settings.BUS_TIMEOUT_S):
                await self._layer.group_discard(group, self._channel)
        except Exception as error:
            self._left_behind.add(group)
            logger.warning("bus: leaving failed: %s", type(error).__name__)

    async def refresh(self) -> None:
        """Join every wanted group again: layers forget memberships (expiry, restarts) without a word.

        What could not be left is left now.
        """
        if not self._ready.is_set():
            return
        try:
            async with asyncio.timeout(settings.BUS_TIMEOUT_S):
                for group in tuple(self._wanted):
                    await self._join(group)
                for group in tuple(self._left_behind):
                    # The layer has forgotten it and Redis has not: joined and left, both know.
                    await self._join(group)
                    self._left_behind.discard(group)
        except Exception as error:
            logger.warning("bus: refreshing failed: %s", type(error).__name__)

    async def _join(self, group: str) -> None:
        await self._layer.group_add(group, self._channel)
        if group in self._wanted:
            self._joined.add(group)
        else:  # left meanwhile
            await self._layer.group_discard(group, self._channel)

    async def _listen(self) -> None:
        # One subscription before any other: two first ones at once lose one for ever in redis-py.
        while not self._channel:
            try:
                self._channel = await self._layer.new_channel()
                await self._join(self._own)
            except Exception as error:
                self._channel = ""
                logger.warning("bus: not reachable: %s", type(error).__name__)
                await asyncio.sleep(_RETRY_S)
        self._ready.set()
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except ValueError:  # bytes that are no message: the next one may be
                logger.warning("bus: what came is no message")
                await asyncio.sleep(0)
                continue
            except Exception as error:  # the bus itself
                logger.warning("bus: receiving failed: %s", type(error).__name__)
                await asyncio.sleep(_RETRY_S)
                continue
            self._hear(message)

    def _hear(self, message: Any) -> None:
        """A message from the bus. This process's own it has taken already."""
        if not isinstance(message, dict) or message.get("origin") != self.name:
            self.take(message)

    def take(self, message: dict[str, Any]) -> None:
        """A message from the bus, or from this process itself."""
        try:
            if message["type"] == "process.beat":
                self._unheard = 0
                self._turn(failing=False)
            else:
                self._on_message(message)
        except Exception as error:  # a message that is not ours; what is in it is not for the log
            logger.warning("bus: a message could not be read: %s", type(error).__name__)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sent_at = loop.time()
            if self._ready.is_set():
                # Counted, not timed: after a pause of the whole process, what came in it is heard first.
                self._unheard += 1
                try:
                    async with asyncio.timeout(settings.BUS_HEARTBEAT_S):
                        await self._layer.group_send(self._own, {"type": "process.beat"})
                except Exception as error:
                    logger.debug("bus: heartbeat failed: %s", type(error).__name__)
            await asyncio.sleep(max(0.0, sent_at + settings.BUS_HEARTBEAT_S - loop.time()))
            if self._unheard >= _BEATS_MISSED:
                self._turn(failing=True)

    def _turn(self, *, failing: bool) -> None:
        if failing != self.failing:
            self.failing = failing
            if failing:
                logger.warning("bus: failing")
            else:
                logger.info("bus: working")
            self._on_turn()
