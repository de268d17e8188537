"""What is done to the servers. A scenario is a crowd and a load; each is a line or two over the shapes below."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.load.plan import Bursts, Closed, Http, Idle, Open, Plan, Reconnect, Request, Seat
from bench.people.crowd import PASSWORD, Crowd, Populated
from bench.servers.base import Server

Load = Closed | Open | Bursts | Idle | Reconnect | Http
ALL = ("a", "b", "c", "d", "e", "f")
WARM_CONNECTIONS = 100


@dataclass(frozen=True)
class Scenario:
    """`crowd` and `load` are made for a size: 1 for the real one, more for so many times smaller.

    `fresh`: the server is started anew for each run. `against`: the scenario whose tutorial numbers these are
    compared with, where it is another.
    """

    name: str
    title: str
    servers: tuple[str, ...]
    crowd: Callable[[int], Crowd]
    load: Callable[[int, Populated], Load]
    senders: Callable[[Crowd], list[int]] = lambda crowd: []
    fresh: bool = False
    against: str = ""
    at_once: int = 50


def shrunk(count: int, size: int, least: int = 2) -> int:
    """`count`, or so many times fewer."""
    return count if size == 1 else max(least, count // size)


def one_room(name: str, members: int, senders: int, outstanding: int, **more: object) -> Scenario:
    """Everybody in one room; a few of them speak."""

    def crowd(size: int) -> Crowd:
        count = shrunk(members, size, senders)
        return Crowd(people=count, rooms=[list(range(count))])

    return Scenario(
        name,
        f"1 room × {members:,}, {senders} × {outstanding}",
        more.pop("servers", ALL),  # type: ignore[arg-type]
        crowd,
        lambda size, made: Closed(outstanding),
        lambda crowd: spread(crowd.rooms[0], senders),
        **more,  # type: ignore[arg-type]
    )


def many_rooms(count: int, members: int) -> Callable[[int], Crowd]:
    """Rooms without a common member."""

    def crowd(size: int) -> Crowd:
        number = shrunk(count, size)
        return Crowd(
            people=number * members,
            rooms=[list(range(room * members, (room + 1) * members)) for room in range(number)],
        )

    return crowd


def spread(members: Sequence[int], senders: int) -> list[int]:
    """So many of them, evenly: neither the first nor the last to be served."""
    count = min(senders, len(members))
    return [members[(2 * number + 1) * len(members) // (2 * count)] for number in range(count)]


def one_each(crowd: Crowd) -> list[int]:
    """A sender in every room."""
    return [spread(members, 1)[0] for members in crowd.rooms]


def everybody(crowd: Crowd) -> list[int]:
    return list(range(crowd.people))


def overlapping(people: int, rooms_each: int, members: int) -> Callable[[int], Crowd]:
    """Each person in so many rooms, in each of which are so many."""

    def crowd(size: int) -> Crowd:
        count = shrunk(people, size, 10)
        total = max(rooms_each, count * rooms_each // members)
        rooms: list[list[int]] = [[] for _ in range(total)]
        for person in range(count):
            for number in range(rooms_each):
                rooms[(person * rooms_each + number) % total].append(person)
        return Crowd(people=count, rooms=rooms)

    return crowd


def filled(people: int, rooms: int, fill: int) -> Callable[[int], Crowd]:
    """Rooms with messages in them, their members shared out evenly."""

    def crowd(size: int) -> Crowd:
        count, number = shrunk(people, size, rooms), shrunk(rooms, size, 1)
        members: list[list[int]] = [list(range(room, count, number)) for room in range(number)]
        return Crowd(people=count, rooms=members, fill=shrunk(fill, size, 200))

    return crowd


def history(size: int, made: Populated) -> Http:
    """Pages of 50 at both ends of the room, and in the middle."""
    head = made.heads[0]
    asked = [
        Request(
            "GET", f"/api/v1/rooms/{made.rooms[0]}/messages/?limit=50{where}", made.tokens[0], group=group
        )
        for group, where in (
            ("newest", ""),
            ("middle", f"&before={head // 2}"),
            ("oldest", "&before=120"),
        )
    ]
    return Http(8, asked)


def stock_history(made: Populated) -> Http:
    """The newest page alone: CursorPagination is as fast anywhere."""
    request = Request("GET", f"/api/v1/rooms/{made.rooms[0]}/messages/", made.tokens[0], group="newest")
    return Http(8, [request])


def log_ins(size: int, made: Populated) -> Http:
    bodies = [json.dumps({"username": name, "password": PASSWORD}) for name in made.names]
    return Http(8, [Request("POST", "/api/v1/auth/token/", body=body) for body in bodies])


def my_rooms(size: int, made: Populated) -> Http:
    return Http(8, [Request("GET", "/api/v1/rooms/?limit=50", token) for token in made.tokens])


def seats(crowd: Crowd, made: Populated, wire: str) -> list[Seat]:
    """A connection for each person, in all their rooms; servers with a room in the URL take the first of them."""
    rooms: list[list[int]] = [[] for _ in range(crowd.people)]
    for number, members in enumerate(crowd.rooms):
        for person in members:
            rooms[person].append(number)
    most = None if wire == "parley" else 1
    return [Seat(token, mine[:most]) for token, mine in zip(made.tokens, rooms, strict=True)]


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        one_room("room100-1x1", 100, 1, 1),
        one_room("room1000-1x1", 1_000, 1, 1),
        one_room("room1000-4x5", 1_000, 4, 5, against="room1000-1x1"),
        Scenario(
            "rooms100x5", "100 rooms × 5, 100 senders", ALL, many_rooms(100, 5),
            lambda size, made: Closed(1), one_each,
        ),
        one_room("room100-4x5", 100, 4, 5, against="room100-1x1"),
        Scenario(
            "rooms200x10", "200 rooms × 10, all 2,000 sending", ALL, many_rooms(200, 10),
            lambda size, made: Closed(1), everybody,
        ),
        Scenario(
            "open500", "500 messages/s, open loop, 100 rooms × 5", ALL, many_rooms(100, 5),
            lambda size, made: Open(500 / size), one_each,
        ),
        Scenario(
            "bursts500", "bursts of 500 a second, 1 room × 100, 10 senders", ALL,
            one_room("", 100, 10, 1).crowd, lambda size, made: Bursts(shrunk(500, size), 1.0),
            lambda crowd: spread(crowd.rooms[0], 10),
        ),
        Scenario(
            "sqlite100", "SQLite, 50 rooms × 2, 100 senders", ("cs",), many_rooms(50, 2),
            lambda size, made: Closed(1), everybody,
        ),
        Scenario(
            "idle5000", "5,000 idle connections (Parley: 10 rooms each, others: 1)", ALL,
            overlapping(5_000, 10, 100), lambda size, made: Idle(shrunk(WARM_CONNECTIONS, size)), fresh=True,
        ),
        Scenario(
            "reconnect1000", "1,000 reconnect at once, 50 missed each", ("c", "d"), filled(1_000, 20, 50),
            lambda size, made: Reconnect(50), at_once=1_000,
        ),
        Scenario(
            "history", "history: pages of 50 in 1,000,000 messages", ("c", "g"), filled(10, 1, 1_000_000), history,
        ),
        Scenario(
            "logins", "log-ins, 8 at once", ("c",),
            lambda size: Crowd(people=50, rooms=[[0]], passwords=50), log_ins,
        ),
        Scenario(
            "myrooms", "my rooms, 500 of them, 50 a page", ("c",),
            lambda size: Crowd(people=20, rooms=[list(range(20))] * shrunk(500, size), fill=5), my_rooms,
        ),
        Scenario(
            "workers", "200 rooms × 10, all 2,000 sending, 1 and 2 workers", ("c", "c2"), many_rooms(200, 10),
            lambda size, made: Closed(1), everybody,
        ),
        one_room("room500-1x16", 500, 1, 16, servers=("c", "f")),
    )
}  # fmt: skip


def plan(
    scenario: Scenario, crowd: Crowd, made: Populated, server: Server, *, size: int, seconds: float, run: str
) -> Plan:
    """One run of a scenario against a server that runs."""
    load: Load = stock_history(made) if server.stock_history else scenario.load(size, made)
    sockets = not isinstance(load, Http)
    return Plan(
        wire=server.wire,
        address=server.address,
        load=load,
        seconds=seconds,
        run=run,
        rooms=made.rooms,
        heads=made.heads if isinstance(load, Reconnect) else [],
        seats=seats(crowd, made, server.wire) if sockets else [],
        senders=scenario.senders(crowd) if sockets else [],
        watch={"server": server.pid, **server.stores.pids},
        connect_at_once=scenario.at_once,
    )
