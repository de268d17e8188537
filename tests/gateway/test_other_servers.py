"""The same application without our server: driven by Channels' own communicator, and on daphne."""

import contextlib
import os
import socket as sockets
import subprocess
import sys
from pathlib import Path

import pytest
from channels.testing import WebsocketCommunicator
from websockets.exceptions import ConnectionClosed

from accounts import services
from backend.asgi import application
from gateway.runtime import stop_runtime
from rooms.services import create_room
from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.socket import Socket
from tests.daphne_server import CANNOT
from tests.gateway.waiting import in_database, until
from tests.gateway.wire import Wire
from tests.limits import WIDE_ENV

ROOT = Path(__file__).resolve().parents[2]


async def test_the_wire_under_a_websocket_communicator(transactional_db):
    def prepare():
        ada = services.register(username="ada", password=PASSWORD)
        return ada, str(create_room(creator_id=ada.user.id, kind="private", name="story").room.id)

    ada, room = await in_database(prepare)
    offers = ["parley.v1", f"bearer.{ada.access}"]
    socket = WebsocketCommunicator(application, "/ws/v1/", subprotocols=offers)
    try:
        assert await socket.connect() == (True, "parley.v1")
        assert (await socket.receive_json_from())["type"] == "welcome"
        await socket.send_json_to({"type": "subscribe", "id": 1, "rooms": [{"room": room, "since": 0}]})
        assert (await socket.receive_json_from())["data"]["rooms"][0]["seq"] == 2
        assert [(await socket.receive_json_from())["seq"] for _ in range(2)] == [1, 2]
        await socket.send_json_to(
            {"type": "message.send", "id": 2, "room": room, "client_id": "1", "body": "hi"}
        )
        frames = [await socket.receive_json_from() for _ in range(2)]
        assert {frame["type"] for frame in frames} == {"ack", "message.created"}
        await socket.send_to(text_data="{")
        assert (await socket.receive_json_from())["code"] == "invalid"
        await socket.send_to(bytes_data=b"{}")
        assert (await socket.receive_json_from())["code"] == "unsupported_type"
        assert await socket.receive_output() == {
            "type": "websocket.close", "code": 1003, "reason": "unsupported_type",
        }  # fmt: skip
        await socket.disconnect()
        refused = WebsocketCommunicator(application, "/ws/v1/", headers=[(b"authorization", b"Bearer x")])
        assert (await refused.connect())[0] is True
        assert (await refused.receive_json_from())["code"] == "token_invalid"
        assert (await refused.receive_output())["code"] == 4401
        await refused.disconnect()
        foreign = WebsocketCommunicator(application, "/ws/v1/", headers=[(b"origin", b"https://evil.org")])
        assert (await foreign.connect())[0] is False
    finally:
        await stop_runtime()


@pytest.fixture
def daphne(tmp_path):
    """daphne's own command on an empty SQLite database: the process and its port."""
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("REDIS_URL", "DJANGO_SETTINGS_MODULE")
    }
    env |= {
        "DATABASE_URL": f"sqlite:///{tmp_path}/daphne.sqlite3",
        "DEBUG": "1",
        "ALLOWED_HOSTS": "127.0.0.1",
        **WIDE_ENV,
        "FORWARDED_ALLOW_IPS": "127.0.0.1",
        "UNKNOWN_SOCKETS_PER_ADDRESS": "3",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    with (tmp_path / "daphne.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "daphne",
                "--no-server-name",
                "-b",
                "127.0.0.1",
                "-p",
                str(port),
                "backend.asgi:application",
            ],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=log,
        )
    yield process, port
    process.terminate()
    process.wait(15)
    said = (tmp_path / "daphne.log").read_text()
    assert "Traceback" not in said, said[-4_000:]
    assert "eyJ" not in said


def answers(port):
    with sockets.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
async def test_what_daphne_cannot_do_is_what_the_page_says(daphne):
    """The conformance tests themselves run on it too: PARLEY_TEST_SERVER=daphne, tests/gateway/conftest.py."""
    process, port = daphne
    url = f"http://127.0.0.1:{port}"
    await until(lambda: answers(port), "daphne answers", 20)
    async with Rest(url) as ada:
        await ada.register("ada", PASSWORD)
        ws = f"ws://127.0.0.1:{port}/ws/v1/"
        for sent, code, why in (
            (b"\x00", 1000, "unsupported_type"),
            ("x" * 131_073, 1000, "too_large"),
            ("x" * 1_048_577, 1006, None),
        ):
            async with await Wire.open(ws, ada.access) as wire:
                await wire.next()
                with contextlib.suppress(ConnectionClosed):
                    await wire.send(sent)
                frames, ended_with = await wire.ends()
                assert (ended_with, [frame["code"] for frame in frames]) == (code, [why] if why else [])
        # It believes nobody about where they are.
        unknown = [await Wire.open(ws, headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(4)]
        assert (await unknown[3].ends())[1] == 4408
        for wire in unknown:
            await wire.connection.close()
        stays = await Socket.connect(url, ada.access, auth="subprotocol")
        process.terminate()
        ending = await stays.wait_closed()
        assert (ending.code, ending.why) == (1006, None)


def test_the_page_has_the_list():
    page = " ".join((ROOT / "docs" / "operations.md").read_text().split())
    section = page.partition("## Under daphne")[2]
    assert [what for what in CANNOT.values() if f"- {' '.join(what.split())} " not in section] == []
    assert section.count(" - ") == len(CANNOT)
