"""How long a line has been silent: by the server's own WebSocket pings, which every client's library answers."""

from typing import Any

from gateway.direct_outbox import Transport


def unanswered_s(scope: dict[str, Any]) -> float:
    """So long a ping to this socket has waited for its answer; 0 where none does, or the server does not say."""
    transport: Transport | None = (scope.get("extensions") or {}).get("parley.transport")
    return 0.0 if transport is None else transport.unanswered_s()
