"""What one client says: each frame is read, carried out in its turn, and answered once.

Bad frames are answered too; nothing here raises. The frames themselves are in gateway/commands.py.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from django.conf import settings

from common.decode import decode_struct, half_characters
from common.errors import InternalError, Invalid, ParleyError, RateLimited, UnknownType
from gateway import commands
from gateway.frames import error_frame
from gateway.inbox import Inbox
from gateway.outbox import Outbox
from gateway.pace import Pace
from realtime.protocol import Ack, Envelope, Ping, Pong, encode_frame

logger = logging.getLogger(__name__)

FrameKey = str | int | None
_ID_MAX_CHARS = 64


class Speaker(commands.Caller, Protocol):
    """The socket whose frames they are."""

    outbox: Outbox

    @property
    def payer(self) -> Hashable:
        """On whom its frames count: the person, a bot's owner, or the address before that is known."""

    def refuse(self, error: ParleyError) -> None:
        """Close: its first credential is not good."""


class FrameReader:
    """Takes a socket's frames in the order they came."""

    def __init__(self, socket: Speaker) -> None:
        self.inbox = Inbox()
        self._socket = socket
        self._outbox = socket.outbox
        self._tasks: set[asyncio.Task[None]] = set()
        self._bad: deque[float] = deque()
        self._finishing = False
        self._deadline: asyncio.TimerHandle | None = None
        self._pace = Pace()

    async def take(self, text: str) -> None:
        """Begin with a frame, once there is space for it."""
        await self.inbox.space()
        if not self._finishing:
            self._read(text)

    def finish(self, act: Callable[[], None]) -> None:
        """Begin with no more frames; call `act` once those under way are answered, or after SOCKET_CLOSE_S."""
        if not self._finishing:
            self._finishing = True
            self._deadline = asyncio.get_running_loop().call_later(settings.SOCKET_CLOSE_S, act)
            self.inbox.when_idle(act)

    def close(self) -> None:
        """The socket is gone: begin nothing more, and end what waits for the database."""
        self.inbox.close()
        if self._deadline is not None:
            self._deadline.cancel()
        for task in self._tasks:
            task.cancel()

    def _read(self, text: str) -> None:
        if _too_large(text):  # a server that let it through
            self._outbox.close(1009, "too_large", f"A frame has at most {settings.FRAME_MAX_BYTES} bytes.")
            return
        refused = self._pace.one_more(self._socket.payer)
        try:
            envelope = decode_struct(text, Envelope)
        except Invalid as error:
            if refused is None:
                self._no_frame(text, error)
            else:
                self._refuse_frame(None, refused)
            return
        key: FrameKey = None
        try:
            key = _frame_id(envelope.id)
            if refused is None:
                self._carry_out(envelope.type, key, text)
            else:
                self._refuse_frame(key, refused)
        except ParleyError as error:
            self._outbox.put(error_frame(key, error))

    def _refuse_frame(self, key: FrameKey, error: RateLimited) -> None:
        self._outbox.put(error_frame(key, error))
        if self._pace.went_on:
            self._outbox.close(4429, error.code, "Frames went on coming after errors that said too many did.")

    def _carry_out(self, kind: str, key: FrameKey, text: str) -> None:
        command = commands.COMMANDS.get(kind)
        if kind == "ping":
            decode_struct(text, Ping)
            self._outbox.put(encode_frame(Pong(key)))
        elif isinstance(command, commands.Saying):
            said = decode_struct(text, command.shape)
            self.inbox.put(lambda done: self._say(command, key, said, done), alone=False, size=len(text))
        elif command is not None:
            body = decode_struct(text, command.shape)
            self.inbox.put(
                lambda done: self._start(command, key, body, done), alone=command.alone, size=len(text)
            )
        else:
            raise UnknownType(f"There is no frame of this type; known are {', '.join(_KNOWN)}.")

    def _say(self, command: commands.Saying, key: FrameKey, body: Any, done: Callable[[], None]) -> None:
        def answer(result: Any) -> None:
            if isinstance(result, Exception):
                self._outbox.put(error_frame(key, _refusal(result)))
            elif key is not None:
                self._outbox.put(encode_frame(Ack(key, result)))
            done()

        if self._outbox.closing:
            done()
            return
        try:
            commands.identified(self._socket, command.scope)
            command.run(self._socket, body, answer)
        except Exception as error:
            answer(error)

    def _start(self, command: commands.Command, key: FrameKey, body: Any, done: Callable[[], None]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(command, key, body))
        self._tasks.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            done()

        task.add_done_callback(ended)

    async def _run(self, command: commands.Command, key: FrameKey, body: Any) -> None:
        first_auth = command.run is commands.auth and self._socket.identity is None

        def ack(data: Any) -> None:
            if key is not None:
                self._outbox.put(encode_frame(Ack(key, data)))

        if self._outbox.closing:
            return
        try:
            if command.run is not commands.auth:
                commands.identified(self._socket, command.scope)
            await command.run(self._socket, body, ack)
        except Exception as caught:
            error = _refusal(caught)
            self._outbox.put(error_frame(key, error))
            if first_auth:
                self._socket.refuse(error)

    def _no_frame(self, text: str, error: Invalid) -> None:
        """Not counted as bad where it is one but for a text cut in half: `error` names the field."""
        found = half_characters(text)
        frame, attr = found or (None, "")
        if isinstance(frame, dict) and isinstance(frame.get("type"), str) and attr not in ("", "type"):
            key: FrameKey = None
            with contextlib.suppress(Invalid, UnicodeEncodeError):
                said = _frame_id(frame.get("id"))
                str(said).encode()  # it may be cut in half, too
                key = said
            self._outbox.put(error_frame(key, error))
        else:
            self._bad_frame()

    def _bad_frame(self) -> None:
        self._outbox.put(error_frame(None, Invalid("A frame is a JSON object with a string `type`.")))
        now = asyncio.get_running_loop().time()
        self._bad.append(now)
        while self._bad[0] < now - 60:
            self._bad.popleft()
        if len(self._bad) > settings.BAD_FRAMES_PER_MINUTE:
            self._outbox.close(4400, "bad_frames", "Too many frames that are no JSON object with a `type`.")


_KNOWN = sorted([*commands.COMMANDS, "ping"])


def _too_large(text: str) -> bool:
    """Whether it has more than FRAME_MAX_BYTES; only where that is not plain from its length are they counted."""
    limit = settings.FRAME_MAX_BYTES
    return len(text) > limit or (4 * len(text) > limit and len(text.encode()) > limit)


def _refusal(caught: Exception) -> ParleyError:
    error = commands.refusal_for(caught)
    if isinstance(error, InternalError):
        logger.warning("frame failed", exc_info=caught)
    elif error is not caught:  # the database is away, which many frames will say
        logger.warning("frame failed: %s: %s", type(caught).__name__, caught)
    return error


def _frame_id(value: Any) -> FrameKey:
    """The `id` of a frame: a string of at most 64 characters, or an integer, or none."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= _ID_MAX_CHARS:
        return value
    raise Invalid.field("id", f"a string of at most {_ID_MAX_CHARS} characters, or an integer")
