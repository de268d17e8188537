"""How each server is spoken to: connecting, sending, and reading what comes."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from bench.load.ledger import Message

if TYPE_CHECKING:
    from bench.load.connection import Connection

_CLIENT_ID = b'"client_id":"'


class Kind(Enum):
    EVENT = 1
    ANSWER = 2  # to a send: it is stored
    ERROR = 3
    OTHER = 4


class Wire(ABC):
    """One server's language."""

    @abstractmethod
    def url(self, address: str, rooms: Sequence[str]) -> str: ...

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def enter(  # noqa: B027  nothing to do: the server put it there before it accepted
        self, connection: "Connection", token: str, rooms: Sequence[str], since: Sequence[int] | None
    ) -> None:
        """Return when the socket is in its rooms."""

    @abstractmethod
    def frames(self, room: str, run: str, sender: int, body: str) -> Callable[[int], bytes]:
        """A function from a message's number to the frame that sends it."""

    @abstractmethod
    def kind(self, payload: bytes) -> Kind: ...

    def message(self, payload: bytes) -> Message:
        """Whose event this is, by the client's own id `run-sender-number`."""
        begin = payload.index(_CLIENT_ID) + len(_CLIENT_ID)
        _, sender, number = payload[begin : payload.index(b'"', begin)].split(b"-")
        return Message(int(sender), int(number), self.seq(payload))

    def seq(self, payload: bytes) -> int:
        return 0

    def answered(self, payload: bytes) -> int | None:
        """The number of the message that an answer or error belongs to; None for no message's."""
        return None

    def reply(self, payload: bytes) -> bytes | None:
        """What the protocol wants sent back at once."""
        return None


class Parley(Wire):
    """`parley.v1`, with an id on every send: each is acknowledged."""

    def url(self, address: str, rooms: Sequence[str]) -> str:
        return f"ws://{address}/ws/v1/"

    async def enter(
        self, connection: "Connection", token: str, rooms: Sequence[str], since: Sequence[int] | None
    ) -> None:
        await connection.hear(b'{"type":"welcome"')
        wanted = [{"room": room} for room in rooms]
        if since is not None:
            wanted = [{"room": room, "since": seq} for room, seq in zip(rooms, since, strict=True)]  # type: ignore[dict-item]
        heard = connection.hear(b'{"type":"ack"')
        connection.send(json.dumps({"type": "subscribe", "id": "subscribe", "rooms": wanted}).encode())
        answer = json.loads(await heard)
        refused = [one for one in answer["data"]["rooms"] if one.get("code") or one.get("resync")]
        if refused:
            raise RuntimeError(f"not subscribed: {refused[0]}")

    def frames(self, room: str, run: str, sender: int, body: str) -> Callable[[int], bytes]:
        frame = (
            f'{{"type":"message.send","id":%d,"room":"{room}","client_id":"{run}-{sender}-%d","body":"{body}"}}'
        ).encode()
        return lambda number: frame % (number, number)

    def kind(self, payload: bytes) -> Kind:
        if payload.startswith(b'{"type":"message.created"'):
            return Kind.EVENT
        if payload.startswith(b'{"type":"ack"'):
            return Kind.ANSWER
        return Kind.ERROR if payload.startswith(b'{"type":"error"') else Kind.OTHER

    def seq(self, payload: bytes) -> int:
        begin = payload.index(b'"seq":') + 6
        return int(payload[begin : payload.index(b",", begin)])

    def answered(self, payload: bytes) -> int | None:
        begin = payload.index(b'"id":') + 5
        number = payload[begin : payload.index(b",", begin)]
        return int(number) if number.isdigit() else None


class Chat(Wire):
    """The two stock Channels servers: the room in the URL, no acknowledgement."""

    def url(self, address: str, rooms: Sequence[str]) -> str:
        return f"ws://{address}/ws/chat/{rooms[0]}/"

    def frames(self, room: str, run: str, sender: int, body: str) -> Callable[[int], bytes]:
        frame = f'{{"client_id":"{run}-{sender}-%d","body":"{body}"}}'.encode()
        return lambda number: frame % number

    def kind(self, payload: bytes) -> Kind:
        return Kind.EVENT if _CLIENT_ID in payload or b'"client_id": "' in payload else Kind.OTHER

    def message(self, payload: bytes) -> Message:
        """json.dumps puts a blank after each colon."""
        return super().message(payload.replace(b'"client_id": "', _CLIENT_ID, 1))


class Bare(Chat):
    """The limit: the server says nothing but events."""


class SocketIo(Wire):
    """Engine.IO 4 over WebSocket alone; the room is joined on the server, as its auth says."""

    def url(self, address: str, rooms: Sequence[str]) -> str:
        return f"ws://{address}/socket.io/?EIO=4&transport=websocket"

    def headers(self, token: str) -> dict[str, str]:
        return {}

    async def enter(
        self, connection: "Connection", token: str, rooms: Sequence[str], since: Sequence[int] | None
    ) -> None:
        await connection.hear(b"0{")
        heard = connection.hear(b"40{")
        connection.send(b"40" + json.dumps({"token": token, "room": rooms[0]}).encode())
        await heard

    def frames(self, room: str, run: str, sender: int, body: str) -> Callable[[int], bytes]:
        frame = f'42%d["message",{{"client_id":"{run}-{sender}-%d","body":"{body}"}}]'.encode()
        return lambda number: frame % (number, number)

    def kind(self, payload: bytes) -> Kind:
        if payload.startswith(b'42["message"'):
            return Kind.EVENT
        if payload.startswith(b"43"):
            return Kind.ANSWER
        return Kind.ERROR if payload.startswith(b"44") else Kind.OTHER

    def answered(self, payload: bytes) -> int | None:
        number = payload[2 : payload.find(b"[")]
        return int(number) if number.isdigit() else None

    def reply(self, payload: bytes) -> bytes | None:
        return b"3" if payload == b"2" else None


WIRES: dict[str, Wire] = {"parley": Parley(), "chat": Chat(), "bare": Bare(), "socketio": SocketIo()}
