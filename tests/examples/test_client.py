"""examples/client.py when its access token has run out."""

import asyncio
from typing import Any

import pytest

from examples.client import Parley, Refused
from tests.live import LiveServer
from tests.turned_clock import TurnedClock

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery"
AN_HOUR_S = 3600
WAIT_S = 20


async def registered(server: LiveServer) -> tuple[Parley, list[str]]:
    """Somebody logged in, and the paths they call."""
    ada = await Parley.log_in(server.http, "ada", PASSWORD, register=True)
    asked: list[str] = []
    call = ada._call

    def noted(method: str, path: str, *rest: Any) -> Any:
        asked.append(path)
        return call(method, path, *rest)

    ada._call = noted  # type: ignore[method-assign]
    return ada, asked


async def test_calls_at_once_whose_token_ran_out_are_repeated_after_one_refresh(
    server: LiveServer, turned: TurnedClock
) -> None:
    async with asyncio.timeout(WAIT_S):
        ada, asked = await registered(server)
        turned.turn(AN_HOUR_S)
        found = await asyncio.gather(*(ada.rest("GET", "users/me/") for _ in range(5)))
    assert {user["username"] for user in found} == {"ada"}
    assert asked.count("auth/token/refresh/") == 1


async def test_a_socket_whose_token_ran_out_comes_back_unless_the_session_is_over(
    server: LiveServer, turned: TurnedClock
) -> None:
    async with asyncio.timeout(WAIT_S):
        ada, asked = await registered(server)
        turned.turn(AN_HOUR_S)
        await ada.start()
        room = await ada.rest("POST", "rooms/", {"kind": "public", "name": "mill"})
        await ada.send(room["id"], "here")
        assert asked.count("auth/token/refresh/") == 1
        await ada.rest("POST", "auth/logout/")
        turned.turn(AN_HOUR_S)
        with pytest.raises(Refused):
            await ada.send(room["id"], "gone")
        await ada.stop()


async def test_a_session_that_is_over_is_refused_to_calls(server: LiveServer, turned: TurnedClock) -> None:
    async with asyncio.timeout(WAIT_S):
        ada, _ = await registered(server)
        turned.turn(31 * 24 * AN_HOUR_S)  # the refresh token too
        with pytest.raises(Refused):
            await ada.rest("GET", "users/me/")
