"""A TCP proxy between clients and servers that balances, cuts, holds, slows and counts."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tests.faults.loop_thread import LoopThread

Address = tuple[str, int]
# What a filter makes of the bytes on the way to the client.
Filter = Callable[[bytes], bytes]

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
CHUNK = 64 * 1024
SLOW_CHUNK = 4 * 1024
CREDIT_S = 0.05  # a slow link catches up on sleeps that were so much too long
SLOW_BUFFER = 16 * 1024  # SO_RCVBUF towards the server of a slow link, so that the slowness reaches it


@dataclass
class Counts:
    """`opened` connections, `cut` by us, `refused` because no server took them; bytes forwarded each way."""

    opened: int = 0
    cut: int = 0
    refused: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    by_server: Counter[Address] = field(default_factory=Counter)


@dataclass(eq=False)
class _Link:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter

    def abort(self) -> None:
        """Both ends are reset; nothing waits to be sent."""
        for writer in (self.client, self.server):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


class Proxy:
    """Listens on 127.0.0.1 and connects to one of `servers`, from the address the client came from.

    Each new connection of a client address goes to another server than its last one did, if there is another
    that takes it. Methods may be called from any thread.

    Args:
        bits_per_s: the most that goes to each client; None for no limit.
        make_filter: called once a connection, its result for each piece on the way to the client.
    """

    def __init__(
        self,
        thread: LoopThread,
        servers: Sequence[Address],
        *,
        bits_per_s: float | None = None,
        make_filter: Callable[[], Filter] | None = None,
    ) -> None:
        self.servers = list(servers)
        self.counts = Counts()
        self._thread = thread
        self._bits_per_s = bits_per_s
        self._make_filter = make_filter
        self._links: set[_Link] = set()
        self._last: dict[str, int] = {}
        self._listener, self.port = thread.call(self._listen())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut_all(self) -> int:
        """Reset every connection; how many there were. New ones are served."""

        async def cut() -> int:
            links = list(self._links)
            for link in links:
                link.abort()
            self.counts.cut += len(links)
            return len(links)

        return self._thread.call(cut())

    def black_hole(self, *, answers_only: bool = False) -> None:
        """Forward nothing, either way or only to the clients, and close nothing.

        New connections are taken and, of a whole black hole, go nowhere.
        """

        async def stop() -> None:
            if not answers_only:
                self._up_flows.clear()
            self._down_flows.clear()

        self._thread.call(stop())

    def heal(self) -> None:
        """Forward again, what was held back first: TCP would have sent it again."""
        self._thread.loop.call_soon_threadsafe(self._up_flows.set)
        self._thread.loop.call_soon_threadsafe(self._down_flows.set)

    def close(self) -> None:
        async def end() -> None:
            self._listener.close()
            self._up_flows.set()  # nobody waits for it any more
            self._down_flows.set()
            for link in list(self._links):
                link.abort()

        self._thread.call(end())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _listen(self) -> tuple[asyncio.Server, int]:
        self._up_flows, self._down_flows = asyncio.Event(), asyncio.Event()
        self._up_flows.set()
        self._down_flows.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        return server, server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Python 3.11 logs a cancelled handler as an error.
        with contextlib.suppress(asyncio.CancelledError):
            await self._forward(reader, writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")[0]
        await self._up_flows.wait()
        upstream = await self._connect(address)
        if upstream is None:
            self.counts.refused += 1
            writer.transport.abort()
            return
        server_reader, server_writer = upstream
        link = _Link(writer, server_writer)
        self._links.add(link)
        self.counts.opened += 1
        try:
            await _first_done(
                self._pump(reader, server_writer, down=False),
                self._pump(server_reader, writer, down=True),
            )
        finally:
            self._links.discard(link)
            for end in (writer, server_writer):
                end.close()

    async def _connect(self, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        count = len(self.servers)
        first = (self._last.get(address, -1) + 1) % count
        # At once, so that two connections made together go to two servers.
        self._last[address] = first
        for index in ((first + step) % count for step in range(count)):
            server = self.servers[index]
            with contextlib.suppress(OSError):
                pair = await self._open(server, address)
                self._last[address] = index
                self.counts.by_server[server] += 1
                return pair
        return None

    async def _open(self, server: Address, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        raw = socket.socket()
        try:
            raw.setblocking(False)
            if self._bits_per_s:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
            raw.bind((address, 0))
            await asyncio.get_running_loop().sock_connect(raw, server)
            limit = SLOW_CHUNK if self._bits_per_s else CHUNK
            return await asyncio.open_connection(sock=raw, limit=limit)
        except BaseException:
            raw.close()
            raise

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool) -> None:
        change = self._make_filter() if down and self._make_filter else None
        slow = self._bits_per_s if down else None
        flows = self._down_flows if down else self._up_flows
        loop = asyncio.get_running_loop()
        free_at = loop.time()
        try:
            while data := await reader.read(SLOW_CHUNK if slow else CHUNK):
                await flows.wait()
                if down:
                    self.counts.bytes_down += len(data)
                else:
                    self.counts.bytes_up += len(data)
                out = change(data) if change else data
                if out:
                    writer.write(out)
                    await writer.drain()
                if slow:
                    free_at = max(free_at, loop.time() - CREDIT_S) + 8 * len(data) / slow
                    await asyncio.sleep(max(0.0, free_at - loop.time()))
            await flows.wait()
            if writer.can_write_eof():
                writer.write_eof()
        except (ConnectionError, OSError):
            writer.transport.abort()


async def _first_done(up: Coroutine[Any, Any, None], down: Coroutine[Any, Any, None]) -> None:
    """Both ways, until the server has ended its own or the connection broke."""
    up_task, down_task = asyncio.create_task(up), asyncio.create_task(down)
    try:
        await down_task
    finally:
        up_task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await up_task
