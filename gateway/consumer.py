"""The consumer: one socket from accept to close.

It has no channel of its own on the layer (the hub has one for all) and makes no thread hop a
dispatch (https://github.com/django/channels/issues/2132). Bad input is answered; it never raises.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from channels.consumer import AsyncConsumer
from django.conf import settings

from accounts.access import Identity
from common import clock
from common.decode import decode_struct, half_characters
from common.errors import (
    Invalid,
    ParleyError,
    SessionEnded,
    UnknownType,
    UserDisabled,
)
from common.ids import new_id
from common.paging import read_int
from gateway import commands
from gateway.auth import CREDENTIAL, Credential, close_code
from gateway.frames import error_frame, welcome_frame
from gateway.inbox import Inbox
from gateway.outbox import outbox_for
from gateway.runtime import runtime
from gateway.socket_rooms import SocketRooms, Wanted
from gateway.subscription import Subscription
from messaging.services import Sent
from realtime.protocol import (
    SUBPROTOCOL,
    Ack,
    Envelope,
    MessageSend,
    Ping,
    Pong,
    Position,
    Started,
    Subscribed,
    encode_frame,
)
from rooms.selectors import Place, current_epoch

logger = logging.getLogger(__name__)

FrameKey = str | int | None
_ID_MAX_CHARS = 64


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # channels ships no types
    """See the module; the frames themselves are in gateway/commands.py."""

    user_id: UUID
    credential_id: UUID

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket. However it ends, nothing of it stays behind."""
        self.scope = scope
        self.runtime = runtime()
        self.outbox = outbox_for(scope, send)
        self.base_send = send
        self.inbox = Inbox()
        self.identity: Identity | None = None
        self.only_room: str | None = scope["url_route"]["kwargs"].get("room_id")
        self.rooms = SocketRooms(self, self.runtime.hub)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bad: deque[float] = deque()
        self.connection_id = new_id().hex
        structlog.contextvars.bind_contextvars(connection_id=self.connection_id)
        try:
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    break
                await self.dispatch(message)
        except Exception:
            logger.exception("a socket failed")
            self.outbox.close(1011, "internal_error", "Something went wrong on our side.")
            await self.outbox.drained()
        finally:
            self._clean_up()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """One event of the server."""
        if message["type"] == "websocket.connect":
            await self._connect()
        elif self.outbox.closing:
            pass  # nothing more is carried out: the session may have ended
        elif message.get("text") is not None:
            await self.inbox.space()
            self._frame(message["text"])
        else:
            self.outbox.close(1003, "unsupported_type", "Frames are JSON text.")

    def _clean_up(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self.inbox.close()
        self.rooms.close()
        self.outbox.stop()
        if self.identity is not None:
            self.runtime.hub.depart(self)
        for task in self._tasks:
            task.cancel()

    # --- who it is ------------------------------------------------------------------------------

    async def _connect(self) -> None:
        offered = SUBPROTOCOL if SUBPROTOCOL in self.scope.get("subprotocols", ()) else None
        try:
            await self.base_send({"type": "websocket.accept", "subprotocol": offered})
        except OSError:  # uvicorn's ClientDisconnected: gone already, `websocket.disconnect` follows
            self.outbox.stop()
            return
        credential: Credential = self.scope[CREDENTIAL]
        if credential.error is not None:
            self._refuse(credential.error)
        elif credential.identity is None:
            self._later("auth", settings.AUTH_TIMEOUT_S, self._auth_timeout)
        else:
            await self.authenticated(credential.identity, lambda data: None)

    async def authenticated(self, identity: Identity, ack: Callable[[Any], None]) -> None:
        """The socket is, or goes on being, this person's, until the token expires."""
        first = self.identity is None
        if first:
            try:
                epoch = await self.runtime.hub.pool.run(current_epoch)
            except Exception as error:
                self._refuse(commands.refusal_for(error))
                return
        else:
            epoch = ""
        self.identity = identity
        self.user_id = identity.user_id
        self.credential_id = identity.credential_id
        self._cancel("auth")
        self._cancel("expiry")
        if identity.expires_at is not None:
            left_s = (identity.expires_at - clock.now()).total_seconds()
            self._later("expiry", max(0.0, left_s), self._expired)
        if first:
            await self.runtime.hub.arrive(self)
        else:
            self.runtime.hub.renewed(self)
        ack(None)
        if first:
            self.outbox.put(welcome_frame(identity, epoch))
            if self.only_room is not None:
                await self._enter_only_room(self.only_room)

    def _refuse(self, error: ParleyError) -> None:
        self.outbox.close(close_code(error), error.code, error.detail)

    def _auth_timeout(self) -> None:
        self.outbox.close(4401, "auth_timeout", "No `auth` frame came in time.")

    def _expired(self) -> None:
        self.outbox.close(4401, "token_expired", "The access token has expired; renew it by `auth` in time.")

    def ended(self, code: str) -> None:
        """The session or API token stands no more, or its user is disabled."""
        error = UserDisabled() if code == UserDisabled.code else SessionEnded()
        self.outbox.close(4403, error.code, error.detail)

    def notice(self, frame: str) -> None:
        """A hint to this person."""
        self.outbox.put(frame)

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
        """The client is to reconnect and resume."""
        self.outbox.close(1012, "restarting", detail)

    # --- the room URL ---------------------------------------------------------------------------

    async def _enter_only_room(self, room: str) -> None:
        query = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        since: int | None = None
        try:
            since = read_int(query, "since")
        except Invalid as error:
            self.outbox.put(error_frame(None, error))
        try:
            answers, begun = await self.rooms.subscribe([(room, since)], Wanted(query.get("epoch")))
        except Exception as error:  # the database: as for a connection it could not serve at all
            self._refuse(commands.refusal_for(error))
            return
        answer = answers[0]
        if isinstance(answer, Position):
            self.outbox.put(encode_frame(Subscribed([Started(answer.room, answer.seq, answer.resync)])))
            self.rooms.go(begun)
        elif answer.code == "not_a_member":
            self.outbox.close(4403, "not_a_member", "You are not a member of this room.")
        else:
            self.outbox.close(4404, "not_found", "There is nothing here.")

    def subscription_ended(self, subscription: Subscription, reason: str) -> None:
        """The user is out of a room: the socket is told, and one for that room alone closes."""
        self.rooms.ended(subscription, reason)
        if self.only_room is None:
            return
        if reason == "room_deleted":
            self.outbox.close(4404, "not_found", "The room was deleted.")
        else:
            self.outbox.close(4403, "not_a_member", "You are not a member of this room.")

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, text: str) -> None:
        if len(text) > settings.FRAME_MAX_BYTES:  # a server that let it through
            self.outbox.close(1009, "too_large", f"A frame has at most {settings.FRAME_MAX_BYTES} bytes.")
            return
        try:
            envelope = decode_struct(text, Envelope)
        except Invalid as error:
            self._no_frame(text, error)
            return
        key: FrameKey = None
        try:
            key = _frame_id(envelope.id)
            self._carry_out(envelope.type, key, text)
        except ParleyError as error:
            self.outbox.put(error_frame(key, error))

    def _carry_out(self, kind: str, key: FrameKey, text: str) -> None:
        command = commands.COMMANDS.get(kind)
        if kind == "ping":
            decode_struct(text, Ping)
            self.outbox.put(encode_frame(Pong(key)))
        elif kind == "message.send":
            frame = decode_struct(text, MessageSend)
            self.inbox.put(lambda done: self._send_message(key, frame, done), alone=False, size=len(text))
        elif command is not None:
            body = decode_struct(text, command.shape)
            self.inbox.put(
                lambda done: self._start(command, key, body, done), alone=command.alone, size=len(text)
            )
        else:
            raise UnknownType(f"There is no frame of this type; known are {', '.join(_KNOWN)}.")

    def _send_message(self, key: FrameKey, frame: MessageSend, done: Callable[[], None]) -> None:
        """Not a task: a future of the send queue, answered when the batch has committed."""

        def answer(future: "asyncio.Future[Sent | ParleyError]") -> None:
            result = future.result()
            if isinstance(result, ParleyError):
                self.outbox.put(error_frame(key, result))
            elif key is not None:
                self.outbox.put(encode_frame(Ack(key, commands.SentData(result.message, result.duplicate))))
            done()

        if self.outbox.closing:
            done()
            return
        try:
            commands.message_send(self, frame).add_done_callback(answer)
        except ParleyError as error:
            self.outbox.put(error_frame(key, error))
            done()

    def _start(self, command: commands.Command, key: FrameKey, body: Any, done: Callable[[], None]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(command, key, body))
        self._tasks.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            done()

        task.add_done_callback(ended)

    async def _run(self, command: commands.Command, key: FrameKey, body: Any) -> None:
        first_auth = command.run is commands.auth and self.identity is None

        def ack(data: Any) -> None:
            if key is not None:
                self.outbox.put(encode_frame(Ack(key, data)))

        if self.outbox.closing:
            return
        try:
            if command.run is not commands.auth:
                commands.identified(self, command.scope)
            await command.run(self, body, ack)
        except Exception as caught:
            error = commands.refusal_for(caught)
            if error is not caught:
                logger.warning("frame failed", exc_info=caught)
            self.outbox.put(error_frame(key, error))
            if first_auth:
                self._refuse(error)

    def _no_frame(self, text: str, error: Invalid) -> None:
        """Not counted as bad where it is one but for a text cut in half: `error` names the field."""
        found = half_characters(text)
        frame, attr = found or (None, "")
        if isinstance(frame, dict) and isinstance(frame.get("type"), str) and attr not in ("", "type"):
            key: FrameKey = None
            if attr != "id":
                with contextlib.suppress(Invalid):
                    key = _frame_id(frame.get("id"))
            self.outbox.put(error_frame(key, error))
        else:
            self._bad_frame()

    def _bad_frame(self) -> None:
        self.outbox.put(error_frame(None, Invalid("A frame is a JSON object with a string `type`.")))
        now = asyncio.get_running_loop().time()
        self._bad.append(now)
        while self._bad[0] < now - 60:
            self._bad.popleft()
        if len(self._bad) > settings.BAD_FRAMES_PER_MINUTE:
            self.outbox.close(4400, "bad_frames", "Too many frames that are no JSON object with a `type`.")

    # --- timers ---------------------------------------------------------------------------------

    def _later(self, name: str, delay_s: float, act: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, act)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


_KNOWN = sorted([*commands.COMMANDS, "message.send", "ping"])


def _frame_id(value: Any) -> FrameKey:
    """The `id` of a frame: a string of at most 64 characters, or an integer, or none."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= _ID_MAX_CHARS:
        return value
    raise Invalid.field("id", f"a string of at most {_ID_MAX_CHARS} characters, or an integer")
