"""Who takes part: rooms, senders, watchers that come back, people who come and go, and a stranger."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.client.record import RoomRecord
from tests.client.rest import Problem, Rest
from tests.client.resuming import ResumingClient, Timing
from tests.client.socket import Closed, Ending, Refused
from tests.faults.checker import Report, Stored, check
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.periods import HUB_CHECK_S
from tests.faults.proxy import Proxy
from tests.faults.stress.memberships import violations
from tests.faults.stress.plan import COMERS, ROOMS, Move, Plan
from tests.faults.traffic import Send, Traffic, by_rest

SENDERS = 4
WATCHERS = 4
# Shorter than a phone's, so that a silent way is left within a run.
TIMING = Timing(ping=1.0, silence=3.0, connect=4.0, ack=4.0)
INSIST_S = 40.0  # for a request whose outcome is unknown, repeated
# A client that noticed nothing until the end is silent for 3 s, waits 1 s, connects, and the hub checks once.
CATCH_UP_S = TIMING.silence + TIMING.backoff_longest + TIMING.connect + HUB_CHECK_S + 5.0


@dataclass
class Comer:
    """Somebody who comes and goes. `let_in` holds when each stay was asked for, by room."""

    rest: Rest
    clients: dict[str, ResumingClient] = field(default_factory=dict)
    let_in: dict[str, list[float]] = field(default_factory=dict)
    banned: set[str] = field(default_factory=set)


class Scene:
    """The balancer and `second` are two ways to both workers; half of the clients take each.

    Args:
        device: what everybody uses.
    """

    def __init__(
        self, cluster: Cluster, people: People, second: Proxy, device: type[ResumingClient] = ResumingClient
    ) -> None:
        self.cluster = cluster
        self.people = people
        self.second = second
        self.device = device
        self.rooms: list[str] = []
        self.subscribers: dict[str, ResumingClient] = {}
        self.comers: list[Comer] = []
        self.moves_made = 0
        self.asked_by_stranger = 0
        self.wrong: list[str] = []
        self.traffic: list[Traffic] = []
        self.acked: dict[str, list[str]] = {}
        self._senders: list[Send] = []
        self._visitors: dict[str, tuple[str, RoomRecord]] = {}

    # Beginning

    async def open(self) -> None:
        """Everybody is registered, in their rooms and connected."""
        crowd = await self.people.crowd("ada", 1 + SENDERS + WATCHERS + COMERS + 1)
        self.owner, senders, rest = crowd[0], crowd[1 : 1 + SENDERS], crowd[1 + SENDERS :]
        watchers, comers, eve = rest[:WATCHERS], rest[WATCHERS:-1], rest[-1]
        members = [person.user_id for person in (*senders, *watchers)]
        for kind in ROOMS:
            self.rooms.append((await self.owner.create_room(kind, members=members))["id"])
        heads = {room: int((await self.owner.room(room))["last_seq"]) for room in self.rooms}
        for index, person in enumerate(senders):
            self._sender(index, person)
        for index, person in enumerate(watchers):
            self._watcher(index, person, heads)
        for person in comers:
            self._comer(person)
        self.stranger = self.device(eve, timing=TIMING)
        await asyncio.gather(*(client.start() for client in self.clients))

    def _sender(self, index: int, person: Rest) -> None:
        if index % 2:
            client = self.device(self._by(index // 2, person), timing=TIMING)
            self.subscribers[f"sender {index}"] = client
            self._senders.append(client.send)
        else:
            self._senders.append(by_rest(self._by(index // 2, person), INSIST_S))

    def _watcher(self, index: int, person: Rest, heads: dict[str, int]) -> None:
        """Two devices, one on each way: all rooms and a list, or all rooms and one room's own URL."""
        self.subscribers[f"watcher {index}, all"] = self.device(
            self._by(index, person), since=heads, timing=TIMING, auth=("header", "frame")[index % 2]
        )
        other = self._by(index + 1, person)
        if index % 2:
            client = self.device(other, rooms=list(self.rooms), since=heads, timing=TIMING)
            self.subscribers[f"watcher {index}, list"] = client
        else:
            room = self.rooms[index % len(self.rooms)]
            client = self.device(other, room_url=room, since={room: heads[room]}, timing=TIMING)
            self.subscribers[f"watcher {index}, room URL"] = client

    def _comer(self, person: Rest) -> None:
        comer = Comer(person, let_in={room: [] for room in self.rooms})
        for way in range(2):
            comer.clients[("first", "second")[way]] = self.device(self._by(way, person), timing=TIMING)
        self.comers.append(comer)

    def _by(self, way: int, person: Rest) -> Rest:
        return self.people.at(person, self.second.url) if way % 2 else person

    @property
    def clients(self) -> Iterator[ResumingClient]:
        yield from self.subscribers.values()
        for comer in self.comers:
            yield from comer.clients.values()
        yield self.stranger

    @property
    def endings(self) -> list[Ending]:
        """Of every socket that has ended, by whomever; client by client."""
        return [ending for client in self.clients for ending in client.endings]

    @property
    def reconnects(self) -> int:
        return sum(client.reconnects for client in self.clients)

    # Under way

    def begin(self, per_s: float) -> None:
        """Sends go to every room."""
        self.traffic = [Traffic(room, self._senders, per_s).start() for room in self.rooms]

    async def carry_out(self, plan: Plan, started: float) -> None:
        """Everybody comes and goes as planned, each in turn."""

        async def one(person: int) -> None:
            for move in (move for move in plan.moves if move.person == person):
                await asyncio.sleep(max(0.0, started + move.at_s - time.monotonic()))
                await self._make(self.comers[person], move)

        await asyncio.gather(*(one(person) for person in range(COMERS)))

    async def _make(self, comer: Comer, move: Move) -> None:
        room, who = self.rooms[move.room], comer.rest.user_id
        if move.kind in ("add", "join"):
            if room in comer.banned:
                await insist(lambda: self.owner.call("DELETE", f"rooms/{room}/bans/{who}/"))
                comer.banned.discard(room)
            comer.let_in[room].append(time.monotonic())
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "add": lambda: self.owner.add_member(room, who),
            "join": lambda: comer.rest.join(room),
            "leave": lambda: comer.rest.leave(room),
            "remove": lambda: self.owner.remove_member(room, who),
            "ban": lambda: self.owner.ban(room, who),
        }
        try:
            await insist(calls[move.kind])
        except (Problem, TimeoutError) as error:
            self.wrong.append(f"{move} was not done: {error!r:.200}")
        if move.kind == "ban":
            comer.banned.add(room)
        self.moves_made += 1

    async def knock(self, chance: random.Random) -> None:
        """The stranger asks for a room; whoever is no member is refused."""
        socket = self.stranger.socket
        if socket is None:
            return
        room = chance.choice(self.rooms)
        with contextlib.suppress(Closed, TimeoutError):
            try:
                [entry] = (await socket.request("subscribe", rooms=[{"room": room, "since": 0}]))["rooms"]
            except Refused as refused:
                entry = {"code": refused.code}
            self.asked_by_stranger += 1
            if entry.get("code") not in ("not_found", "not_a_member", "unavailable"):
                self.wrong.append(f"the stranger was answered {entry}")

    def so_far(self) -> list[str]:
        """Whatever has come by now came whole and in order; the ends are judged in the end."""
        found = []
        for name, client in self._named():
            for room, record in client.records.items():
                for stretch in record.stretches:
                    seqs = stretch.seqs
                    start = stretch.start if stretch.start is not None else (seqs[0] - 1 if seqs else 0)
                    if seqs != list(range(start + 1, start + 1 + len(seqs))):
                        found.append(
                            f"{name} in {self.rooms.index(room)}: from {start}: {_first_wrong(seqs)}"
                        )
        return found

    def _named(self) -> Iterator[tuple[str, ResumingClient]]:
        yield from self.subscribers.items()
        for index, comer in enumerate(self.comers):
            for way, client in comer.clients.items():
                yield f"comer {index} by the {way} way", client

    def visited(self, name: str, room: str, record: RoomRecord) -> None:
        """Somebody was there for a while; what they got is judged with the others."""
        for stretch in record.stretches:
            stretch.ended = stretch.ended or "left the scene"
        self._visitors[name] = (room, record)

    # The end

    async def settle(self) -> None:
        """All sends are settled, and everyone who is in has the last event of each room."""
        for traffic in self.traffic:
            await traffic.stop(INSIST_S + 20)
            self.acked[traffic.room] = traffic.acked
            self.wrong += [f"a send failed: {text}" for text in traffic.failed[:3]]
        for word in ("last", "really-last"):
            await asyncio.gather(*(self._last(room, word) for room in self.rooms))

    async def _last(self, room: str, word: str) -> None:
        sent = await self.owner.send_until_acked(room, word, word)
        self.acked[room].append(sent.client_id)
        head = int((await insist(lambda: self.owner.room(room)))["last_seq"])
        inside = {str(member["user"]["id"]) for member in await self.owner.members(room)}
        waiting = {
            name: client
            for name, client in self._named()
            if client.rest.user_id in inside and client.room_url in (None, room)
        }
        reached = await asyncio.gather(
            *(client.reach(room, head, CATCH_UP_S) for client in waiting.values()), return_exceptions=True
        )
        for name, error in zip(waiting, reached, strict=True):
            if error is not None:
                self.wrong.append(
                    f"{name} does not get to the end of {self.rooms.index(room)}: {error!r:.300}"
                )

    async def judge(self) -> list[Report]:
        """Every room by the common checker; what is wrong with memberships goes to `wrong`."""
        reports = []
        for number, room in enumerate(self.rooms):
            stored = await Stored.read(self.owner, room)
            records = {
                name: client.records.get(room, RoomRecord())
                for name, client in self.subscribers.items()
                if client.room_url in (None, room)
            }
            for name, (where, record) in self._visitors.items():
                if where == room:
                    records[name] = record
            for index, comer in enumerate(self.comers):
                for way, client in comer.clients.items():
                    name, record = f"comer {index} by the {way} way", client.records.get(room, RoomRecord())
                    if record.stretches or record.uninvited:
                        records[name] = record
                    wrong = violations(stored.log, comer.rest.user_id, record, comer.let_in[room])
                    self.wrong += [f"{name} in {number}: {text}" for text in wrong]
            strangers = {"the stranger": self.stranger.records.get(room)}
            reports.append(check(stored, self.acked[room], records, strangers))
        for name, client in self._named():
            live = client.socket.violations if client.socket else []
            self.wrong += [f"{name}: {text}" for text in (*client.violations, *live)]
            self.wrong += [f"{name} gave up: {client.gave_up}"] if client.gave_up else []
        return reports

    async def close(self) -> None:
        if hasattr(self, "stranger"):
            await asyncio.gather(*(client.stop() for client in self.clients))


async def insist(call: Callable[[], Awaitable[Any]]) -> Any:
    """Repeat a request until its outcome is known; refused after an unknown one is done.

    Raises:
        Problem: refused at the first try. TimeoutError: still unknown.
    """
    started, tries = time.monotonic(), 0
    while True:
        tries += 1
        try:
            return await call()
        except httpx.TransportError as error:
            last: Exception = error
        except Problem as problem:
            if problem.status < 500 and problem.status != 429:
                if tries > 1:
                    return None
                raise
            last = problem
        if time.monotonic() - started > INSIST_S:
            raise TimeoutError(f"not answered in {INSIST_S} s, {tries} tries") from last
        await asyncio.sleep(random.uniform(0.05, 0.3))


def _first_wrong(seqs: list[int]) -> str:
    for before, after in itertools.pairwise(seqs):
        if after != before + 1:
            return f"{after} after {before}"
    return f"begins with {seqs[:1]}"
