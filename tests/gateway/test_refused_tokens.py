"""Forged and stale tokens on the socket: accepted, told why, closed with 4401 or 4403."""

import asyncio

import pytest
from websockets.exceptions import InvalidHandshake

from accounts.models import Session, User
from tests.daphne_server import seen
from tests.forged_tokens import forged, signed
from tests.gateway.waiting import in_database
from tests.gateway.wire import Wire

HEADER_MAX = 7_000  # websockets reads lines of at most 8 kB


@pytest.fixture
async def cases(ada):
    """The table of forged tokens, for ada's session."""

    def make():
        session = Session.objects.select_related("user").get()
        return forged(session, session.user)

    return await in_database(make)


def told(frames, code):
    """What the table is compared with: the last error and the close code."""
    assert all(frame["type"] == "error" for frame in frames), frames
    assert frames[-1]["id"] is None
    return frames[-1]["code"], code


def expected(code):
    return code, 4403 if code == "session_ended" else 4401


async def each(cases, judge):
    """The names of the cases that `judge` says are wrong, with what it saw."""
    gate = asyncio.Semaphore(16)

    async def one(name, token, code):
        async with gate:
            seen = await judge(token)
        return None if seen == expected(code) else (name, seen)

    return [wrong for wrong in await asyncio.gather(*(one(*case) for case in cases)) if wrong]


async def test_every_forged_token_in_an_auth_frame_is_refused(server, cases):
    async def judge(token):
        async with await Wire.open(server.ws) as wire:
            await wire.send({"type": "auth", "id": 1, "token": token})
            frames, code = await wire.ends()
            assert [frame["id"] for frame in frames] == [1, None]
            assert len({frame["code"] for frame in frames}) == 1
            return told(frames, code)

    small = [case for case in cases if len(case[1]) < 100_000 and "\ud800" not in case[1]]
    assert len(small) == len(cases) - 1
    assert await each(small, judge) == []


async def test_every_forged_token_in_the_handshake_is_accepted_then_closed(server, cases):
    async def judge(token):
        async with await Wire.open(server.ws, token) as wire:
            return told(*await wire.ends())

    small = [case for case in cases if len(case[1]) < HEADER_MAX and case[1].isascii()]
    assert len(small) > 100
    assert await each(small, judge) == []


async def test_every_forged_token_in_a_subprotocol_is_accepted_then_closed(server, cases):
    async def judge(token):
        async with await Wire.open(server.ws, offers=["parley.v1", f"bearer.{token}"]) as wire:
            assert wire.connection.subprotocol == "parley.v1"
            return told(*await wire.ends())

    small = [case for case in cases[::5] if len(case[1]) < HEADER_MAX and case[1].isascii()]
    assert await each(small, judge) == []


@pytest.mark.daphne_cannot("bounds")
async def test_a_token_of_500_kb_is_refused_at_once_as_frame_and_as_header(server, cases):
    [token] = [token for name, token, _ in cases if name == "500 kB"]
    async with await Wire.open(server.ws) as wire:
        await wire.send({"type": "auth", "id": 1, "token": token})
        assert (await wire.ends())[1] == seen(1009)
    for length in (9_000, 100_000, len(token)):
        async with asyncio.timeout(3):
            with pytest.raises((InvalidHandshake, OSError)) as refused:
                await Wire.open(server.ws, token[:length])
        response = getattr(refused.value, "response", None)
        assert response is None or response.status_code == 431  # None: the line was cut while we still wrote


async def test_refresh_tokens_get_nobody_in(server, ada):
    async with await Wire.open(server.ws, ada.refresh_token) as wire:
        assert told(*await wire.ends()) == ("token_invalid", 4401)
    used = ada.access
    await ada.refresh()
    async with await Wire.open(server.ws, used) as wire:  # good until it expires: the session stands
        assert (await wire.next())["type"] == "welcome"


async def test_an_ended_session_and_a_disabled_user_are_closed_with_4403(server, ada, bob):
    await ada.log_out()
    async with await Wire.open(server.ws, ada.access) as wire:
        assert told(*await wire.ends()) == ("session_ended", 4403)
    await in_database(lambda: User.objects.filter(id=bob.user_id).update(is_active=False))
    async with await Wire.open(server.ws, bob.access) as wire:
        assert told(*await wire.ends()) == ("user_disabled", 4403)


async def test_the_same_forger_without_a_change_gets_in(server, ada):
    def make():
        session = Session.objects.select_related("user").get()
        return signed(session, session.user)

    async with await Wire.open(server.ws, await in_database(make)) as wire:
        assert (await wire.next())["type"] == "welcome"
