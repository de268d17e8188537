"""Every closing code of docs/protocol.md: first the `error` with `id: null` that says why, then the close."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from accounts.models import User
from gateway.runtime import runtime
from realtime.publish import user_disabled_on_commit
from tests.daphne_server import seen
from tests.gateway.inside import consumer_of
from tests.gateway.test_renewal import token_for  # noqa: F401  a fixture
from tests.gateway.waiting import in_database, until
from tests.gateway.wire import Wire

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
SHOWN = set()


def shows(code, *reasons):
    """Marks a test that sees the socket end so."""

    def mark(test):
        SHOWN.update((code, reason) for reason in reasons)
        return test

    return mark


async def end_of(wire):
    """The code it is closed with, and that of the `error` just before."""
    frames, code = await wire.ends()
    assert frames[-1]["type"] == "error"
    assert frames[-1]["id"] is None
    assert frames[-1]["detail"]
    return code, frames[-1]["code"]


@pytest.fixture
async def wire(server, ada):
    """Ada's, welcomed."""
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        yield wire


@shows(1012, "restarting")
async def test_1012_restarting(server, wire):
    async def drain():
        await runtime().hub.close_all("The server restarts; reconnect and resume.")

    closing = asyncio.create_task(asyncio.to_thread(server.call, drain()))
    assert await end_of(wire) == (seen(1012), "restarting")
    await closing


@shows(1013, "too_slow")
async def test_1013_too_slow(settings, server, ada, wire):
    settings.SOCKET_QUEUE_MAX_BYTES = 100_000
    outbox = consumer_of(server, ada).outbox
    wire.connection.transport.pause_reading()

    async def flood():
        for _ in range(2_000):  # 20 MB: more than the kernel takes
            outbox.put('"%s"' % ("x" * 10_000))

    server.call(flood())
    assert outbox.closing
    wire.connection.transport.resume_reading()
    assert await end_of(wire) == (seen(1013), "too_slow")


@shows(1003, "unsupported_type")
async def test_1003_a_binary_frame(wire):
    await wire.send(b"{}")
    assert await end_of(wire) == (seen(1003), "unsupported_type")


@shows(1009, "too_large")
@pytest.mark.parametrize("size", [131_073, pytest.param(30_000_000, marks=pytest.mark.daphne_cannot("size"))])
async def test_1009_a_frame_too_big(server, ada, size):
    """Also where most of it is still under way when its first bytes say how long it is."""
    wire = await Wire.open(server.ws, ada.access)
    await wire.next()
    sending = asyncio.create_task(wire.send("x" * size))
    try:
        assert await end_of(wire) == (seen(1009), "too_large")
    finally:
        await asyncio.gather(sending, return_exceptions=True)
    hub = server.runtime().hub
    await until(lambda: not hub._people, "nothing of it stays")


@shows(1009, "too_large")
async def test_1009_in_many_fragments(wire):
    part = "x" * 10_000

    async def flood():
        await wire.connection.send([part for _ in range(100)])

    sending = asyncio.create_task(flood())
    assert await end_of(wire) == (seen(1009), "too_large")
    await asyncio.gather(sending, return_exceptions=True)


@shows(1011, "internal_error")
async def test_1011_internal_error(server, ada, wire, alarms):
    alarms.expected.add("a socket failed")

    async def fail(text):
        raise RuntimeError("a bug")

    consumer_of(server, ada).reader.take = fail
    await wire.send({"type": "ping"})
    assert await end_of(wire) == (seen(1011), "internal_error")
    assert len(alarms.records) == 1


@shows(1011, "unavailable")
async def test_1011_unavailable(server, ada, monkeypatch):
    def fail(token):
        raise OSError("no database")

    monkeypatch.setattr("gateway.auth.identify", fail)
    async with await Wire.open(server.ws, ada.access) as refused:
        assert await end_of(refused) == (seen(1011), "unavailable")


@shows(4400, "bad_frames")
async def test_4400_bad_frames(wire):
    for _ in range(11):
        await wire.send("x")
    assert await end_of(wire) == (4400, "bad_frames")


