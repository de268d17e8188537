"""What goes on the bus, and how: after the commit, off the path of the acknowledgement, best effort.

The bus only wakes: whatever it loses, every hub finds in the log. So nothing here raises, waits
for long, or keeps more than BUS_QUEUE_MAX_BYTES. This process's own hub is told without it.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.db import transaction

from common.errors import SessionEnded, UserDisabled
from common.tasks import cancel_and_wait
from realtime import groups
from realtime.protocol import encode_notice

logger = logging.getLogger(__name__)

_ENDED_AT_ONCE = 1_000  # sessions of one message: 32 kB


class RoomEvent(msgspec.Struct, frozen=True):
    """A numbered event, encoded once: `frame` is the JSON text every subscriber gets.

    `member` is whose membership it changes, if anybody's. A `reason` says that it ends subscriptions:
    theirs, or everybody's where it names nobody (`room.deleted`).
    """

    seq: int
    frame: str
    member: UUID | None = None
    reason: str = ""

    def ends_for(self, user_id: UUID) -> bool:
        """Whether a subscription of this person's ends with it."""
        return self.reason != "" and (self.member is None or self.member == user_id)


def room_message(room_id: UUID, events: Iterable[RoomEvent]) -> dict[str, Any]:
    """The bus message that carries `events` of one room; `read_room_message` is its inverse."""
    return {
        "type": "room.events",
        "room": room_id.hex,
        "events": [
            [event.seq, event.frame, event.member.hex if event.member else "", event.reason]
            for event in events
        ],
    }


def read_room_message(message: dict[str, Any]) -> tuple[UUID, list[RoomEvent]]:
    """The room and the events of a bus message; ValueError, KeyError or TypeError for garbage."""
    return UUID(message["room"]), [
        RoomEvent(int(seq), str(frame), UUID(member) if member else None, str(reason))
        for seq, frame, member, reason in message["events"]
    ]


class Publisher:
    """Sends to the channel layer from one event loop, in the order given, never raising.

    Bound to a loop (`start`), it takes from any thread and returns at once. Unbound (a management
    command), it sends before it returns, for at most BUS_TIMEOUT_S.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._origin = ""
        self._here: Callable[[dict[str, Any]], None] | None = None
        self._alone = False
        self._task: asyncio.Task[None] | None = None
        self._new: list[dict[str, Any]] = []  # not yet told here
        self._queue: deque[tuple[str, dict[str, Any], int]] = deque()  # … nor on the bus
        self._bytes = 0
        self._sending = False
        self._wake = asyncio.Event()
        self._lock = threading.Lock()

    def start(self, here: Callable[[dict[str, Any]], None], origin: str) -> None:
        """Bind to the running loop; what was queued on another one is dropped (the log has it).

        `here` is told every message at once: a round trip before the bus brings it back, and without it.
        `origin` is the process's name, by which it knows its own messages again.
        """
        loop = asyncio.get_running_loop()
        if self._loop is loop and self._task is not None and not self._task.done():
            return
        with self._lock:
            self._new.clear()
            self._queue.clear()
            self._bytes = 0
            self._sending = False
        self._loop, self._here, self._origin = loop, here, origin
        # Nobody else could hear it there, and each send would look at every group there is.
        self._alone = isinstance(get_channel_layer(), InMemoryChannelLayer)
        self._wake = asyncio.Event()
        self._task = loop.create_task(self._run())

    async def stop(self) -> None:
        """Send what is queued, for at most BUS_TIMEOUT_S, and unbind."""
        task, self._task, self._loop = self._task, None, None
        if task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.BUS_TIMEOUT_S):
                while self._queue or self._sending:
                    self._wake.set()
                    await asyncio.sleep(0)
        await cancel_and_wait([task])

    def put(self, group: str, message: dict[str, Any], size: int = 200, *, hint: bool = False) -> None:
        """Queue `message` for `group`; `size` is its rough weight in bytes. Callable from any thread.

        It says where it is from, so that this process, which is told it anyway, knows its own again.
        On a bus that is slow a `hint` leaves half of the queue to the others; and put on the loop itself it is
        told here before this returns.
        """
        loop = self._loop
        bound = settings.BUS_QUEUE_MAX_BYTES // 2 if hint else settings.BUS_QUEUE_MAX_BYTES
        if loop is None or loop.is_closed():
            async_to_sync(self._send)([(group, message)])
            return
        message = {**message, "origin": self._origin}
        now = hint and _runs_here(loop)
        with self._lock:
            if not now:
                self._new.append(message)
            told = len(self._new) > 1
            if not self._alone and self._bytes <= bound:  # else the bus hangs; the other hubs read the log
                self._queue.append((group, message, size))
                self._bytes += size
        if now:
            if self._here is not None:
                self._here(message)
            self._wake.set()
        elif not told:
            with contextlib.suppress(RuntimeError):  # the loop closed just now: the process is going
                loop.call_soon_threadsafe(self._arrived)

    def settle(self) -> None:
        """Tell this process what was put so far. To be called on the loop."""
        if self._new:
            self._arrived()

    def _arrived(self) -> None:
        with self._lock:
            new, self._new = self._new, []
        if self._here is not None:
            for message in new:
                self._here(message)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                with self._lock:
                    gathered = [(group, message) for group, message, _ in self._queue]
                    self._queue.clear()
                    self._bytes = 0
                    self._sending = True
                await self._send(gathered)
                self._sending = False

    async def _send(self, gathered: Sequence[tuple[str, dict[str, Any]]]) -> None:
        layer = get_channel_layer()
        many = getattr(layer, "group_send_many", None) if len(gathered) > 1 else None
        try:
            async with asyncio.timeout(settings.BUS_TIMEOUT_S):
                if many is not None:
                    await many(gathered)
                else:
                    for group, message in gathered:
                        await layer.group_send(group, message)
        except Exception as error:  # whatever the bus does, the log has the events
            logger.warning("bus: %d publications failed: %s", len(gathered), type(error).__name__)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


publisher = Publisher()
"""The process's own."""


