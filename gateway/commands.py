"""The table of client frames: type → typed class → what is done. The rules are the services'."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec
from django.conf import settings

from accounts import scopes
from accounts.access import Identity
from common.db import unavailable
from common.errors import Forbidden, InternalError, Invalid, NotAuthenticated, ParleyError, RateLimited
from common.json_values import clean_value
from common.limits import SUBSCRIBED_ROOMS
from common.text import clean_client_id
from gateway.auth import authenticate
from gateway.runtime import Runtime
from gateway.socket_rooms import SocketRooms, Wanted
from gateway.voice import Voice
from messaging.drafts import check_draft
from messaging.services import Sent, delete_message, edit_message, mark_read
from realtime import protocol
from realtime.events import MessageData
from realtime.protocol import Authenticated, SignalShown, Subscriptions, TypingShown, encode_frame
from realtime.publish import hint

T = TypeVar("T")


class Caller(Protocol):
    """The socket a command came from."""

    runtime: Runtime
    connection_id: str
    rooms: SocketRooms
    voice: Voice
    identity: Identity | None
    only_room: str | None

    async def authenticated(self, identity: Identity, ack: Callable[[Any], None]) -> None:
        """The socket is, or goes on being, this person's."""


Ack = Callable[[Any], None]
"""Sends the ack with this data; to be called at most once, when the command is carried out."""
Answer = Callable[[Any], None]
"""Sends the ack with this data, or the error that this exception is; to be called once, at once or later."""


class SentData(msgspec.Struct, frozen=True):
    """The ack of `message.send`."""

    message: msgspec.Struct
    duplicate: bool


async def auth(caller: Caller, frame: protocol.Auth, ack: Ack) -> None:
    """First: authenticates. Later: renews in place, for the same user and no other, and with no scope less."""
    identity = await authenticate(frame.token, caller.runtime.hub.pool)
    if caller.identity is not None:
        if caller.identity.user_id != identity.user_id:
            raise Forbidden("This socket is another user's.")
        scopes.require_no_less(identity, caller.identity)
    await caller.authenticated(
        identity, lambda data: ack(Authenticated(identity.user, identity.session, identity.expires_at))
    )


async def subscribe(caller: Caller, frame: protocol.Subscribe, ack: Ack) -> None:
    """Begins subscriptions: the ack, then what was missed, then what is live."""
    _needs_every_room(caller)
    wanted = Wanted(epoch=frame.epoch, most=frame.max)
    if frame.rooms == "all":
        since = frame.since or {}
        if len(since) > settings.SOCKET_MAX_ROOMS:
            raise Invalid.field("since", f"at most {settings.SOCKET_MAX_ROOMS} rooms", "too_many")
        _pay(caller, 1 + len(since))
        answers, begun = await caller.rooms.subscribe_all(since, wanted)
        SUBSCRIBED_ROOMS.take(identified(caller).payer_id, len(answers))  # only now it is known how many
    else:
        if len(frame.rooms) > settings.SUBSCRIBE_MAX_ROOMS:
            raise Invalid.field("rooms", f"at most {settings.SUBSCRIBE_MAX_ROOMS}", "too_many")
        _pay(caller, len(frame.rooms))
        answers, begun = await caller.rooms.subscribe([(r.room, r.since) for r in frame.rooms], wanted)
    ack(Subscriptions(answers))
    caller.rooms.go(begun)


def _pay(caller: Caller, rooms: int) -> None:
    """RateLimited for who subscribes to more rooms than SUBSCRIBED_ROOMS_PER_S: each is looked up and answered."""
    standing = SUBSCRIBED_ROOMS.take(identified(caller).payer_id, rooms)
    if not standing.allowed:
        raise RateLimited.by(standing, "Too many rooms subscribed to; wait a little.")


async def unsubscribe(caller: Caller, frame: protocol.Unsubscribe, ack: Ack) -> None:
    """Ends subscriptions; what is not subscribed is not missed."""
    _needs_every_room(caller)
    caller.rooms.unsubscribe(frame.rooms)
    ack({})


def _needs_every_room(caller: Caller) -> None:
    if caller.only_room is not None:
        raise Invalid("This socket is for one room alone.")


def _needs_room(caller: Caller, room: str) -> None:
    if caller.only_room is not None and room != caller.only_room:
        raise Invalid.field("room", "this socket is for another room alone")


def message_send(caller: Caller, frame: protocol.MessageSend, answer: Answer) -> None:
    """Queues a message; sends of one socket to one room are numbered in the order of these calls.

    Answered when its batch has committed.
    """

    def stored(future: "asyncio.Future[Sent | ParleyError]") -> None:
        result = future.result()
        answer(result if isinstance(result, ParleyError) else SentData(result.message, result.duplicate))

    _needs_room(caller, frame.room)
    draft = check_draft(
        room_id=frame.room,
        author_id=identified(caller).user_id,
        client_id=frame.client_id,
        body=frame.body,
        reply_to=frame.reply_to,
        thread=frame.thread,
        attachments=frame.attachments,
        metadata=frame.metadata,
        socket=caller.connection_id,
    )
    caller.runtime.sends.submit(draft).add_done_callback(stored)


