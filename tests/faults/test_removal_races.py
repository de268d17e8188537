"""Whoever is removed sees nothing after their own `member.left`, whatever the bus loses."""

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from tests.client.rest import Problem, Rest
from tests.client.resuming import ResumingClient
from tests.client.socket import Socket
from tests.client.strict_json import Json
from tests.faults import breaking
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.periods import HUB_CHECK_S
from tests.faults.traffic import Traffic, by_rest

pytestmark = pytest.mark.faults

PER_S = 50
SENDERS = 4
ROUNDS = 20
AFTER = 30  # numbers of the room that must pass after a removal before we believe it
NOTICED_S = HUB_CHECK_S + 3.0


class Scene:
    """A public room under traffic, its owner, and a witness whose position says how far the room is."""

    def __init__(self, cluster: Cluster, people: People) -> None:
        self.cluster = cluster
        self.people = people
        self._log: list[Json] = []

    async def open(self) -> None:
        self.owner, *others = await self.people.crowd("ada", SENDERS + 1)
        room = await self.owner.create_room("public", members=[rest.user_id for rest in others])
        self.room: str = room["id"]
        self.admin = self.people.at(self.owner, self.cluster.a.url)
        # Traffic goes to both workers, and so does the witness' view of it.
        at = [self.people.at(rest, self.cluster.workers[i % 2].url) for i, rest in enumerate(others)]
        self.traffic = Traffic(self.room, [by_rest(rest) for rest in at], PER_S).start()
        self.witness = await ResumingClient(self.owner, rooms=[self.room]).start()

    async def close(self) -> None:
        await self.witness.stop()
        await self.traffic.stop()
        assert not self.traffic.failed, self.traffic.failed[:3]

    @property
    def head(self) -> int:
        return self.witness.positions[self.room]

    async def move_on(self) -> None:
        """The room goes on by AFTER numbers."""
        await self.witness.reach(self.room, self.head + AFTER, 15)

    async def leavings(self, user: str) -> list[int]:
        """The `seq` of each of the user's `member.left`."""
        return [seq for kind, seq in await self.comings_and_goings(user) if kind == "member.left"]

    async def comings_and_goings(self, user: str) -> list[tuple[str, int]]:
        """`member.joined` and `member.left` of a user, with `seq`, in order."""
        self._log += await self.owner.log(self.room, self._log[-1]["seq"] if self._log else 0)
        return [
            (event["type"], event["seq"])
            for event in self._log
            if event["type"] in ("member.joined", "member.left") and _whose(event) == user
        ]


def _whose(event: Json) -> str:
    data = event["data"]
    user = data["member"]["user"] if "member" in data else data["user"]
    return str(user["id"] if isinstance(user, dict) else user)


@pytest.fixture
async def scene(cluster: Cluster, people: People) -> AsyncIterator[Scene]:
    scene = Scene(cluster, people)
    await scene.open()
    yield scene
    await scene.close()


def in_order(seqs: list[int]) -> bool:
    return seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True


async def eventually(scene: Scene, socket: Socket) -> Json:
    """The room's `unsubscribed`."""
    found = await socket.find(
        lambda frame: frame["type"] == "unsubscribed" and frame["room"] == scene.room, timeout_s=NOTICED_S
    )
    return found.frame


@pytest.mark.fault("somebody is removed, on a bus that is")
@pytest.mark.parametrize("bus", ["whole", "cut"])
async def test_the_removed_see_nothing_after_their_leaving(scene: Scene, bus: str) -> None:
    removed = await scene.people.crowd("bob", 3)
    await scene.owner.add_members(scene.room, [rest.user_id for rest in removed])
    for rest, reason in zip(removed, ("removed", "banned", "banned"), strict=True):
        url = scene.cluster.b.url
        everything = await Socket.connect(url, rest.access)
        await everything.request("subscribe", rooms="all")
        single = await Socket.connect(url, rest.access)
        await single.request("subscribe", rooms=[{"room": scene.room}])
        own_url = await Socket.connect(url, rest.access, room=scene.room)
        await own_url.find("subscribed")
        sockets = [everything, single, own_url]
        await scene.move_on()

        remove = scene.admin.ban if reason == "banned" else scene.admin.remove_member
        removal = asyncio.create_task(remove(scene.room, rest.user_id))
        if bus == "cut":
            await breaking.cut_bus(scene.cluster)
        await removal

        [left] = await scene.leavings(rest.user_id)
        for socket in sockets:
            assert (await eventually(scene, socket))["reason"] == reason
        await scene.move_on()
        for socket in sockets:
            events = socket.events(scene.room)
            seqs = [event["seq"] for event in events]
            assert max(seqs) <= left, f"saw {max(seqs) - left} numbers after its own member.left"
            assert seqs[-1] == left
            assert in_order(seqs)
            kinds = [
                received.frame["type"]
                for received in socket.frames
                if received.frame.get("room") == scene.room
            ]
            assert kinds[-2:] == ["member.left", "unsubscribed"]
        end = await own_url.wait_closed(5)
        assert (end.code, end.why) == (4403, "not_a_member")
        await everything.close()
        await single.close()


