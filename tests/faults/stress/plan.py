"""What a run will do, drawn from its seed alone: the same seed and length always give the same plan."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

ROOMS = ("public", "public", "private")
COMERS = 3  # people who come and go
FIRST_S = 1.0  # the scene stands and moves before anything breaks
CALM_S = 2.0  # and moves again at the end


@dataclass(frozen=True)
class Fault:
    """At `at_s`, or when the one before it in its lane is over, `kind` happens to `where`, for `for_s` seconds."""

    at_s: float
    kind: str
    where: str = ""
    for_s: float = 0.0

    def __str__(self) -> str:
        place = f" {self.where}" if self.where else ""
        time = f" for {self.for_s} s" if self.for_s else ""
        return f"{self.at_s:.1f} s: {self.kind}{place}{time}"


@dataclass(frozen=True)
class Move:
    """At `at_s` a person (a number below COMERS) does this, or has it done to them, in a room (its number)."""

    at_s: float
    person: int
    kind: str  # add, join; leave, remove, ban
    room: int


@dataclass(frozen=True)
class Plan:
    """`stores` and `processes` are two lanes: their faults meet each other."""

    seed: int
    seconds: float
    per_s: int  # sends a second and room
    stores: tuple[Fault, ...]
    processes: tuple[Fault, ...]
    moves: tuple[Move, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(sorted((*self.stores, *self.processes), key=lambda fault: fault.at_s))


# What may be drawn, and the seconds it takes beyond its own length: starting a worker again is most of it.
OF_STORES: Mapping[str, float] = {
    "redis is stopped": 0.5,
    "redis is paused": 0.2,
    "redis is emptied": 0.2,
    "redis cuts every connection": 0.2,
    "postgres is restarted": 1.0,
    "postgres is paused": 0.7,
    "postgres ends every session": 0.2,
}
OF_PROCESSES: Mapping[str, float] = {
    "a worker is killed": 3.0,
    "a worker is stopped": 4.0,
    "both workers are renewed": 8.0,
    "the bus drops messages": 1.0,
    "a way is cut": 0.5,
    "a way is a black hole": 1.0,
    "answers are lost": 0.5,
    "a reader is slow": 1.0,
}
WORKERS = ("a", "b")
WAYS = ("first", "second")
WHERE: Mapping[str, tuple[str, ...]] = {
    "a worker is killed": WORKERS,
    "a worker is stopped": WORKERS,
    "the bus drops messages": WORKERS,
    "a way is cut": WAYS,
    "a reader is slow": WORKERS,
}
# Lengths drawn from, in seconds; what is not named is over at once.
LENGTHS: Mapping[str, tuple[float, float]] = {
    "redis is stopped": (0.2, 2.0),
    "redis is paused": (0.7, 3.0),
    "postgres is restarted": (0.0, 1.5),
    "postgres is paused": (1.0, 2.5),
    "a worker is killed": (0.0, 1.0),
    "a worker is stopped": (0.0, 0.5),
    "the bus drops messages": (0.5, 2.0),
    "a way is a black hole": (1.0, 4.0),
    "answers are lost": (0.3, 1.0),
    "a reader is slow": (1.0, 2.0),
}


def draw(seed: int, seconds: float) -> Plan:
    """The plan of a seed; nothing else goes into it."""
    chance = random.Random(f"{seed} {seconds}")
    stores = _lane(chance, seconds, OF_STORES)
    processes = _lane(chance, seconds, OF_PROCESSES)
    return Plan(seed, seconds, chance.randint(8, 25), stores, processes, _moves(chance, seconds))


def _lane(chance: random.Random, seconds: float, kinds: Mapping[str, float]) -> tuple[Fault, ...]:
    """Faults one after the other, each kind once before any comes again."""
    faults: list[Fault] = []
    at_s = FIRST_S + chance.uniform(0, 1)
    bag: list[str] = []
    while True:
        bag = bag or chance.sample(sorted(kinds), len(kinds))
        kind = bag.pop()
        for_s = round(chance.uniform(*LENGTHS[kind]), 1) if kind in LENGTHS else 0.0
        until_s = at_s + for_s + kinds[kind]
        if until_s > seconds - CALM_S:
            return tuple(faults)
        faults.append(Fault(round(at_s, 1), kind, chance.choice(WHERE.get(kind, ("",))), for_s))
        at_s = until_s + chance.uniform(0.2, 1.5)


def _moves(chance: random.Random, seconds: float) -> tuple[Move, ...]:
    """Everybody begins outside every room, and what is done is always possible."""
    moves: list[Move] = []
    for person in range(COMERS):
        inside: set[int] = set()
        at_s = chance.uniform(0.2, 1.0)
        while at_s < seconds - CALM_S:
            room = chance.randrange(len(ROOMS))
            if room in inside:
                kind = chance.choice(("leave", "remove", "ban"))
                inside.discard(room)
            else:
                kind = chance.choice(("add", "join") if ROOMS[room] == "public" else ("add",))
                inside.add(room)
            moves.append(Move(round(at_s, 1), person, kind, room))
            at_s += chance.uniform(0.3, 2.0)
    return tuple(sorted(moves, key=lambda move: (move.at_s, move.person)))
