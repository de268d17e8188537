"""The consumer: one socket from accept to close.

It has no channel of its own on the layer (the hub has one for all) and makes no thread hop a
dispatch (https://github.com/django/channels/issues/2132). What the client says is gateway/reader.py's.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from channels.consumer import AsyncConsumer

from accounts import scopes
from accounts.access import Identity
from common.addresses import source_of_client
from common.errors import Invalid, ParleyError, SessionEnded, TooManyConnections, UserDisabled
from common.ids import new_id
from common.paging import read_int
from gateway import commands
from gateway.auth import CREDENTIAL, Credential, close_code
from gateway.direct_outbox import outbox_for
from gateway.entrance import Entrance
from gateway.frames import error_frame, welcome_frame
from gateway.lifetime import Lifetime
from gateway.reader import FrameReader
from gateway.runtime import runtime
from gateway.silence import unanswered_s
from gateway.socket_rooms import SocketRooms, Wanted
from gateway.subscription import Subscription
from gateway.voice import Voice
from realtime.protocol import SUBPROTOCOL, Position, Started, Subscribed, encode_frame
from rooms.selectors import Place, current_epoch

logger = logging.getLogger(__name__)

_FRAMES_A_TURN = 16  # of a socket, before all others have theirs


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # channels ships no types
    """See the module. To the hub it is a `Connection`, to the commands a `Caller`."""

    user_id: UUID
    credential_id: UUID

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket. However it ends, nothing of it stays behind."""
        self.scope = scope
        self.runtime = runtime()
        self.outbox = outbox_for(scope, send)
        self.base_send = send
        self.lifetime = Lifetime(self.outbox, self._put_notice)
        self.identity: Identity | None = None
        self.welcomed = False
        self.only_room: str | None = scope["url_route"]["kwargs"].get("room_id")
        self.connection_id = new_id().hex
        address = source_of_client(scope.get("client"))
        self.entrance = Entrance(address, partial(unanswered_s, scope), self.outbox.too_slow)
        self.rooms = SocketRooms(self, self.runtime.hub)
        self.voice = Voice(self, self.runtime.hub)
        self.reader = FrameReader(self)
        structlog.contextvars.bind_contextvars(connection_id=self.connection_id)
        try:
            for number in count(1):
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    break
                await self.dispatch(message)
                if not number % _FRAMES_A_TURN:  # neither need have waited
                    await asyncio.sleep(0)
        except Exception:
            logger.exception("a socket failed")
            self.outbox.close(1011, "internal_error", "Something went wrong on our side.")
            await self.outbox.closed()
        finally:
            self._clean_up()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """One event of the server."""
        if message["type"] == "websocket.connect":
            await self._connect()
        elif self.outbox.closing:
            pass  # nothing more is carried out: the session may have ended
        elif message.get("text") is not None:
            await self.reader.take(message["text"])
        else:
            self.outbox.close(1003, "unsupported_type", "Frames are JSON text.")

    def _clean_up(self) -> None:
        self.lifetime.stop()
        self.reader.close()
        self.rooms.close()
        self.entrance.leave()
        self.outbox.stop()
        self.runtime.hub.pass_by(self)
        if self.identity is not None:
            self.runtime.hub.depart(self)

    # --- who it is ------------------------------------------------------------------------------

    async def _connect(self) -> None:
        offered = SUBPROTOCOL if SUBPROTOCOL in self.scope.get("subprotocols", ()) else None
        try:
            await self.base_send({"type": "websocket.accept", "subprotocol": offered})
        except OSError:  # uvicorn's ClientDisconnected: gone already, `websocket.disconnect` follows
            self.outbox.stop()
            return
        self.runtime.hub.knock(self)
        credential: Credential = self.scope[CREDENTIAL]
        if credential.error is not None:  # it takes no place: silent neighbours must not hide why
            self.refuse(credential.error)
            return
        try:
            if credential.identity is not None:
                await self.authenticated(credential.identity, lambda data: None)
                return
            await self.entrance.as_unknown()
        except TooManyConnections as error:
            self.refuse(error)
        else:
            self.lifetime.until_auth()

    @property
    def payer(self) -> Hashable:
        """On whom its frames count: the person, a bot's owner, or the address before that is known."""
        return self.entrance.address if self.identity is None else self.identity.payer_id

    async def authenticated(self, identity: Identity, ack: Callable[[Any], None]) -> None:
        """The socket is, or goes on being, this person's, until the token expires; TooManyConnections."""
        first = self.identity is None
        if first:
            await self.entrance.as_person(identity.payer_id)
            try:
                epoch = await self.runtime.hub.pool.read(current_epoch)
            except Exception as error:
                self.refuse(commands.refusal_for(error))
                return
        else:
            epoch = ""
        self.identity = identity
        self.user_id = identity.user_id
        self.credential_id = identity.credential_id
        self.lifetime.until(identity.expires_at)
        if first:
            await self.runtime.hub.arrive(self)
        else:
            self.runtime.hub.renewed(self)
        ack(None)
        if first:
            self.outbox.put(welcome_frame(identity, epoch))
            self.welcomed = True
            if self.only_room is not None:
                await self._enter_only_room(self.only_room)

    def refuse(self, error: ParleyError) -> None:
        """Close: the credential it came with is not good, or could not be looked at."""
        self.outbox.close(close_code(error), error.code, error.detail)

    # --- what the hub says ----------------------------------------------------------------------

    def ended(self, code: str) -> None:
        """The session or API token stands no more, or its user is disabled."""
        revoked = "The API token was revoked." if self.api_token else ""
        error = UserDisabled() if code == UserDisabled.code else SessionEnded(revoked)
        self.outbox.close(4403, error.code, error.detail)

    def notice(self, frame: str) -> None:
        """A hint to this person. To a bot's token only with all it takes to read what may be in it."""
        if self.identity is not None and scopes.has_scopes(self.identity, *scopes.READ):
            self._put_notice(frame)

    def _put_notice(self, frame: str) -> None:
        """None comes before `welcome`: whoever begins reads how things are."""
        if self.welcomed:
            self.outbox.put_notice(frame)

    @property
    def api_token(self) -> UUID | None:
        """The API token it came with; None for a person's session."""
        return self.credential_id if self.identity is not None and self.identity.session is None else None

    def blocks_moved(self) -> None:
        """What the user may say in direct rooms may have changed."""
        self.voice.blocks_moved()

    @property
    def follows_memberships(self) -> bool:
        """Whether it is subscribed to all of its user's rooms."""
        return self.rooms.all

    def memberships_moved(self) -> None:
        """The user's memberships may have changed: look at them."""
        self.rooms.look_again()

    def memberships_are(self, found: list[Place]) -> None:
        """The user's memberships as the database had them just now."""
        self.rooms.compare(found)

    def restart(self, detail: str) -> None:
        """What is under way is answered; then the client is to reconnect and resume."""
        self.reader.finish(lambda: self.outbox.close(1012, "restarting", detail))

    # --- the room URL ---------------------------------------------------------------------------

    async def _enter_only_room(self, room: str) -> None:
        if self.identity is not None and not scopes.has_scopes(self.identity, scopes.MESSAGES_READ):
            self.outbox.close(4403, "scope_missing", f"The token lacks the scope {scopes.MESSAGES_READ}.")
            return
        query = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        since: int | None = None
        try:
            since = read_int(query, "since")
        except Invalid as error:
            self.outbox.put(error_frame(None, error))
        try:
            answers, begun = await self.rooms.subscribe([(room, since)], Wanted(query.get("epoch")))
        except Exception as error:  # the database: as for a connection it could not serve at all
            self.refuse(commands.refusal_for(error))
            return
        answer = answers[0]
        if isinstance(answer, Position):
            self.outbox.put(encode_frame(Subscribed([Started(answer.room, answer.seq, answer.resync)])))
            self.rooms.go(begun)
        elif answer.code == "not_a_member":
            self.outbox.close(4403, "not_a_member", "You are not a member of this room.")
        else:
            self.outbox.close(4404, "not_found", "There is nothing here.")

    def subscription_behind(self, subscription: Subscription) -> None:
        """The socket reads slowly: the subscription goes on from the log."""
        self.rooms.go([subscription])

    def subscription_ended(self, subscription: Subscription, reason: str) -> None:
        """The user is out of a room: the socket is told, and one for that room alone closes."""
        self.rooms.ended(subscription, reason)
        if self.only_room is None:
            return
        if reason == "room_deleted":
            self.outbox.close(4404, "not_found", "The room was deleted.")
        else:
            self.outbox.close(4403, "not_a_member", "You are not a member of this room.")
