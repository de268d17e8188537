"""Hours of coming and going in minutes: what workers and stores hold must not grow."""

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.client.rest import Rest
from tests.client.socket import Closed, Refused, Socket
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.stress import holdings
from tests.faults.stress.lines import lines
from tests.faults.stress.scene import insist
from tests.faults.traffic import Traffic, by_rest

VISITORS = 12  # come, join, talk, leave and crash, all the time
STAYING = 6  # sockets that stay for all of it
PER_S = 10
SAMPLE_S = 3.0
WARM_SHARE = 0.4  # of the time, at least; pools, caches and the allocator fill up in it …
WARM_MOST_S = 180.0  # … and are full then
AT_LEAST_PER_MINUTE = 60  # visits: a soak in which nobody comes shows nothing
# What may be gained a minute, by the slope of a line through the samples. A leak of one thing a visit would gain
# hundreds; the least that can be told from noise in three minutes is what stands here.
# Allocators go on settling for some minutes: a worker that gains 0.03 MiB a minute over 13 gained up to 1.3 over 3.
SETTLING_MIB = 6.0
BOUNDS: Mapping[str, float] = {
    "memory of a, MiB": 1.0,
    "memory of b, MiB": 1.0,
    "tasks of a": 12.0,  # each of the visitors has some while there; a leak at one visit in a hundred is more
    "tasks of b": 12.0,
    "open files of a": 3.0,
    "open files of b": 3.0,
    "keys of Redis": 3.0,
    "channels of Redis": 3.0,
    "sessions of the database": 3.0,
}


@dataclass
class Soak:
    """`samples` by name, at `at_s` from the start; `slopes` a minute, after the warm-up; `wrong` in words."""

    minutes: float
    at_s: list[float] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)
    slopes: dict[str, float] = field(default_factory=dict)
    visits: int = 0
    crashes: int = 0
    sends: int = 0
    wrong: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """soak.json and soak.svg, for a page."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "soak.json").write_text(json.dumps(asdict(self), indent=1) + "\n")
        (folder / "soak.svg").write_text(lines(self.at_s, self.samples))

    def __str__(self) -> str:
        slopes = ", ".join(f"{name} {slope:+.2f}" for name, slope in self.slopes.items())
        return (
            f"{self.minutes:g} min: {self.visits} visits, {self.crashes} of them ended by a crash, {self.sends} sends; "
            f"gained a minute: {slopes}"
        )


async def soak(two: Cluster, minutes: float, seed: int = 0) -> Soak:
    """Let people come and go, and sample what is held every SAMPLE_S seconds."""
    found, people = Soak(minutes), People(two)
    chance, until = random.Random(seed), time.monotonic() + 60 * minutes
    owner, *rest = await people.crowd("ada", 1 + STAYING + VISITORS)
    rooms = [(await owner.create_room("public"))["id"] for _ in range(4)]
    for person in rest[:STAYING]:
        await person.join(rooms[0])
    staying = [
        await Socket.connect(two.workers[i % 2].url, person.access) for i, person in enumerate(rest[:STAYING])
    ]
    for socket in staying:
        await socket.request("subscribe", rooms="all")
    traffic = Traffic(rooms[0], [by_rest(person) for person in rest[:2]], PER_S).start()
    visits = [
        asyncio.create_task(_visit(two, person, rooms, random.Random(chance.random()), until, found))
        for person in rest[STAYING:]
    ]
    await _sample(two, until, found)
    await asyncio.gather(*visits)
    await traffic.stop()
    found.sends += len(traffic.sent)
    found.wrong += [f"a send failed: {text}" for text in traffic.failed[:3]]
    found.wrong += [f"a socket that stayed was closed: {s.ending}" for s in staying if s.ending]
    for socket in staying:
        await socket.close()
    await people.close()
    _judge(found)
    return found


async def _visit(
    two: Cluster, person: Rest, rooms: Sequence[str], chance: random.Random, until: float, found: Soak
) -> None:
    """Again and again: connect, join, talk, leave; and go, half of the times without a word."""
    while time.monotonic() < until:
        room = chance.choice(rooms[1:])
        socket = await Socket.connect(chance.choice(two.workers).url, person.access, address=person.address)
        try:
            await socket.request("subscribe", rooms="all")
            await insist(lambda room=room: person.join(room))  # type: ignore[misc]  # bound now, not later
            await socket.find(lambda frame: frame["type"] == "subscribed", timeout_s=20)
            for _ in range(2):
                await socket.request("message.send", room=room, client_id=secrets.token_hex(8), body="hello")
                found.sends += 1
            await socket.request("typing", room=room, active=True)
            await insist(lambda room=room: person.leave(room))  # type: ignore[misc]  # bound now, not later
        except (Closed, Refused, TimeoutError) as error:
            found.wrong.append(f"a visit failed: {error!r:.200}")
        found.visits += 1
        if chance.random() < 0.5:
            found.crashes += 1
            await socket.abort()
        else:
            await socket.close()
        await asyncio.sleep(chance.uniform(0.05, 0.6))


async def _sample(two: Cluster, until: float, found: Soak) -> None:
    started = time.monotonic()
    while time.monotonic() < until:
        now = await asyncio.to_thread(holdings.count, two)
        found.at_s.append(time.monotonic() - started)
        values = {
            "keys of Redis": float(sum(now.keys.values())),
            "channels of Redis": float(now.channels),
            "sessions of the database": float(now.sessions),
        }
        for name, held in now.workers.items():
            values |= {
                f"memory of {name}, MiB": held["rss"] / 2**20,
                f"tasks of {name}": float(held["tasks"]),
                f"open files of {name}": float(held["fds"]),
            }
        for name, value in values.items():
            found.samples.setdefault(name, []).append(value)
        with contextlib.suppress(TimeoutError):
            await asyncio.sleep(SAMPLE_S)


def _judge(found: Soak) -> None:
    seconds = 60 * found.minutes
    warm_s = min(WARM_SHARE * seconds, WARM_MOST_S)
    for name, values in sorted(found.samples.items()):
        pairs = [(at_s, v) for at_s, v in zip(found.at_s, values, strict=True) if at_s >= warm_s]
        found.slopes[name] = 60 * slope(pairs)
        allowed = BOUNDS[name]
        if name.startswith("memory"):
            allowed = max(allowed, SETTLING_MIB / found.minutes)
        if found.slopes[name] > allowed:
            found.wrong.append(f"{name}: {found.slopes[name]:+.2f} a minute, and {allowed:g} are allowed")
    if found.visits < AT_LEAST_PER_MINUTE * found.minutes:
        found.wrong.append(f"only {found.visits} visits in {found.minutes:g} minutes")


def slope(pairs: Sequence[tuple[float, float]]) -> float:
    """Of the line nearest to the points by least squares; 0 for less than two."""
    if len(pairs) < 2:
        return 0.0
    mean_x = sum(x for x, _ in pairs) / len(pairs)
    mean_y = sum(y for _, y in pairs) / len(pairs)
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread if spread else 0.0