def publish_on_commit(room_id: UUID, events: Sequence[RoomEvent]) -> None:
    """Publish a room's new events once the transaction under way has committed; in chunks."""
    transaction.on_commit(lambda: publish_events(room_id, events))


def publish_events(room_id: UUID, events: Sequence[RoomEvent]) -> None:
    """Publish events that are committed already."""
    group = groups.room(room_id)
    chunk: list[RoomEvent] = []
    size = 0
    for event in events:
        if chunk and size + len(event.frame) > settings.BUS_MESSAGE_MAX_BYTES:
            publisher.put(group, room_message(room_id, chunk), size)
            chunk, size = [], 0
        chunk.append(event)
        size += len(event.frame)
    if chunk:
        publisher.put(group, room_message(room_id, chunk), size)


def memberships_moved_on_commit(user_id: UUID) -> None:
    """Tell this person's sockets, wherever they are, to look at their memberships again."""
    message = {"type": "user.memberships", "user": user_id.hex}
    transaction.on_commit(lambda: publisher.put(groups.user(user_id), message))


def blocks_moved_on_commit(user_ids: Iterable[UUID]) -> None:
    """Tell the sockets of these people, wherever they are, that one of them blocks another now, or no more."""
    for user_id in user_ids:
        message = {"type": "user.blocks", "user": user_id.hex}
        transaction.on_commit(partial(publisher.put, groups.user(user_id), message))


def sessions_ended_on_commit(user_id: UUID, session_ids: Sequence[UUID]) -> None:
    """Close the sockets of these sessions or API tokens of one person, wherever they are."""
    for start in range(0, len(session_ids), _ENDED_AT_ONCE):
        named = [key.hex for key in session_ids[start : start + _ENDED_AT_ONCE]]
        _end_on_commit(user_id, named, SessionEnded.code)


def user_disabled_on_commit(user_id: UUID) -> None:
    """Close all sockets of this person, wherever they are."""
    _end_on_commit(user_id, None, UserDisabled.code)


def _end_on_commit(user_id: UUID, credentials: list[str] | None, code: str) -> None:
    message = {"type": "user.ended", "user": user_id.hex, "credentials": credentials, "code": code}
    transaction.on_commit(lambda: publisher.put(groups.user(user_id), message))


def notify_on_commit(user_ids: Iterable[UUID], data: msgspec.Struct, *, but: str = "") -> None:
    """Send a notice (its data, of protocol.NOTICES) to all sockets of these people: a hint, it may be lost.

    Not to the one socket `but` (its connection's id), which knows it by an ack.
    """
    frame = encode_notice(data)
    people = tuple(user_ids)

    def send() -> None:
        for user_id in people:
            message = {"type": "user.notice", "user": user_id.hex, "frame": frame, "but": but}
            publisher.put(groups.user(user_id), message, len(frame), hint=True)

    transaction.on_commit(send)


def hint(room_id: UUID, frame: str, *, from_user: UUID | None = None, from_socket: str = "") -> None:
    """Send an unnumbered frame to whoever is subscribed to the room now; it may be lost.

    Not to the sockets of `from_user`, nor to the one socket `from_socket` (its connection's id).
    """
    message = {
        "type": "room.hint",
        "room": room_id.hex,
        "frame": frame,
        "user": from_user.hex if from_user else "",
        "socket": from_socket,
    }
    publisher.put(groups.room(room_id), message, len(frame), hint=True)
