"""Serving: uvicorn with safe limits, in one process."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable

import uvicorn
from django.conf import settings

from common.addresses import read_proxies
from gateway.http_protocol import ParleyHttpProtocol
from gateway.runtime import close_sockets
from gateway.websocket_protocol import ParleyWebSocketProtocol

_BACKLOG = 2048
_KEEP_ALIVE_S = 65
_COLLECT_AFTER = (10_000, 10, 100)  # Python's own: 700, 10, 10


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; OSError where the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Inherited by every accepted socket. The kernel would grow it to megabytes, and a slow reader's
    # progress would show only in steps of minutes.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.SOCKET_SEND_BUFFER_BYTES)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def serve_worker(listener: socket.socket, on_start: Callable[[], None] | None = None) -> None:
    """Serve on `listener` until SIGTERM, SIGINT or SIGHUP; `on_start` is called once it answers."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped in good order: the process is to end with 0.
        signal.signal(number, lambda *_: None)
    # A terminal that closes. Renewing itself is for several workers (gateway/supervisor.py).
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))

    def started() -> None:
        _spare_the_collector()
        if on_start is not None:
            on_start()

    Server(server_config(), started).run(sockets=[listener])


def server_config() -> uvicorn.Config:
    """uvicorn's settings with safe limits; every number is one of ours."""
    return uvicorn.Config(
        "backend.asgi:application",
        http=ParleyHttpProtocol,
        ws=ParleyWebSocketProtocol,
        ws_max_size=settings.FRAME_MAX_BYTES,
        ws_ping_interval=settings.SOCKET_PING_S,
        ws_ping_timeout=settings.SOCKET_PING_TIMEOUT_S,
        ws_per_message_deflate=False,  # 15 kB can unpack to 15 MB; and it doubles the cost of a delivery
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.DRAIN_S,
        proxy_headers=bool(settings.FORWARDED_ALLOW_IPS),
        forwarded_allow_ips=read_proxies(settings.FORWARDED_ALLOW_IPS),
        access_log=False,  # our own, without query strings
        log_config=None,
        server_header=False,
        lifespan="on",
        backlog=_BACKLOG,
    )


def _spare_the_collector() -> None:
    """What is there at the start stays, and is looked through no more; what comes is looked through less often.

    Else each full collection is a pause of 100 ms and more for every socket, under load several a minute. What is
    new and in no cycle, which is nearly all, is freed without the collector.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


class Server(uvicorn.Server):
    """Tells when it answers, and its sockets why they are closed."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_start is not None:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, let what is under way end, say why sockets close; gone after DRAIN_S.

        Before uvicorn's own, which closes every socket without a word.
        """
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        end = asyncio.get_running_loop().time() + settings.DRAIN_S
        await close_sockets()
        self.config.timeout_graceful_shutdown = max(1, int(end - asyncio.get_running_loop().time()))
        await super().shutdown(sockets)
