"""Sends that are not acknowledged yet, in the order they were made."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from tests.client.rest import Sent
from tests.client.strict_json import Json


@dataclass
class Pending:
    """A send under way. `times` are its tries, `time.monotonic()` seconds."""

    client_id: str
    fields: Json
    done: "asyncio.Future[Sent]"
    times: list[float] = field(default_factory=list)
    asked_at: float = field(default_factory=time.monotonic)

    def settle(self, data: Json) -> None:
        """The ack came: `{message, duplicate}`."""
        if not self.done.done():
            self.done.set_result(
                Sent(
                    self.client_id,
                    data["message"],
                    data["duplicate"],
                    self.asked_at,
                    time.monotonic(),
                    len(self.times),
                )
            )


class Outbox:
    """Pending sends by `client_id`; a dict keeps their order, so a flush repeats them as they were made."""

    def __init__(self) -> None:
        self.pending: dict[str, Pending] = {}

    def put(self, room: str, client_id: str, body: str, **fields: Any) -> Pending:
        future: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        frame = {"room": room, "client_id": client_id, "body": body, **fields}
        pending = self.pending[client_id] = Pending(client_id, frame, future)
        return pending

    def drop(self, client_id: str) -> None:
        self.pending.pop(client_id, None)

    def fail_all(self, error: Exception) -> None:
        for pending in self.pending.values():
            if not pending.done.done():
                pending.done.set_exception(error)
        self.pending.clear()
