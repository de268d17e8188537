"""`python -m bench.baselines.bare PORT`. A room is a path; the event is as long as one of Parley's."""

import struct
import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

EVENT_BYTES = 640

rooms: dict[bytes, set[WSTransport]] = {}


class Socket(WSListener):
    def __init__(self, room: bytes) -> None:
        self.room = rooms.setdefault(room, set())

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.room.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.room.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()
            return
        payload = frame.get_payload_as_bytes().ljust(EVENT_BYTES)
        ready = b"\x81\x7e" + struct.pack("!H", len(payload)) + payload
        for other in self.room:
            other.underlying_transport.write(ready)


async def main() -> None:
    def listener(request: WSUpgradeRequest) -> Socket:
        return Socket(request.path)

    server = await ws_create_server(listener, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


uvloop.run(main())
