"""Playing a plan of HTTP requests: a client that costs a fraction of what any server does."""

import asyncio
import itertools
from array import array
from time import perf_counter
from typing import Any

from bench.load.meter import Meter
from bench.load.plan import Found, Http, Plan, Request, percentiles


class _Pipe(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection with one request on its way."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.answer: asyncio.Future[int] | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """An answer is whole when its Content-Length is there: every server here sends one."""
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lines = bytes(self.buffer[:head]).lower()
        at = lines.find(b"content-length:")
        size = int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) >= head + 4 + size:
            status = int(lines.split(b" ", 2)[1])
            del self.buffer[: head + 4 + size]
            if self.answer is not None and not self.answer.done():
                self.answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError("the server closed"))

    async def ask(self, request: bytes) -> int:
        """The status of the answer."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


def encoded(request: Request, address: str) -> bytes:
    """The request's bytes."""
    body = request.body.encode()
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {address}", "Accept: application/json"]
    if request.token:
        lines.append(f"Authorization: Bearer {request.token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def play(plan: Plan) -> Found:
    """Ask for a quarter of the time to warm up, then count."""
    assert isinstance(plan.load, Http)
    found = Found()
    wanted = [(request.group, encoded(request, plan.address)) for request in plan.load.requests]
    turns = itertools.cycle(wanted)
    took: dict[str, array[float]] = {group: array("d") for group, _ in wanted}
    host, _, port = plan.address.rpartition(":")
    stop = perf_counter() + plan.seconds * 1.25

    async def ask() -> None:
        _, pipe = await asyncio.get_running_loop().create_connection(_Pipe, host, int(port))
        while perf_counter() < stop:
            group, request = next(turns)
            begun = perf_counter()
            try:
                async with asyncio.timeout(30):
                    status = await pipe.ask(request)
            except (ConnectionError, TimeoutError) as error:
                found.add_error(repr(error))
                return
            took[group].append(perf_counter() - begun)
            if not 200 <= status < 300:
                found.add_error(f"{status} to {request[:80]!r}")

    asking = [asyncio.create_task(ask()) for _ in range(plan.load.connections)]
    await asyncio.sleep(plan.seconds / 4)
    for times in took.values():
        del times[:]
    meter = Meter(plan.watch)
    await asyncio.gather(*asking)
    meter.stop(found)
    found.requests = sum(map(len, took.values()))
    found.latency_ms = percentiles([one for times in took.values() for one in times])
    if any(took):
        # A group's rate is that of a load of it alone: all connections, each as long as its answers took.
        found.groups = {
            group: {"per_s": plan.load.connections * len(times) / sum(times), **percentiles(times)}
            for group, times in took.items()
            if times
        }
    return found
