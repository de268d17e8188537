"""The whole application on daphne, inside the test process, in the place of tests/live.py."""

import os
import threading
from typing import Any, ClassVar

from daphne.server import Server
from twisted.internet import reactor

from backend.asgi import application
from gateway.runtime import stop_runtime
from tests.live import OwnLoop

_START_S = 10.0

CANNOT = {
    "codes": """Say by a close why it closes. It sends no reason, and 1000 in the place of the codes below 3000 (1003, 1009,
        1011, 1012, 1013): go by the `error` frame before it. The codes from 4400 on work. Who does not answer a close within a
        second sees 1006. A client's own close it answers with 1000, whatever its code.""",
    "broken": """Close with 1002 or 1007 over frames that are none. The line is cut, and the client sees 1006.""",
    "goodbye": """Say goodbye. When it stops, what is under way is cut off, and clients see 1006 without an `error`: treat
        that as 1012.""",
    "size": """Answer a frame of more than 1 MiB, or a smaller one before all of it is there. Of more the line is cut, and
        the client sees 1006.""",
    "slow": """Hold back. What is sent to a client that does not read, and what a client sends faster than it is served,
        is kept in memory without a bound; nobody is closed as `too_slow` for not reading.""",
    "bounds": """Keep the bounds of the lines below HTTP and WebSocket: the `REQUEST_…` and `RESPONSE_…` settings,
        `HEADER_MAX_BYTES`, control frames and fragments, `SOCKET_PING_S`. It does not read `FORWARDED_ALLOW_IPS`; its own
        `--proxy-headers` believes anybody.""",
    "early": """Wait with what comes before its answer to the handshake. Frames sent so early are lost, or garble the answer.""",
    "bodies": "Say why it refuses a handshake. Its 403 is no problem in JSON.",
    "origin": "Refuse an `Origin` that is no URL with 403. It answers 400.",
}
"""docs/operations.md, "Under daphne", word for word; names are for `pytest.mark.daphne_cannot`."""

SERVER = os.environ.get("PARLEY_TEST_SERVER", "uvicorn")
"""What the tests of tests/gateway run on."""


def seen(code: int) -> int:
    """What a client sees of this closing code on the server of this run: `CANNOT["codes"]`."""
    return 1000 if SERVER == "daphne" and code < 3000 else code


def seen_reason(reason: str) -> str:
    """What a client sees of this close reason, likewise."""
    return "" if SERVER == "daphne" else reason


class DaphneServer(OwnLoop):
    """daphne's own server class in a thread, as `daphne --no-server-name` runs it.

    Twisted runs once a process: the first `start` is for good, and every later server is the same one,
    with a runtime of its own.
    """

    _daphne: ClassVar[Server | None] = None

    def start(self) -> None:
        """Returns when it answers."""
        if DaphneServer._daphne is None:
            DaphneServer._daphne = _started()
        [(host, self.port)] = DaphneServer._daphne.listening_addresses
        self.http = f"http://{host}:{self.port}"
        self.ws = f"ws://{host}:{self.port}/ws/v1/"
        self._loop = reactor._asyncioEventloop

    def stop(self) -> None:
        """End what runs beside the requests, which SIGTERM would cut off."""
        self.call(stop_runtime())


def _started() -> Server:
    listening = threading.Event()

    class Telling(Server):
        def listen_success(self, port: Any) -> None:
            super().listen_success(port)
            # One second is too short for clients on a machine that runs other tests, too.
            self.ws_factory.setProtocolOptions(closeHandshakeTimeout=10)
            listening.set()

    server = Telling(
        application, endpoints=["tcp:port=0:interface=127.0.0.1"], signal_handlers=False, server_name=""
    )
    threading.Thread(target=server.run, daemon=True).start()
    assert listening.wait(_START_S), "daphne did not start"
    return server
