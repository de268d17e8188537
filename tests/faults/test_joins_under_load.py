"""Joins of every kind while 200 messages a second arrive: nothing is missing, nothing comes twice."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.client.rest import Rest
from tests.client.resuming import ResumingClient
from tests.client.socket import Socket
from tests.client.strict_json import Json
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.traffic import Traffic
from tests.figures import Record, in_all

pytestmark = pytest.mark.faults

PER_S = 200
SENDERS = 14  # below 20 sends a second each
JOINERS = 25
LIVE = 60  # numbers after a join that are looked at
AT_ONCE = 10

# Connects and joins; the socket, and the `seq` the subscription starts from.
Join = Callable[["Load", Rest], Awaitable[tuple[Socket, int]]]


class Load:
    """A public room at 200 messages a second, whose joiners go to both workers in turn."""

    def __init__(self, cluster: Cluster, people: People) -> None:
        self.cluster = cluster
        self.people = people
        self.log: dict[int, Json] = {}
        self._turn = 0

    async def open(self) -> None:
        self.owner, *senders = await self.people.crowd("ada", SENDERS + 1)
        room = await self.owner.create_room("public", members=[rest.user_id for rest in senders])
        self.room: str = room["id"]
        # Sockets that subscribe to nothing.
        at = [self.people.at(rest, self.url()) for rest in senders]
        self._senders = [await ResumingClient(rest, rooms=[]).start() for rest in at]
        self.joiners = await self.people.crowd("bob", JOINERS)
        self.traffic = Traffic(self.room, [client.send for client in self._senders], PER_S).start()

    def url(self) -> str:
        self._turn += 1
        return self.cluster.workers[self._turn % 2].url

    async def close(self) -> None:
        await self.traffic.stop()
        for client in self._senders:
            await client.stop()

    async def head(self) -> int:
        return int((await self.owner.room(self.room))["last_seq"])


async def _all_then_join(load: Load, rest: Rest) -> tuple[Socket, int]:
    """An "all" socket is open; joining brings `subscribed`, and one's own `member.joined` first."""
    socket = await Socket.connect(load.url(), rest.access)
    await socket.request("subscribe", rooms="all")
    await rest.join(load.room)
    await socket.find("subscribed")
    first = (await socket.find(lambda frame: "seq" in frame)).frame
    assert first["type"] == "member.joined"
    assert first["data"]["member"]["user"]["id"] == rest.user_id
    return socket, first["seq"] - 1


async def _subscribe_now(load: Load, rest: Rest) -> tuple[Socket, int]:
    """Without `since`: what comes after the ack's `seq`."""
    socket = await Socket.connect(load.url(), rest.access)
    [entry] = (await socket.request("subscribe", rooms=[{"room": load.room}]))["rooms"]
    return socket, entry["seq"]


async def _subscribe_since(load: Load, rest: Rest) -> tuple[Socket, int]:
    """From some numbers ago."""
    since = max(0, await load.head() - 150)
    socket = await Socket.connect(load.url(), rest.access)
    await socket.request("subscribe", rooms=[{"room": load.room, "since": since}])
    return socket, since


async def _room_url(load: Load, rest: Rest) -> tuple[Socket, int]:
    """The room's own socket, from some numbers ago."""
    since = max(0, await load.head() - 50)
    socket = await Socket.connect(load.url(), rest.access, room=load.room, since=since)
    await socket.find("subscribed")
    return socket, since


async def _watch(load: Load, rest: Rest, join: Join) -> tuple[int, list[Json]]:
    """Join, see LIVE numbers more than the room had, and close: the starting point and all events."""
    socket, start = await join(load, rest)
    try:
        until = await load.head() + LIVE
        await socket.find(lambda frame: frame.get("seq", 0) >= until, timeout_s=20)
        return start, socket.events(load.room)
    finally:
        await socket.close()


@pytest.mark.fault("joins while 200 messages a second come")
async def test_a_hundred_joins_miss_and_repeat_nothing(
    cluster: Cluster, people: People, record_property: Record
) -> None:
    load = Load(cluster, people)
    await load.open()
    gate = asyncio.Semaphore(AT_ONCE)
    seen: dict[str, tuple[int, list[Json]]] = {}

    async def one_person(index: int, rest: Rest) -> None:
        for join in (_all_then_join, _subscribe_now, _subscribe_since, _room_url):
            async with gate:
                seen[f"{index} {join.__name__}"] = await _watch(load, rest, join)

    await load.traffic.reached(PER_S)
    await asyncio.gather(*(one_person(index, rest) for index, rest in enumerate(load.joiners)))
    await load.close()
    assert not load.traffic.failed, load.traffic.failed[:3]

    log = {event["seq"]: event for event in await load.owner.log(load.room)}
    in_all(record_property, joins=seen, sends=load.traffic.sent)
    assert len(seen) == 4 * JOINERS
    missing, doubled, others = {}, {}, {}
    for name, (start, events) in seen.items():
        seqs = [event["seq"] for event in events]
        missing[name] = len(set(range(start + 1, seqs[-1] + 1)) - set(seqs))
        doubled[name] = len(seqs) - len(set(seqs))
        others[name] = sum(
            seq <= start or _id(log[seq]) != _id(event) for seq, event in zip(seqs, events, strict=True)
        )
        assert seqs == sorted(seqs), f"{name}: out of order"
    assert not any(missing.values()), {name: count for name, count in missing.items() if count}
    assert not any(doubled.values()), {name: count for name, count in doubled.items() if count}
    assert not any(others.values()), {name: count for name, count in others.items() if count}
    assert len(load.traffic.sent) >= 0.9 * len(load.traffic.asked)


def _id(event: Json) -> object:
    message = event["data"].get("message")
    return event["type"], event["at"], message and message["id"]
