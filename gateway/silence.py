"""How long a line has been silent: by the server's own WebSocket pings, which every client's library answers."""

import asyncio
from typing import Any, Protocol, cast


class _Pinging(Protocol):
    """What uvicorn's protocol keeps of its latest ping."""

    pending_ping_payload: bytes | None
    ping_sent_at: float  # by the event loop's clock


def unanswered_s(scope: dict[str, Any]) -> float:
    """So long a ping to this socket has waited for its answer; 0 where none does, or the server does not say."""
    transport = (scope.get("extensions") or {}).get("parley.transport")
    if transport is None:
        return 0.0
    pinging = cast(_Pinging, transport)
    if pinging.pending_ping_payload is None:
        return 0.0
    return asyncio.get_running_loop().time() - pinging.ping_sent_at
