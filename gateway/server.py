"""Serving: uvicorn with safe limits, one process or several that share one socket."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import uvicorn
from django.conf import settings

from gateway.http_protocol import ParleyHttpProtocol
from gateway.runtime import close_sockets
from gateway.websocket_protocol import ParleyWebSocketProtocol

_BACKLOG = 2048
_KEEP_ALIVE_S = 65
_RESTART_PAUSE_S = 0.5


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
    """Serve on `listener` until SIGTERM or SIGINT; `on_start` is called once it answers."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped in good order: the process is to end with 0.
        signal.signal(number, lambda *_: None)
    Server(server_config(), on_start).run(sockets=[listener])


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
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,
        access_log=False,  # our own, without query strings
        log_config=None,
        server_header=False,
        lifespan="on",
        backlog=_BACKLOG,
    )


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
        """Before uvicorn's own, which closes every socket without a word."""
        await close_sockets()
        await super().shutdown(sockets)


class Supervisor:
    """Keeps `workers` processes on one listening socket; one that dies is replaced."""

    def __init__(self, listener: socket.socket, workers: int, command: Sequence[str]) -> None:
        """`command` starts a worker; the listener's file number is appended to it."""
        self._command = [*command, str(listener.fileno())]
        self._fd = listener.fileno()
        self._workers = workers
        self._stopping = threading.Event()

    def run(self) -> int:
        """Until SIGTERM or SIGINT, which is handed on; then the exit status: 0 if all ended well."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        children = [self._start() for _ in range(self._workers)]
        while not self._stopping.wait(_RESTART_PAUSE_S):
            for index, child in enumerate(children):
                if child.poll() is not None:
                    sys.stderr.write(f"worker {child.pid} ended with {child.returncode}; starting another\n")
                    children[index] = self._start()
        for child in children:
            child.terminate()
        ended = [child.wait() for child in children]
        # By the signal itself: it had not begun to serve.
        return 0 if all(code in (0, -signal.SIGTERM) for code in ended) else 1

    def _start(self) -> subprocess.Popen[bytes]:
        # In its own session: a Ctrl-C at the terminal reaches the supervisor alone.
        return subprocess.Popen(  # noqa: S603  our own command line
            self._command, pass_fds=[self._fd], start_new_session=True, env={**os.environ, "WORKERS": "1"}
        )
