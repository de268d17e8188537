"""What one process runs beside its requests: hub, send queue, publisher. One a running event loop."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from accounts.token_uses import token_uses
from common.exchange import exchange
from gateway.housekeeping import keep_house
from gateway.hub import Hub
from gateway.sends import SendQueue
from realtime.publish import publisher

logger = logging.getLogger(__name__)

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class Runtime:
    """Started on the loop it is made on."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.hub = Hub()
        self.sends = SendQueue()
        publisher.start(self.hub.bus.take, self.hub.bus.name)
        token_uses.bind(self._token_used)
        self.hub.start()
        self.hub.spawn(keep_house(self.hub.pool))

    def _token_used(self) -> None:
        """Called in any thread: there are uses of API tokens to write."""
        with contextlib.suppress(RuntimeError):  # the loop closed just now: the process is going
            self.loop.call_soon_threadsafe(lambda: self.hub.spawn(self._write_token_uses()))

    async def _write_token_uses(self) -> None:
        try:
            await self.hub.pool.run(token_uses.write)
        except Exception as error:  # they are written when they are next used
            logger.warning("uses of API tokens were not written: %s", type(error).__name__)

    async def stop(self) -> None:
        """Store what is waiting, tell the bus, end."""
        token_uses.bind(None)
        await self.sends.stop()
        await publisher.stop()
        await self.hub.stop()
        await exchange.told()  # that its sockets are gone


_current: Runtime | None = None


def runtime() -> Runtime:
    """The running loop's own, started on first use (daphne and tests have no lifespan)."""
    global _current
    if _current is None or _current.loop is not asyncio.get_running_loop():
        _current = Runtime()
    return _current


async def stop_runtime() -> None:
    """Stop the running loop's own, if it has one."""
    global _current
    if _current is not None and _current.loop is asyncio.get_running_loop():
        stopping, _current = _current, None
        await stopping.stop()


async def close_sockets() -> None:
    """Close the running loop's sockets with 1012: their clients reconnect to another process and resume."""
    if _current is not None and _current.loop is asyncio.get_running_loop():
        await _current.hub.close_all("The server restarts; reconnect and resume.")


def with_runtime(app: App) -> App:
    """`app`, with the runtime started before its first request or socket."""

    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> None:
        runtime()
        await app(scope, receive, send)

    return wrapped


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """ASGI lifespan: the runtime stands before the first request and is stopped after the last."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await stop_runtime()
            await send({"type": "lifespan.shutdown.complete"})
            return