async def message_edit(caller: Caller, frame: protocol.MessageEdit, ack: Ack) -> None:
    """New text for a message of one's own."""
    _needs_room(caller, frame.room)
    payer_id = identified(caller).payer_id
    edit = partial(
        edit_message, payer_id=payer_id, room_id=frame.room, message_id=frame.message, body=frame.body
    )
    ack(MessageData(await _write(caller, edit)))


async def message_delete(caller: Caller, frame: protocol.MessageDelete, ack: Ack) -> None:
    """Makes a tombstone of a message."""
    _needs_room(caller, frame.room)
    delete = partial(delete_message, room_id=frame.room, message_id=frame.message)
    ack(MessageData(await _write(caller, delete)))


async def _write(caller: Caller, service: Callable[..., T]) -> T:
    """The result of a service called for whoever sends."""
    user_id = identified(caller).user_id
    return await caller.runtime.hub.pool.run(lambda: service(user_id=user_id))


async def read(caller: Caller, frame: protocol.Read, ack: Ack) -> None:
    """Moves my read position."""
    _needs_room(caller, frame.room)
    ack(await _write(caller, partial(mark_read, room_id=frame.room, seq=frame.seq, force=bool(frame.force))))


def typing(caller: Caller, frame: protocol.Typing, answer: Answer) -> None:
    """Tells the room's other people that I type, or have stopped."""
    _needs_room(caller, frame.room)
    user_id = identified(caller).user_id
    caller.voice.say(
        frame.room,
        lambda room: hint(room, encode_frame(TypingShown(room, user_id, frame.active)), from_user=user_id),
        lambda error: answer(error or {}),
    )


def signal(caller: Caller, frame: protocol.Signal, answer: Answer) -> None:
    """Tells the room's other sockets something that is not stored."""
    _needs_room(caller, frame.room)
    user_id = identified(caller).user_id
    name = clean_client_id(frame.name, attr="name")
    data = msgspec.Raw(clean_value(frame.data, attr="data", max_bytes=settings.SIGNAL_MAX_BYTES))
    own = caller.connection_id
    caller.voice.say(
        frame.room,
        lambda room: hint(room, encode_frame(SignalShown(room, user_id, name, data)), from_socket=own),
        lambda error: answer(error or {}),
    )


def identified(caller: Caller, scope: str = scopes.ANY) -> Identity:
    """Who sends; NotAuthenticated before `auth`, ScopeMissing for an API token that lacks `scope`."""
    if caller.identity is None:
        raise NotAuthenticated("The first frame of this socket is `auth`.")
    scopes.require_scope(caller.identity, scope)
    return caller.identity


class Command(msgspec.Struct, frozen=True):
    """`scope` is what an API token needs. `alone`: waits for all before it, and all after it wait."""

    shape: type[msgspec.Struct]
    run: Callable[[Any, Any, Ack], Awaitable[None]]
    scope: str = scopes.ANY
    alone: bool = False


class Saying(msgspec.Struct, frozen=True):
    """A command that needs no task: what it says goes out in the order it came, also when the socket closes."""

    shape: type[msgspec.Struct]
    run: Callable[[Any, Any, Answer], None]
    scope: str = scopes.ANY


COMMANDS: dict[str, Command | Saying] = {
    "auth": Command(protocol.Auth, auth, alone=True),
    "subscribe": Command(protocol.Subscribe, subscribe, scopes.MESSAGES_READ, alone=True),
    "unsubscribe": Command(protocol.Unsubscribe, unsubscribe, scopes.MESSAGES_READ, alone=True),
    "message.edit": Command(protocol.MessageEdit, message_edit, scopes.MESSAGES_WRITE),
    "message.delete": Command(protocol.MessageDelete, message_delete, scopes.MESSAGES_WRITE),
    "read": Command(protocol.Read, read, scopes.MESSAGES_READ),
    "message.send": Saying(protocol.MessageSend, message_send, scopes.MESSAGES_WRITE),
    "typing": Saying(protocol.Typing, typing, scopes.MESSAGES_WRITE),
    "signal": Saying(protocol.Signal, signal, scopes.MESSAGES_WRITE),
}
"""Beside `ping`, which is answered out of turn (gateway/reader.py)."""


def refusal_for(error: Exception) -> ParleyError:
    """What a client is told of any error; a bug of ours says nothing of itself."""
    if isinstance(error, ParleyError):
        return error
    return unavailable(error) or InternalError()
