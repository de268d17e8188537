"""The two socket URLs. Any other is refused in the handshake."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from common.errors import Forbidden
from gateway.auth import SocketAuthMiddleware
from gateway.consumer import SocketConsumer
from gateway.refusal import refuse_handshake
from gateway.runtime import runtime


async def not_found(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """No socket lives here: HTTP 403, as every server answers a close before the accept."""
    nothing = Forbidden("There is no socket here, only at /ws/v1/ and /ws/v1/rooms/{room_id}/.")
    await refuse_handshake(scope, receive, send, nothing)


websocket_app = SocketAuthMiddleware(
    URLRouter(
        [
            path("ws/v1/", SocketConsumer.as_asgi()),
            path("ws/v1/rooms/<str:room_id>/", SocketConsumer.as_asgi()),
            re_path(r"", not_found),  # type: ignore[arg-type]  # an ASGI app, as URLRouter takes
        ]
    ),
    pool=lambda: runtime().hub.pool,
)
