"""What signals cost: nothing of the database, however many are looking on."""

import asyncio
import time

import pytest

from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.socket import Socket
from tests.gateway.test_subscribe import subscribe
from tests.gateway.waiting import until

VIEWERS = 200
PER_S = 50
SECONDS = 2


@pytest.fixture
async def people(quiet_server):
    """Ada, who signals, and bob, who looks on."""
    ada, bob = Rest(quiet_server.http), Rest(quiet_server.http)
    await ada.register("ada", PASSWORD)
    await bob.register("bob", PASSWORD)
    yield ada, bob
    await ada.close()
    await bob.close()


@pytest.fixture
async def sockets(quiet_server, people):
    """One of ada's, and bob's, all subscribed to their room."""
    ada, bob = people
    room = (await ada.create_room(members=[bob.user_id]))["id"]
    gate = asyncio.Semaphore(20)

    async def join(rest):
        async with gate:
            socket = await Socket.connect(quiet_server.http, rest.access)
            await subscribe(socket, room)
            return socket

    sender, *viewers = await asyncio.gather(*(join(rest) for rest in (ada, *[bob] * VIEWERS)))
    yield room, sender, viewers
    await asyncio.gather(*(socket.close() for socket in (sender, *viewers)))


def signals(socket):
    """Each signal's data, in the order they came."""
    return [r.frame["data"] for r in socket.frames if r.frame["type"] == "signal"]


async def test_fifty_a_second_to_two_hundred_viewers_cost_no_query_and_arrive_in_order(
    sockets, run_by_the_server
):
    room, sender, viewers = sockets
    assert await sender.request("signal", room=room, name="cursor", data=0) == {}
    run_by_the_server.clear()
    began, acks = time.monotonic(), []
    for number in range(1, PER_S * SECONDS + 1):
        acks.append(await sender.ask("signal", room=room, name="cursor", data=number))
        await asyncio.sleep(max(0.0, began + number / PER_S - time.monotonic()))
    assert [(await ack)["data"] for ack in acks] == [{}] * len(acks)
    expected = list(range(PER_S * SECONDS + 1))
    await until(lambda: all(len(signals(viewer)) == len(expected) for viewer in viewers), "all are there", 20)
    assert all(signals(viewer) == expected for viewer in viewers)
    assert signals(sender) == []
    assert run_by_the_server == []


async def test_typing_costs_no_query_either_and_without_a_subscription_each_signal_one(
    sockets, people, quiet_server, run_by_the_server
):
    room, sender, viewers = sockets
    await sender.request("typing", room=room, active=True)
    run_by_the_server.clear()
    for _ in range(20):
        await sender.request("typing", room=room, active=True)
    assert run_by_the_server == []
    async with await Socket.connect(quiet_server.http, people[0].access) as other:
        run_by_the_server.clear()
        for number in range(3):
            await other.request("signal", room=room, name="x", data=number)
        assert len(run_by_the_server) == 3
    await until(lambda: all(len(signals(viewer)) == 3 for viewer in viewers), "all are there", 20)
    assert all(signals(viewer) == [0, 1, 2] for viewer in viewers)
