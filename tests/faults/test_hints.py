"""Hints and notices over two workers: each once, in order, on every device; and lost ones cost nobody an event."""

import asyncio

import pytest

from tests.client.socket import Socket
from tests.client.strict_json import Json, dumps
from tests.faults.cluster import Cluster
from tests.faults.people import People

pytestmark = pytest.mark.faults

COUNT = 100


def of_kind(socket: Socket, kind: str) -> list[Json]:
    return [received.frame for received in socket.frames if received.frame["type"] == kind]


def data(socket: Socket) -> list[int]:
    """What the signals held, in the order they came."""
    return [frame["data"] for frame in of_kind(socket, "signal") if frame["name"] == "n"]


async def test_signals_and_typing_reach_both_workers_once_and_in_order(
    cluster: Cluster, people: People
) -> None:
    ada, bob = await people.crowd("ada", 2)
    room = (await ada.create_room(members=[bob.user_id]))["id"]
    hers = [await Socket.connect(worker.url, ada.access) for worker in cluster.workers]
    his = [await Socket.connect(worker.url, bob.access) for worker in cluster.workers]
    sockets = [*hers, *his]
    for socket in sockets:
        await socket.request("subscribe", rooms=[{"room": room}])
    await _until_the_bus_confirms(sockets, room)
    for number in range(COUNT):
        await hers[0].request("signal", room=room, name="n", data=number)
        if number % 10 == 0:
            await hers[0].request("typing", room=room, active=True)
    sent = await hers[0].request("message.send", room=room, client_id="last", body="hi")
    for socket in sockets:  # on the bus it is behind all of them
        await socket.find(lambda frame: frame.get("seq") == sent["message"]["seq"])
    for socket in sockets[1:]:
        assert data(socket) == list(range(COUNT))
    assert data(hers[0]) == []
    assert [len(of_kind(socket, "typing")) for socket in sockets] == [0, 0, COUNT // 10, COUNT // 10]
    for socket in sockets:
        await socket.close()


async def test_a_bus_that_is_cut_loses_hints_and_no_event(cluster: Cluster, people: People) -> None:
    ada, bob = await people.crowd("ada", 2)
    room = (await ada.create_room(members=[bob.user_id]))["id"]
    hers = await Socket.connect(cluster.a.url, ada.access)
    near, far = [await Socket.connect(worker.url, bob.access) for worker in cluster.workers]
    sockets = [hers, near, far]
    for socket in sockets:
        await socket.request("subscribe", rooms=[{"room": room}])
    await _until_the_bus_confirms(sockets, room)
    await asyncio.to_thread(cluster.stores.redis.stop)
    try:
        for number in range(COUNT):
            await hers.request("signal", room=room, name="n", data=number)
        sent = await hers.request("message.send", room=room, client_id="last", body="hi")
        for socket in (near, far):
            await socket.find(lambda frame: frame.get("seq") == sent["message"]["seq"])
    finally:
        await asyncio.to_thread(cluster.stores.redis.start)
    assert data(near) == list(range(COUNT))  # of the same worker, which needs no bus
    assert data(far) == []
    for socket in sockets:
        await socket.close()


async def test_notices_reach_every_device_of_a_person_on_both_workers_once(
    cluster: Cluster, people: People
) -> None:
    """Sockets with no subscription, with all, and those of another room's URL."""
    ada, bob = await people.crowd("ada", 2)
    other = (await bob.create_room())["id"]
    devices = []
    for worker in cluster.workers:
        devices.append(await Socket.connect(worker.url, bob.access))
        devices.append(await Socket.connect(worker.url, bob.access, room=other))
        devices.append(await Socket.connect(worker.url, bob.access))
        await devices[-1].request("subscribe", rooms="all")
    stranger = await Socket.connect(cluster.b.url, ada.access)
    async with asyncio.timeout(10):  # Redis confirms late that a person's sockets are there
        while not all(of_kind(device, "notice") for device in devices):
            await bob.create_room()
    room = (await ada.create_room(members=[bob.user_id]))["id"]
    await ada.send(room, "1", f"@{bob.user['username']} look")
    await bob.read(room, 4)
    await ada.remove_member(room, bob.user_id)
    for device in devices:
        await device.find(lambda frame: frame.get("notice") == "room.removed" and room in dumps(frame))
        told = [frame for frame in of_kind(device, "notice") if room in dumps(frame)]
        assert sorted(frame["notice"] for frame in told) == [
            "mention",
            "room.added",
            "room.me",
            "room.removed",
        ]
    # Of ada: the room she made, and what she sent into it; nothing of bob's.
    await stranger.find(lambda frame: frame.get("notice") == "room.me")
    told = of_kind(stranger, "notice")
    assert sorted(frame["notice"] for frame in told) == ["room.added", "room.me"]
    assert all(room in dumps(frame) for frame in told)
    for device in (*devices, stranger):
        await device.close()


async def _until_the_bus_confirms(sockets: list[Socket], room: str) -> None:
    """Each hears what each other says: Redis confirms a subscription late."""
    async with asyncio.timeout(10):
        for index, sender in enumerate(sockets):
            name = f"from-{index}"
            others = [socket for socket in sockets if socket is not sender]
            while not all(_heard(socket, name) for socket in others):
                await sender.request("signal", room=room, name=name)


def _heard(socket: Socket, name: str) -> bool:
    return any(frame["name"] == name for frame in of_kind(socket, "signal"))
