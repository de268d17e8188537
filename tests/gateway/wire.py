"""A socket that may say anything, and hands out what it is told frame by frame."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.client.strict_json import Json, dumps, loads

TIMEOUT_S = 10.0


class Wire:
    """Use as `async with await Wire.open(...)`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    @classmethod
    async def open(
        cls,
        url: str,
        token: str | None = None,
        *,
        offers: Sequence[str] = ("parley.v1",),
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
        address: str | None = None,
    ) -> Self:
        """The handshake, from a local address; `token` goes into the Authorization header."""
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return cls(
            await connect(
                url,
                subprotocols=list(offers) or None,  # type: ignore[arg-type]
                additional_headers=headers,
                origin=origin,  # type: ignore[arg-type]
                compression=None,
                proxy=None,
                ping_interval=None,
                close_timeout=2,
                max_size=None,
                **({} if address is None else {"local_addr": (address, 0)}),
            )
        )

    async def send(self, frame: Json | str | bytes) -> None:
        await self.connection.send(dumps(frame) if isinstance(frame, dict) else frame)

    async def next(self, timeout_s: float = TIMEOUT_S) -> Json:
        """The next frame."""
        frame: Json = loads(await asyncio.wait_for(self.connection.recv(), timeout_s))
        return frame

    async def skip_to(self, kind: str, **fields: Any) -> Json:
        """The next frame of this type with these fields; what comes before it is dropped."""
        while True:
            frame = await self.next()
            if frame["type"] == kind and all(frame.get(name) == value for name, value in fields.items()):
                return frame

    async def ask(self, frame: Json | str | bytes) -> Json:
        """Send, and the next frame."""
        await self.send(frame)
        return await self.next()

    async def ends(self, timeout_s: float = TIMEOUT_S) -> tuple[list[Json], int | None]:
        """Every frame up to the close, and its code."""
        frames: list[Json] = []
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    frames.append(loads(await self.connection.recv()))
        except ConnectionClosed:
            return frames, self.connection.close_code

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
