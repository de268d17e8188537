"""docs/scale.md: what one of each costs, measured, and what that makes of many."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.comparing import of
from bench.report import figure
from bench.results import Result
from devtools.processes import ROOT

PAGE = ROOT / "docs" / "scale.md"

SIZES = (10_000, 100_000, 1_000_000)
# Whom the table is about; every number of it is said on the page.
MEMBERS = 20  # of each room, all connected
SPEAKS_S = 120  # each person sends a message so often
BACK_S = 300  # everybody reconnects within this, after an outage
CORE_SHARE = 0.6  # of a core that is planned with: the rest is for bursts
POSTGRES_CORES = 16  # of one PostgreSQL server

Results = Mapping[str, Result]


class Costs(NamedTuple):
    """What one of each takes, in µs of a core and kB."""

    message_us: float  # of a worker: one message of a room of 10, its ten deliveries included
    delivery_us: float  # of a worker: written to one socket by itself, which is the dearest
    postgres_us: float  # a message
    redis_us: float  # a message, published to two processes at most
    connect_us: float  # of a worker: handshake, log-in by token, subscription
    idle_kb: float

    @property
    def storing_us(self) -> float:
        """What a message takes of a worker before anybody hears of it."""
        return max(0.0, self.message_us - 10 * self.delivery_us)


def costs(results: Results) -> Costs | None:
    """Out of the published runs; None where one that is needed was not measured."""
    many, one = of(results, "rooms200x10", "c"), of(results, "room1000-1x1", "c")
    idle = of(results, "idle5000", "c")
    if many is None or one is None or idle is None:
        return None
    found = (
        many.median("server_us_per_message"),
        one.median("server_us_per_delivery"),
        many.median("postgres_us_per_message"),
        many.median("redis_us_per_message"),
        one.median("connects_per_s"),
        idle.median("memory_kb"),
    )
    if any(value is None for value in found):
        return None
    message, delivery, postgres, redis, connects, memory = (float(value or 0) for value in found)
    return Costs(message, delivery, postgres, redis, 1e6 / connects, memory)


class Needs(NamedTuple):
    """What a size takes. Cores are such as are wholly used; `workers` is how many processes to start."""

    messages_per_s: float
    deliveries_per_s: float
    worker_cores: float
    storm_cores: float
    memory_gb: float
    postgres_cores: float
    redis_cores: float
    workers: int


def needs(cost: Costs, connections: int) -> Needs:
    """For so many connected people of the page's kind."""
    messages = connections / SPEAKS_S
    deliveries = messages * MEMBERS
    working = (messages * cost.storing_us + deliveries * cost.delivery_us) / 1e6
    storm = connections / BACK_S * cost.connect_us / 1e6
    workers = max(2, int(max(working, storm) / CORE_SHARE) + 1)
    # Redis tells each process that has a member of the room: nearly one a member once there are many.
    told = min(MEMBERS, workers)
    redis = messages * cost.redis_us * (1 + told) / 3 / 1e6
    return Needs(
        messages, deliveries, working, storm, connections * cost.idle_kb / 1e6,
        messages * cost.postgres_us / 1e6, redis, workers,
    )  # fmt: skip


def bottlenecks(need: Needs) -> list[str]:
    """What is used up first, and second: each by how much of one machine or process of its kind it takes."""
    shares = {
        "one worker process (one core)": max(need.worker_cores, need.storm_cores) / CORE_SHARE,
        "one Redis (one core)": need.redis_cores / CORE_SHARE,
        f"one PostgreSQL server of {POSTGRES_CORES} cores": need.postgres_cores
        / (POSTGRES_CORES * CORE_SHARE),
    }
    return [f"{name}: {share:.0%}" for name, share in sorted(shares.items(), key=lambda item: -item[1])]


class Check(NamedTuple):
    """What the costs say of a scenario on the measured machine, and what it was."""

    workers: int
    predicted: float
    measured: float


def checks(results: Results) -> list[Check]:
    """Messages a second of 200 rooms × 10 with 1 and 2 workers, where those were measured.

    Predicted from the CPU alone: a worker has one core, and all (workers, PostgreSQL, Redis and the client, which
    is on the same machine) have the machine's.
    """
    result, found = results.get("workers"), []
    for workers, server in ((1, "c"), (2, "c2")):
        one, base = of(results, "workers", server), of(results, "rooms200x10", "c")
        if result is None or one is None or base is None:
            continue
        mine = base.median("server_us_per_message")
        stores = (base.median("postgres_us_per_message") or 0) + (base.median("redis_us_per_message") or 0)
        rate, measured = base.median("messages_per_s"), one.median("messages_per_s")
        if not (mine and rate and measured):
            continue
        client = (base.median("client_share") or 0) * 1e6 / rate
        of_workers = workers * 1e6 / mine
        of_machine = result.conditions.cores * 1e6 / (mine + stores + client)
        found.append(Check(workers, min(of_workers, of_machine), measured))
    return found