@pytest.mark.parametrize("bus", ["whole", "cut"])
async def test_a_room_deleted_under_its_readers_is_told_to_its_end(
    cluster: Cluster, people: People, bus: str
) -> None:
    owner, *readers = await people.crowd("ada", 5)
    room = (await owner.create_room(members=[rest.user_id for rest in readers]))["id"]
    workers = (cluster.a.url, cluster.b.url)
    sockets = [await Socket.connect(workers[i % 2], rest.access) for i, rest in enumerate(readers)]
    for socket in sockets:
        await socket.request("subscribe", rooms=[{"room": room}])

    async def say(number: int) -> int:
        """The message's `seq`; 0 where the room was gone."""
        try:
            message, _ = await readers[number % 4].send(room, f"c{number}", "still here?")
            return int(message["seq"])
        except Problem as problem:
            if problem.code != "not_found":
                raise
            return 0

    said = [asyncio.create_task(say(number)) for number in range(200)]
    await asyncio.wait(said[:50])
    deletion = asyncio.create_task(people.at(owner, cluster.b.url).delete_room(room))
    if bus == "cut":
        await breaking.cut_bus(cluster)
    await deletion
    stored = [seq for seq in await asyncio.gather(*said) if seq]
    end = 6 + len(stored) + 1  # made and five joined, the messages, the deletion
    assert sorted(stored) == list(range(7, end))
    for socket in sockets:
        found = await socket.find("unsubscribed", timeout_s=NOTICED_S)
        assert found.frame == {"type": "unsubscribed", "room": room, "reason": "room_deleted"}
        events = socket.events(room)
        assert [event["seq"] for event in events] == list(range(7, end + 1))
        assert events[-1]["type"] == "room.deleted"
        await socket.close()


async def test_a_removal_racing_a_subscribe(scene: Scene) -> None:
    bob = await scene.people.register("bob")
    stood = refused = 0
    socket = await Socket.connect(scene.cluster.b.url, bob.access)
    for _ in range(ROUNDS):
        await scene.owner.add_member(scene.room, bob.user_id)
        start, since = len(socket.frames), max(0, scene.head - 20)
        remove = partial(scene.admin.remove_member, scene.room, bob.user_id)
        subscribe = partial(socket.request, "subscribe", rooms=[{"room": scene.room, "since": since}])
        if random.random() < 0.5:
            _, answer = await asyncio.gather(remove(), subscribe())
        else:
            answer, _ = await asyncio.gather(subscribe(), remove())
        [entry] = answer["rooms"]
        left = (await scene.leavings(bob.user_id))[-1]
        if "code" in entry:
            refused += 1
            assert entry["code"] == "not_a_member"
        else:
            stood += 1
            found = await socket.find("unsubscribed", start=start, timeout_s=NOTICED_S)
            assert (found.frame["room"], found.frame["reason"]) == (scene.room, "removed")
        await scene.witness.reach(scene.room, left + 10, 10)
        seqs = [r.frame["seq"] for r in socket.frames[start:] if "seq" in r.frame]
        assert seqs == ([] if "code" in entry else list(range(since + 1, left + 1)))
    await socket.close()
    assert stood + refused == ROUNDS


async def test_a_removal_racing_a_coming_back(scene: Scene) -> None:
    bob = await scene.people.register("bob")
    bob_there = scene.people.at(bob, scene.cluster.b.url)
    await scene.owner.add_member(scene.room, bob.user_id)
    everything = await Socket.connect(scene.cluster.b.url, bob.access)
    [entry] = (await everything.request("subscribe", rooms="all"))["rooms"]
    for _ in range(ROUNDS):
        await asyncio.gather(scene.admin.remove_member(scene.room, bob.user_id), _join(bob_there, scene.room))
        if (await scene.comings_and_goings(bob.user_id))[-1][0] == "member.left":
            await _join(bob_there, scene.room)
    # In now, and for good: the socket reaches a number that came later.
    head = (await scene.owner.room(scene.room))["last_seq"]
    await everything.find(lambda frame: frame.get("seq", 0) >= head, timeout_s=NOTICED_S)

    moves = await scene.comings_and_goings(bob.user_id)
    assert [kind for kind, _ in moves] == ["member.joined", "member.left"] * ROUNDS + ["member.joined"]
    seqs = [event["seq"] for event in everything.events(scene.room) if event["seq"] <= head]
    assert seqs == sorted(set(seqs)), "doubled or out of order"
    seen = set(seqs)
    bounds = [entry["seq"] + 1, *(seq for _, seq in moves[1:]), head]
    passed_by = 0
    for index in range(0, len(bounds), 2):
        came, went = bounds[index], bounds[index + 1]
        # From coming (at first from where the socket started) up to leaving, that included; but a stay that was
        # over before the server looked is not told at all.
        due = set(range(came, went + 1))
        if 0 < index < len(bounds) - 2 and not due & seen:
            passed_by += 1
            continue
        assert due <= seen, f"between joining at {came} and {went}: lacks {sorted(due - seen)[:5]}"
        seen -= due
    assert passed_by <= ROUNDS // 2, f"{passed_by} stays of {ROUNDS} were never told"
    assert not seen, f"saw {sorted(seen)[:5]} while not in, of {moves}"
    await everything.close()


async def _join(rest: Rest, room: str) -> None:
    try:
        await rest.join(room)
    except (Problem, httpx.TransportError) as error:
        raise AssertionError(f"a public room refused to be joined: {error}") from error