@shows(4401, "token_expired")
async def test_4401_token_expired(server, token_for):  # noqa: F811
    async with await Wire.open(server.ws, token_for(1)) as wire:
        assert await end_of(wire) == (4401, "token_expired")
    async with await Wire.open(server.ws, token_for(-1)) as wire:
        assert await end_of(wire) == (4401, "token_expired")


@shows(4401, "token_invalid")
async def test_4401_token_invalid(server):
    async with await Wire.open(server.ws, "nonsense") as wire:
        assert await end_of(wire) == (4401, "token_invalid")


@shows(4401, "auth_timeout")
async def test_4401_auth_timeout(settings, server):
    settings.AUTH_TIMEOUT_S = 0.1
    async with await Wire.open(server.ws) as wire:
        assert await end_of(wire) == (4401, "auth_timeout")


@shows(4403, "session_ended")
async def test_4403_session_ended(server, ada, wire):
    token = ada.access
    began = time.monotonic()
    await ada.log_out()
    assert await end_of(wire) == (4403, "session_ended")
    assert time.monotonic() - began < 1
    async with await Wire.open(server.ws, token) as refused:
        assert await end_of(refused) == (4403, "session_ended")


@shows(4403, "user_disabled")
async def test_4403_user_disabled(server, ada, wire):
    def disable():
        user = User.objects.get(id=ada.user_id)
        user.is_active = False
        user.save()
        user_disabled_on_commit(user.id)

    began = time.monotonic()
    await in_database(disable)
    assert await end_of(wire) == (4403, "user_disabled")
    assert time.monotonic() - began < 1
    async with await Wire.open(server.ws, ada.access) as refused:
        assert await end_of(refused) == (4403, "user_disabled")


@shows(4403, "not_a_member")
async def test_4403_not_a_member(server, ada, bob):
    public = (await ada.create_room("public"))["id"]
    async with await Wire.open(f"{server.ws}rooms/{public}/", bob.access) as wire:
        assert await end_of(wire) == (4403, "not_a_member")


@shows(4403, "scope_missing")
async def test_4403_scope_missing(server, ada, room):
    bot = await ada.call("POST", "bots/", {"username": "mill-bot"})
    issued = await ada.call("POST", f"bots/{bot['id']}/tokens/", {"scopes": ["rooms:read"]})
    async with await Wire.open(f"{server.ws}rooms/{room}/", issued["token"]) as wire:
        assert await end_of(wire) == (4403, "scope_missing")


@shows(4404, "not_found")
async def test_4404_not_found(server, room, eve):
    async with await Wire.open(f"{server.ws}rooms/{room}/", eve.access) as wire:
        assert await end_of(wire) == (4404, "not_found")


@shows(4408, "too_many_connections")
async def test_4408_too_many_connections(server, ada, narrow, wire):
    narrow(SOCKETS_PER_PERSON=1, UNKNOWN_SOCKETS_PER_ADDRESS=1)
    async with await Wire.open(server.ws, ada.access) as second, await Wire.open(server.ws) as unknown:
        assert await end_of(second) == (4408, "too_many_connections")
        async with await Wire.open(server.ws) as another:
            assert await end_of(another) == (4408, "too_many_connections")
        assert await unknown.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}
    assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}


@shows(4429, "rate_limited")
async def test_4429_rate_limited(narrow, turned, wire):
    narrow(FRAMES_BURST=5, FRAMES_PER_S=1)
    for _ in range(11):
        await wire.send({"type": "ping"})
    assert await end_of(wire) == (4429, "rate_limited")


def test_every_line_of_the_table_has_its_test():
    table = PAGE.read_text().split("\n## Closing\n")[1]
    told = {
        (int(code), reason)
        for code, cell in re.findall(r"^\| (\d{4})[^|]* \| ([^|]*) \|", table, re.MULTILINE)
        for part in re.sub(r"\(.*?\)", "", cell).split(";")
        for reason in re.findall(r"`(\w+)`", part.partition(":")[0])
    }
    assert told == SHOWN
