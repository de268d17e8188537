"""Stands for Docker's name server: the addresses of a service's containers, on UDP."""

import socket
import struct
import threading
from collections.abc import Callable, Sequence

_HEAD = struct.Struct("!6H")  # id, flags, questions, answers, authorities, additional: RFC 1035, 4.1.1
_ANSWER, _NO_NAME = 0x8580, 0x8583
_POINTER_TO_QUESTION = 0xC00C
_A, _IN, _TTL_S = 1, 1, 600


class NameServer:
    """Answers `name` with what `addresses` says at that moment; any other name is unknown."""

    def __init__(self, name: str, addresses: Callable[[], Sequence[str]]) -> None:
        self._question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
        self._addresses = addresses
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, client = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(asked), client)
            except OSError:
                return

    def _answer(self, asked: bytes) -> bytes:
        number, question = _HEAD.unpack_from(asked)[0], asked[_HEAD.size :]
        known = question.lower().startswith(self._question)
        is_a = question[len(self._question) :][:2] == struct.pack("!H", _A)
        found = self._addresses() if known and is_a else []
        records = b"".join(
            struct.pack("!HHHIH", _POINTER_TO_QUESTION, _A, _IN, _TTL_S, 4) + socket.inet_aton(address)
            for address in found
        )
        end = question.index(b"\0") + 5
        head = _HEAD.pack(number, _ANSWER if known else _NO_NAME, 1, len(found), 0, 0)
        return head + question[:end] + records
