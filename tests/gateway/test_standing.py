"""Who may signal and type just now: mutes, removals, bans and blocks, the moment they are told (FAULTS B19)."""

import asyncio
import itertools
import threading
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from accounts.scopes import SCOPES
from common import clock
from gateway import voice
from tests.client.rest import Rest
from tests.client.socket import Refused
from tests.gateway.test_hints import hints
from tests.gateway.test_subscribe import say, subscribe
from tests.gateway.waiting import until


async def signal(socket, room, data=None):
    """Its answer: `ok`, or a code."""
    try:
        await socket.request("signal", room=room, name="x", data=data)
    except Refused as refused:
        return refused.code
    return "ok"


async def typing(socket, room):
    try:
        await socket.request("typing", room=room, active=True)
    except Refused as refused:
        return refused.code
    return "ok"


def in_s(seconds):
    return (clock.now() + timedelta(seconds=seconds)).isoformat()


async def block(rest, other, method="PUT"):
    await rest.call(method, f"users/me/blocks/{other.user_id}/")


@pytest.fixture
async def direct(ada, bob):
    return (await ada.direct_room(bob.user_id))["id"]


@pytest.mark.parametrize("subscribed", [True, False])
async def test_the_muted_are_refused_until_it_is_lifted_or_passes(
    turned, ada, bob, room, connect, subscribed
):
    socket = await connect(bob)
    if subscribed:
        await subscribe(socket, room)
    assert await signal(socket, room) == "ok"
    await ada.update_member(room, bob.user_id, muted_until=in_s(60))
    if subscribed:
        await socket.find("member.updated")
    assert [await signal(socket, room), await typing(socket, room)] == ["muted", "muted"]
    await ada.update_member(room, bob.user_id, muted_until=None)
    if subscribed:
        await socket.find(lambda frame: frame.get("seq") == 5)
    assert [await signal(socket, room), await typing(socket, room)] == ["ok", "ok"]
    await ada.update_member(room, bob.user_id, muted_until=in_s(60))
    if subscribed:
        await socket.find(lambda frame: frame.get("seq") == 6)
    assert await signal(socket, room) == "muted"
    turned.turn(61)
    assert await signal(socket, room) == "ok"


@pytest.mark.parametrize("subscribed", [True, False])
async def test_a_bot_speaks_to_nobody_who_blocks_its_owner(ada, bob, connect, subscribed):
    made = await bob.call("POST", "bots/", {"username": "mill-bot"})
    issued = await bob.call("POST", f"bots/{made['id']}/tokens/", {"scopes": list(SCOPES)})
    bot = Rest(bob.base_url)
    bot.access, bot.user = issued["token"], made
    direct = (await ada.direct_room(made["id"]))["id"]
    hers, its = await connect(ada), await connect(bot)
    if subscribed:
        await subscribe(hers, direct)
        await subscribe(its, direct)
    for _ in range(2):
        assert [await signal(its, direct), await typing(hers, direct)] == ["ok", "ok"]
        await block(ada, bob)
        assert [await signal(its, direct), await typing(hers, direct)] == ["blocked", "blocked"]
        await block(ada, bob, "DELETE")
    await bot.close()


@pytest.mark.parametrize("way", ["bob blocks", "ada blocks"])
@pytest.mark.parametrize("subscribed", [True, False])
async def test_while_one_of_two_blocks_the_other_neither_speaks_in_their_direct_room(
    ada, bob, direct, room, connect, way, subscribed
):
    hers, his = await connect(ada), await connect(bob)
    if subscribed:
        await subscribe(hers, direct)
        await subscribe(his, direct)
    for socket in (hers, his):
        assert [await signal(socket, direct), await typing(socket, direct)] == ["ok", "ok"]
    blocker, blocked = (bob, ada) if way == "bob blocks" else (ada, bob)
    await block(blocker, blocked)
    for socket in (hers, his):
        assert [await signal(socket, direct), await typing(socket, direct)] == ["blocked", "blocked"]
        assert [await signal(socket, room), await typing(socket, room)] == ["ok", "ok"]  # not a direct one
    await block(blocker, blocked, "DELETE")
    for socket in (hers, his):
        assert [await signal(socket, direct), await typing(socket, direct)] == ["ok", "ok"]


