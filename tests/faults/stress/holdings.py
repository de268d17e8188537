"""What workers and stores hold, and whether it is what they held before."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import psycopg

from tests.faults.cluster import Cluster

POOL_SIZE = 12  # DATABASE_POOL_SIZE: kept open after a rush, and given back minutes later
THREADS_MORE = 40  # pools of threads (requests: 16, password hashes, questions) fill up under load and stay
# One for each connection kept in the pool and to Redis (layer, cache, exchange, each one and a spare).
FDS_MORE = POOL_SIZE + 8
# A task of the bus or the hub may just be under way: a check, a refresh.
TASKS_MORE = 4
# Two password hashes at once take 19 MiB each, which the allocator keeps, and caches fill up: 5 to 42 MiB were
# measured after a run. That nothing grows from run to run is the soak's to show.
RSS_MORE = 64 * 1024 * 1024
SETTLE_S = 15.0  # places in Redis are given up after PLACE_LEASE_S, closed lines after SOCKET_CLOSE_S (5 s)
POLL_S = 0.3


@dataclass
class Holdings:
    """Of each worker what it says (`Worker.census`), of the stores keys, channels and sessions."""

    workers: dict[str, dict[str, int]] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)  # of Redis, by kind; "for ever": without an end
    channels: int = 0  # groups there is a subscription to
    sessions: int = 0  # of the database

    def __str__(self) -> str:
        return f"{self.workers} keys {dict(self.keys)} channels {self.channels} sessions {self.sessions}"


def count(cluster: Cluster) -> Holdings:
    """What is held now. Blocks."""
    found = Holdings({worker.name: worker.census() for worker in cluster.workers})
    with cluster.stores.bus() as bus:
        for key in bus.scan_iter(count=1000):
            text = key.decode(errors="replace").split(":", 1)[-1]
            found.keys[text.split(":")[0]] += 1
            found.keys["for ever"] += bus.ttl(key) == -1
        found.channels = len(bus.pubsub_channels())
    with psycopg.connect(cluster.stores.postgres.url, autocommit=True) as session:
        row = session.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY (%s)",
            [[worker.sessions for worker in cluster.workers]],
        ).fetchone()
        found.sessions = row[0] if row else 0
    return found


def differences(before: Holdings, now: Holdings) -> list[str]:
    """What is held now and was not, beyond the bounds above."""
    found: list[str] = []

    def more(name: str, was: int, is_now: int, allowed: int) -> None:
        if is_now > was + allowed:
            found.append(f"{name}: {is_now}, was {was} and may be {allowed} more")

    for name, held in now.workers.items():
        was = before.workers[name]
        for kind in ("inbound", "people", "rooms", "groups", "joined"):
            more(f"{name} {kind}", was[kind], held[kind], 0)
        more(f"{name} tasks", was["tasks"], held["tasks"], TASKS_MORE)
        more(f"{name} threads", was["threads"], held["threads"], THREADS_MORE)
        more(f"{name} fds", was["fds"], held["fds"], FDS_MORE)
        more(f"{name} memory", was["rss"], held["rss"], RSS_MORE)
    more("channels of Redis", before.channels, now.channels, 0)
    more("keys of Redis without an end", before.keys["for ever"], now.keys["for ever"], 0)
    for kind in now.keys:
        if kind not in ("for ever", "rate"):
            more(f"keys of Redis called {kind}", before.keys[kind], now.keys[kind], 0)
    more("sessions of the database", before.sessions, now.sessions, len(now.workers) * POOL_SIZE)
    return found


async def settled(cluster: Cluster, before: Holdings) -> tuple[Holdings, list[str]]:
    """The holdings once nothing differs, or after SETTLE_S, and what differs."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        now = await asyncio.to_thread(count, cluster)
        found = differences(before, now)
        if not found or time.monotonic() > deadline:
            return now, found
        await asyncio.sleep(POLL_S)
