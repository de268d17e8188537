"""The whole application on real sockets, inside the test process: settings and clock can be turned."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvicorn.server

from gateway.runtime import Runtime, runtime
from gateway.server import Server, listen, server_config

T = TypeVar("T")
_START_S = 10.0


class _ShortWaits:
    """asyncio for uvicorn's server: it looks every 0.1 s whether it is to stop, and a test stops it at once."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(delay_s: float) -> None:
        await asyncio.sleep(delay_s / 10)


uvicorn.server.asyncio = _ShortWaits()  # type: ignore[assignment]


class OwnLoop:
    """A server on an event loop of its own."""

    _loop: asyncio.AbstractEventLoop | None = None

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine run on the server's own loop."""
        assert self._loop is not None
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(10)

    def runtime(self) -> Runtime:
        """The server's hub and send queue; touch them only on its loop (`call`)."""

        async def found() -> Runtime:
            return runtime()

        return self.call(found())


class LiveServer(OwnLoop):
    """uvicorn, as `manage.py serve` runs it, in a thread with an event loop of its own."""

    def __init__(self) -> None:
        self._listener = listen("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        self.http = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}/ws/v1/"
        self._started = threading.Event()
        self._config = server_config()
        self._server = Server(self._config, self._started.set)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Returns when it answers."""
        self._thread.start()
        assert self._started.wait(_START_S), "the server did not start"

    def stop(self) -> None:
        """As SIGTERM does."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"

    def _run(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[self._listener])

        with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:  # uvloop
            runner.run(serve())