async def remove(ada, bob, room):
    await ada.remove_member(room, bob.user_id)


async def ban(ada, bob, room):
    await ada.call("PUT", f"rooms/{room}/bans/{bob.user_id}/", {})


async def mute(ada, bob, room):
    await ada.update_member(room, bob.user_id, muted_until=in_s(600))


async def put_back(ada, bob, room, end):
    if end is mute:
        await ada.update_member(room, bob.user_id, muted_until=None)
        return
    if end is ban:
        await ada.call("DELETE", f"rooms/{room}/bans/{bob.user_id}/")
    await ada.add_member(room, bob.user_id)


@asynccontextmanager
async def flood(*sockets, room):
    """Each signals and types as fast as it is answered, until the block ends."""
    numbers, over = itertools.count(), asyncio.Event()

    async def speak(socket):
        while not over.is_set():
            await asyncio.gather(signal(socket, room, next(numbers)), typing(socket, room))

    tasks = [asyncio.create_task(speak(socket)) for socket in sockets]
    yield
    over.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("end", [remove, ban, mute])
async def test_after_the_event_that_ends_it_nobody_hears_them_any_more(ada, bob, room, connect, end):
    """Whether the socket is subscribed, and so keeps what it may, or asks for every signal."""
    keeps, asks, witness = await connect(bob), await connect(bob), await connect(ada)
    await subscribe(witness, room)
    for turn in range(10):
        await subscribe(keeps, room)
        start = len(witness.frames)
        async with flood(keeps, asks, room=room):
            await until(lambda start=start: len(witness.frames) > start + 20, "bob is heard")
            await end(ada, bob, room)
            await say(ada, room, 1, start=turn)
            await witness.find("message.created", start=start)
        await witness.request("signal", room=room, name="end")
        kinds = [r.frame["type"] for r in witness.frames[start:]]
        ended = kinds.index("member.updated" if end is mute else "member.left")
        assert {"signal", "typing"} <= set(kinds[:ended])
        assert not {"signal", "typing"} & set(kinds[ended:]), turn
        start = len(witness.frames)
        await put_back(ada, bob, room, end)
        await witness.find("member.updated" if end is mute else "member.joined", start=start)


async def test_after_a_block_nothing_more_comes(ada, bob, direct, connect):
    his, hers = await connect(bob), await connect(ada)
    await subscribe(hers, direct)
    await subscribe(his, direct)
    for _ in range(5):
        start = len(hers.frames)
        async with flood(his, room=direct):
            await until(lambda start=start: len(hers.frames) > start + 20, "bob is heard")
            await block(ada, bob)
            await hers.request("ping")  # what came before it has come
            heard = len(hints(hers))
            for _ in range(20):
                assert await signal(hers, direct) == "blocked"
        assert len(hints(hers)) == heard
        await block(ada, bob, "DELETE")


async def test_what_changes_while_the_database_is_asked_is_asked_again(
    ada, bob, room, connect, monkeypatch, server
):
    socket, witness = await connect(bob), await connect(ada)
    await subscribe(socket, room)
    await subscribe(witness, room)
    gate, asked, real = threading.Event(), [], voice.standing

    def held(**query):
        found = real(**query)
        asked.append(found)
        gate.wait(10)
        return found

    monkeypatch.setattr(voice, "standing", held)
    asks = asyncio.gather(signal(socket, room), typing(socket, room))
    await until(lambda: asked, "the database has answered that he may")
    await mute(ada, bob, room)
    await witness.find("member.updated")
    gate.set()
    assert await asks == ["muted", "muted"]
    assert len(asked) == 2
    assert hints(witness) == []


async def test_a_block_that_the_bus_lost_is_found_when_what_is_kept_is_old(
    settings, server, ada, bob, direct, connect
):
    socket = await connect(bob)
    await subscribe(socket, direct)
    assert await signal(socket, direct) == "ok"
    server.runtime().hub.bus._on_message = lambda message: None
    await block(ada, bob)
    assert await signal(socket, direct) == "ok"
    settings.HUB_CHECK_S = 0.05
    async with asyncio.timeout(5):
        while await signal(socket, direct) == "ok":
            pass
    assert await signal(socket, direct) == "blocked"