def page(results: Results) -> str:
    """The whole page."""
    return "\n".join(_parts(results)).rstrip() + "\n"


def _parts(results: Results) -> Iterator[str]:
    yield INTRO
    cost = costs(results)
    if cost is None:
        yield "Nothing has been published yet."
        return
    yield from _costs(cost)
    yield from _sizes(cost)
    yield from _checked(checks(results))
    yield REMEDIES


def _costs(cost: Costs) -> Iterator[str]:
    yield from ("## What one costs", "", "| what | takes |", "|---|---|")
    for what, takes in (
        ("an idle connection", f"{figure(cost.idle_kb)} kB of a worker's memory"),
        ("a connect: handshake, token, subscription", f"{figure(cost.connect_us / 1e3)} ms of a worker's core"),
        ("a message, before it is delivered", f"{figure(cost.storing_us)} µs of a worker's core"),
        ("… in PostgreSQL", f"{figure(cost.postgres_us)} µs of a core"),
        ("… in Redis", f"{figure(cost.redis_us)} µs of its one core"),
        ("a delivery, written by itself", f"{figure(cost.delivery_us)} µs of a worker's core"),
        ("a core of a worker", f"{figure(1e6 / cost.delivery_us)} deliveries/s, or {figure(1e6 / cost.message_us)} messages/s in rooms of 10"),
        ("a GiB of a worker", f"{figure(1024**2 / cost.idle_kb)} idle connections"),
    ):  # fmt: skip
        yield f"| {what} | {takes} |"
    yield ""


def _sizes(cost: Costs) -> Iterator[str]:
    yield from (
        "## What many cost",
        "",
        f"Computed from the table above, for people who are in rooms of {MEMBERS} connected members and send a message "
        f"every {SPEAKS_S} s, and who all must be back within {BACK_S} s after an outage. Cores are planned to be "
        f"{CORE_SHARE:.0%} busy.",
        "",
        "| connections | messages/s | deliveries/s | worker cores | … in the storm | worker processes | memory GB "
        "| PostgreSQL cores | Redis cores | first bottleneck | second |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    )
    for size in SIZES:
        need = needs(cost, size)
        first, second, _ = bottlenecks(need)
        yield (
            f"| {size:,} | {figure(need.messages_per_s)} | {figure(need.deliveries_per_s)} | {figure(need.worker_cores)} "
            f"| {figure(need.storm_cores)} | {need.workers:,} | {figure(need.memory_gb)} | {figure(need.postgres_cores)} "
            f"| {figure(need.redis_cores)} | {first} | {second} |"
        )
    yield ""


def _checked(points: list[Check]) -> Iterator[str]:
    if not points:
        return
    yield from (
        "## Checked",
        "",
        "The same costs, asked what one machine does with 200 rooms of 10 that all send, and what it did:",
        "",
        "| workers | predicted messages/s | measured | measured by predicted |",
        "|---|---|---|---|",
    )
    for point in points:
        yield (
            f"| {point.workers} | {figure(point.predicted)} | {figure(point.measured)} "
            f"| {figure(point.measured / point.predicted)} |"
        )
    yield ""


INTRO = """# How far it goes

Made by `python3 dev.py bench` from its published runs (bench/results/latest.json); do not edit. What one of each costs
is measured; what many cost is arithmetic, and is only as good as its assumptions, which are named. [Performance](performance.md)
has the runs and their conditions.
"""

REMEDIES = """## What moves the bottlenecks

- **Worker processes** share nothing but PostgreSQL and Redis, and any socket may be on any of them: start as many as there are cores, on
  as many machines as are needed, behind a load balancer that balances connections. Memory and the reconnect storm grow with
  connections alone, so they decide how many; `SOCKET_CLOSE_SPREAD_S` and the clients' jitter stretch the storm.
- **Redis** hears each message once and repeats it to every process with a member of the room there. When its one core is full, give
  the channel layer several hosts: rooms are spread over them by a hash of their names, and nothing else changes. Redis loses
  nothing of value when it is restarted: the log is in PostgreSQL.
- **PostgreSQL** stores each message once, whatever the number of members. Batches make it cheaper under load, not dearer. Past one
  server: history and lists can be read from replicas that are behind by less than a second, the log and the messages
  can be partitioned by a hash of the room (every statement of the write path names its rooms), and old partitions can be put on cheaper
  disks. Replicas and partitions are set up in PostgreSQL; Parley has no setting for either yet.
- **Rooms of very many members** are the one case in which a message is dear: a delivery a member. Frames are made once a room and what
  gathers is written together, so under load a delivery costs a fraction of the table's.
"""
