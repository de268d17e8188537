"""The JWT middleware of the sockets, where Channels' AuthMiddlewareStack would stand; no cookies.

It judges the Origin and the credential. A refused credential is not a refused handshake (a browser
would see only 1006): the consumer accepts, says why, and closes.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from accounts.access import Identity, identify, named_by
from common.addresses import source_of_client
from common.errors import FieldError, Forbidden, ParleyError, RateLimited, TokenInvalid, Unavailable
from common.limits import HANDSHAKES
from gateway.origin import origin_allowed
from gateway.pool import DatabasePool
from gateway.refusal import refuse_handshake
from realtime.protocol import BEARER_SUBPROTOCOL

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CREDENTIAL = "parley.credential"
_ORIGIN_MAX_CHARS = 255


class Credential(msgspec.Struct, frozen=True):
    """What a handshake brought: an identity, or the error of a refused token, or neither."""

    identity: Identity | None = None
    error: ParleyError | None = None


async def authenticate(token: str, pool: DatabasePool) -> Identity:
    """Who sends this token; raises the ParleyError of a refused one, Unavailable without a database."""
    try:
        return (await pool.read(lambda: identify(token)))[0]
    except ParleyError:
        raise
    except Exception as error:
        raise Unavailable(retry_after_s=1) from error


class SocketAuthMiddleware:
    """Refuses foreign origins with 403; else hands `scope[CREDENTIAL]` to `app`, with an error for one too many."""

    def __init__(self, app: App, pool: Callable[[], DatabasePool]) -> None:
        self._app = app
        self._pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        origin = headers.get(b"origin")
        host = headers.get(b"host", [b""])[0].decode("latin-1")
        page = origin[0].decode("latin-1") if origin else None
        if not origin_allowed(page, host):
            await refuse_handshake(scope, receive, send, _foreign(page))
            return
        token = _token(headers.get(b"authorization"), scope.get("subprotocols", ()))
        credential = Credential()
        # Before the database is asked: who sends a person's token pays by their own bucket, so that one address can
        # be a whole phone network.
        payer = (named_by(token) if token else None) or source_of_client(scope.get("client"))
        standing = HANDSHAKES.take(payer)
        if not standing.allowed:
            credential = Credential(error=RateLimited.by(standing, "Too many sockets opened; wait a little."))
        elif token is not None:
            try:
                if not token:
                    raise TokenInvalid()
                credential = Credential(identity=await authenticate(token, self._pool()))
            except ParleyError as error:
                credential = Credential(error=error)
        await self._app({**scope, CREDENTIAL: credential}, receive, send)


def _foreign(origin: str | None) -> Forbidden:
    """Says which Origin, and which setting: a browser's console shows only 403, but whoever looks finds it."""
    shown = "".join(char if char.isprintable() else "?" for char in (origin or "")[:_ORIGIN_MAX_CHARS])
    said = f"pages of {shown!r} may not come here: it is not in this server's ALLOWED_ORIGINS"
    return Forbidden(f"Origin: {said}", errors=[FieldError("Origin", "origin_not_allowed", said)])


def _token(authorization: list[bytes] | None, subprotocols: Any) -> str | None:
    """The first credential present: the header, else a subprotocol; "" for a malformed one.

    A header of another scheme is none of ours: browsers add Basic by themselves where a proxy asks for it.
    """
    for value in authorization or ():
        scheme, _, token = value.decode("latin-1").strip().partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    for offered in subprotocols:
        if offered.startswith(BEARER_SUBPROTOCOL):
            return str(offered[len(BEARER_SUBPROTOCOL) :])
    return None


CLOSE_CODES: dict[str, int] = {
    "session_ended": 4403,
    "user_disabled": 4403,
    "too_many_connections": 4408,
    "rate_limited": 4429,
    "unavailable": 1011,
}


def close_code(error: ParleyError) -> int:
    """With what code a socket is closed whose credential was refused."""
    return CLOSE_CODES.get(error.code, 4401)
