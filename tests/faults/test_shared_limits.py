"""Limits of several processes through a real Redis: shared, and each its own while Redis is away."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from pytest_django import Settings

from common.exchange import Exchange
from common.leases import Leases
from common.rates import Rate, Tally, take_exactly
from devtools.services import Redis

pytestmark = pytest.mark.faults

_numbers = itertools.count()
AT_ONCE_S = 0.1  # nobody waits for Redis: generous, on a busy machine


@pytest.fixture(scope="module")
def bus() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture
def store(bus: Redis, settings: Settings) -> Iterator[redis.Redis]:
    """Empty. What a process of an earlier test still has to tell is of another limit."""
    Process.limit = f"limit{next(_numbers)}"
    settings.REDIS_URL = bus.url
    settings.REDIS_PREFIX = "test"
    with redis.Redis.from_url(bus.url) as client:
        client.flushall()
        yield client


class Process:
    """What a process has of limits: `rate` is the same limit in all of them."""

    limit = ""

    def __init__(self, burst: int, per_s: float) -> None:
        self.exchange = Exchange()
        self.rate = Rate(self.limit, lambda: (burst, per_s), Tally(self.exchange))
        self.leases = Leases(self.exchange)

    def take(self, key: str) -> bool:
        return self.rate.take(key).allowed

    def enter(self, key: str, most: int) -> bool:
        self.leases.take(key)
        self.exchange.wait()
        if self.leases.count(key) <= most:
            return True
        self.leases.give_back(key)
        return False


def flood(processes: list[Process], for_s: float, per_s: float) -> int:
    """How many were allowed: each process is asked for so many a second by a thread of its own."""
    allowed = [0] * len(processes)
    began = time.monotonic()

    def ask(number: int) -> None:
        asked = 0
        while (passed_s := time.monotonic() - began) < for_s:
            while asked < passed_s * per_s:
                allowed[number] += processes[number].take("ada")
                asked += 1
            time.sleep(0.001)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(processes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(allowed)


def until(true: Callable[[], Any], what: str, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


@pytest.mark.parametrize(("number", "per_s"), [(2, 1_000.0), (2, 150.0), (3, 400.0)])
def test_a_flood_over_several_processes_is_let_through_as_over_one(
    store: redis.Redis, number: int, per_s: float
) -> None:
    processes = [Process(200, 100) for _ in range(number)]
    allowed = flood(processes, 1.0, per_s)
    asked = number * per_s
    expected = min(asked, 200 + 100)
    assert expected * 0.9 <= allowed <= expected * 1.1


def test_a_steady_trickle_over_two_processes_is_not_let_through_twice(store: redis.Redis) -> None:
    """Each alone stays below the rate."""
    assert flood([Process(10, 100), Process(10, 100)], 1.0, 90) <= (10 + 100) * 1.1


def test_a_limit_of_a_few_is_exact_whichever_process_is_asked(store: redis.Redis) -> None:
    processes = [Process(5, 0.01) for _ in range(3)]
    allowed = [take_exactly((processes[n % 3].rate, "ada")).allowed for n in range(12)]
    assert allowed == [True] * 5 + [False] * 7
    processes[0].rate.give_back("ada")
    processes[0].exchange.wait()
    assert [take_exactly((processes[n % 3].rate, "ada")).allowed for n in (1, 2, 0)] == [True, False, False]


def test_a_limit_of_a_few_is_exact_when_all_ask_at_once(store: redis.Redis) -> None:
    processes = [Process(5, 0.01) for _ in range(2)]
    allowed: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda n=n: allowed.append(take_exactly((processes[n % 2].rate, "ada")).allowed)
        )
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) <= 5
    # Those that were over at the same moment may all have stepped back: what they left is there.
    allowed += [take_exactly((processes[n % 2].rate, "ada")).allowed for n in range(10)]
    assert sum(allowed) == 5
    assert take_exactly((processes[0].rate, "ada"), (processes[0].rate, "ada")).allowed is False


def test_what_is_kept_in_redis_expires_and_has_the_prefix(store: redis.Redis) -> None:
    process = Process(5, 2)
    for name in ("ada", "bob"):
        take_exactly((process.rate, name))
        process.enter(name, 1)
    mine = [f"test:rate:{Process.limit}:ada", f"test:rate:{Process.limit}:bob"]
    mine += ["test:places", f"test:places:{process.leases._own_name}"]
    assert all(0 < store.pttl(name) <= 15_000 for name in mine)
    assert all(name.startswith(b"test:") for name in store.scan_iter())
    assert store.pttl(f"test:rate:{Process.limit}:ada") <= 1_500
    for name in ("ada", "bob"):
        process.leases.give_back(name)


def test_a_bucket_that_is_hardly_used_costs_redis_nothing(store: redis.Redis) -> None:
    process = Process(100, 20)
    process.exchange.wait()
    before = store.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]
    for _ in range(4):
        process.take("ada")
    assert process.exchange._due_at == float("inf")
    after = store.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]
    assert after == before


def test_while_redis_is_stopped_each_process_goes_on_with_its_own(
    bus: Redis, store: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    processes = [Process(50, 20), Process(50, 20)]
    caplog.set_level(logging.INFO, "common.exchange")
    for _ in range(25):
        for process in processes:
            assert process.take("ada")
    until(lambda: not any(process.take("ada") for process in processes), "each knows what the other took")
    bus.stop()
    try:
        for process in processes:
            before = time.monotonic()
            process.exchange.wait()
            assert process.exchange.failing
            began = time.monotonic()
            allowed = sum(process.take("ada") for _ in range(500))
            allowed += sum(take_exactly((process.rate, "ada")).allowed for _ in range(500))
            assert time.monotonic() - began < AT_ONCE_S
            # Not wide open: no more than what flowed back; not stopped: another person has a burst.
            assert allowed <= 2 + 20 * (time.monotonic() - before)
            began = time.monotonic()
            bobs = sum(process.take("bob") for _ in range(500))
            assert 50 <= bobs <= 51 + 20 * (time.monotonic() - began)
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            assert sum(process.take("ada") for process in processes) <= 20
            time.sleep(0.05)
    finally:
        bus.start()
    for process in processes:
        until(lambda: not process.exchange.failing, "Redis is used again")  # noqa: B023
    said = [record.getMessage() for record in caplog.records]
    # Once each; and a process of an earlier test may still have had something to tell.
    assert 2 <= said.count("limits: Redis does not answer; each process counts its own") <= 4
    assert 2 <= said.count("limits: shared again") <= 4
    # Redis came back empty, and is told what is known here.
    assert sum(processes[0].take("bob") for _ in range(100)) <= 45
    third = Process(50, 20)
    until(lambda: not third.take("ada"), "a new process learns")


def test_nobody_waits_long_for_a_redis_that_hangs(bus: Redis, store: redis.Redis) -> None:
    process = Process(1_000, 1)
    assert take_exactly((process.rate, "ada")).allowed
    bus.pause()
    try:
        began = time.monotonic()
        for _ in range(500):
            assert process.take("ada")
        assert time.monotonic() - began < AT_ONCE_S
        began = time.monotonic()
        assert take_exactly((process.rate, "bob")).allowed
        assert process.enter("bob", 1)
        assert time.monotonic() - began < 0.6
        until(lambda: process.exchange.failing, "it is known to hang")
        began = time.monotonic()
        for number in range(100):
            assert take_exactly((process.rate, "bob")).allowed
            assert process.enter(f"bob{number}", 1)
        assert time.monotonic() - began < 2 * AT_ONCE_S
    finally:
        bus.resume()
    until(lambda: not process.exchange.failing, "it is used again")
    for number in range(100):
        process.leases.give_back(f"bob{number}")
    process.leases.give_back("bob")


def test_what_redis_forgot_it_is_told_again(store: redis.Redis) -> None:
    one, two = Process(100, 0.01), Process(100, 0.01)
    assert sum(one.take("ada") for _ in range(90)) == 90
    one.exchange.wait()
    assert one.enter("ada", 2)
    store.flushall()
    assert sum(one.take("ada") for _ in range(5)) == 5
    one.exchange.wait()
    two.take("ada")
    assert take_exactly((two.rate, "ada")).remaining == 3
    assert one.enter("bob", 2)  # with its word that it lives, or sooner
    until(lambda: store.hlen(f"test:places:{one.leases._own_name}") == 2, "all its places are there")
    assert two.enter("ada", 2)
    assert not two.enter("ada", 2)
    for process, name in ((one, "ada"), (one, "bob"), (two, "ada")):
        process.leases.give_back(name)


def test_places_are_counted_over_all_processes_and_free_when_given_back(store: redis.Redis) -> None:
    processes = [Process(1, 1) for _ in range(3)]
    assert [processes[n % 3].enter("ada", 5) for n in range(9)] == [True] * 5 + [False] * 4
    assert processes[2].enter("bob", 5)
    processes[0].leases.give_back("ada")
    processes[0].exchange.wait()
    assert [processes[n].enter("ada", 5) for n in (2, 1, 0)] == [True, False, False]
    for process in processes:
        for key, number in list(process.leases._own.items()):
            for _ in range(number):
                process.leases.give_back(key)
        process.exchange.wait()
    assert processes[0].enter("ada", 1)
    processes[0].leases.give_back("ada")


def test_the_places_of_a_process_that_is_gone_fall_free(store: redis.Redis, settings: Settings) -> None:
    settings.PLACE_LEASE_S = 1
    gone, here = Process(1, 1), Process(1, 1)
    assert gone.enter("ada", 1)
    assert here.enter("bob", 1)
    assert not here.enter("ada", 1)
    gone.exchange._parts.clear()  # its words no longer come
    until(lambda: here.enter("ada", 1), "the lease is over")
    assert here.leases.count("bob") == 1
    assert store.hget(f"test:places:{here.leases._own_name}", "bob") == b"1"  # renewed meanwhile
    for name in ("ada", "bob"):
        here.leases.give_back(name)


def test_thousands_of_keys_are_told_in_portions(store: redis.Redis) -> None:
    process = Process(1, 0.01)
    for number in range(2_500):
        assert process.take(f"{number}")
        process.leases.take(f"{number}")
    process.exchange.wait()
    until(lambda: len(store.keys(f"test:rate:{Process.limit}:*")) == 2_500, "all are told")
    other = Process(1, 0.01)
    assert not any(take_exactly((other.rate, f"{number}")).allowed for number in (0, 1_250, 2_499))
    until(lambda: store.hlen(f"test:places:{process.leases._own_name}") == 2_500, "all places are told")
    assert not other.enter("2499", 1)
    for number in range(2_500):
        process.leases.give_back(f"{number}")
    process.exchange.wait()
    assert other.enter("2499", 1)
    other.leases.give_back("2499")
