"""Refusing before there is a request or a socket: RFC 9457 problems where the server lets us write a body."""

from typing import Any

import msgspec
import structlog

from common.errors import ParleyError
from common.ids import new_id
from common.problems import PROBLEM_JSON, describe

logger = structlog.get_logger(__name__)

_REASONS = {400: b"Bad Request", 405: b"Method Not Allowed", 431: b"Request Header Fields Too Large"}
_METHODS = b"allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"


def raw_refusal(error: ParleyError, status: int) -> bytes:
    """A whole HTTP answer to what the parser did not take for a request; the line is to be closed after it."""
    problem = msgspec.structs.replace(describe(error, request_id=str(new_id())), status=status)
    body = msgspec.json.encode(problem)
    return (
        b"HTTP/1.1 %d %s\r\nconnection: close\r\ncache-control: no-store\r\n%s"
        b"content-type: %s\r\ncontent-length: %d\r\n\r\n%s"
    ) % (status, _REASONS[status], _METHODS if status == 405 else b"", PROBLEM_JSON.encode(), len(body), body)


async def refuse_handshake(scope: dict[str, Any], receive: Any, send: Any, error: ParleyError) -> None:
    """HTTP 403 instead of a socket; with the problem where the server can (daphne cannot)."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4403})
        return
    request_id = str(new_id())
    logger.info("handshake refused", request_id=request_id, detail=error.detail)
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode()),
    ]
    body = msgspec.json.encode(describe(error, request_id=request_id))
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
