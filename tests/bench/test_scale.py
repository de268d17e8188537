"""docs/scale.md is what the published numbers make it, by arithmetic that can be followed."""

from bench import scale
from bench.conditions import Conditions
from bench.results import Result, latest
from bench.summary import Number, Summary

CONDITIONS = Conditions("2026-01-01 00:00", "abc", "a CPU", 2, 8, "Linux", 20, 3, {})


def result(name: str, **servers: dict[str, float]) -> Result:
    summaries = [
        Summary(server, server, 3, {key: Number(value, value, value) for key, value in numbers.items()})
        for server, numbers in servers.items()
    ]
    return Result(name, name, CONDITIONS, summaries)


MANY = {
    "messages_per_s": 4_000.0,
    "server_us_per_message": 200.0,
    "postgres_us_per_message": 100.0,
    "redis_us_per_message": 30.0,
    "client_share": 0.4,
}
RESULTS = {
    "rooms200x10": result("rooms200x10", c=MANY),
    "room1000-1x1": result("room1000-1x1", c={"server_us_per_delivery": 10.0, "connects_per_s": 250.0}),
    "idle5000": result("idle5000", c={"memory_kb": 40.0}),
    "workers": result("workers", c=MANY, c2=MANY | {"messages_per_s": 4_500.0}),
}


def test_the_page_is_current() -> None:
    assert scale.PAGE.read_text() == scale.page(latest()), "Run: python3 dev.py bench --page"


def test_what_one_costs_is_taken_from_the_runs() -> None:
    assert scale.costs(RESULTS) == (200.0, 10.0, 100.0, 30.0, 4_000.0, 40.0)
    assert scale.costs(RESULTS | {"idle5000": result("idle5000", d={})}) is None


def test_ten_times_the_people_need_ten_times_as_much() -> None:
    cost = scale.costs(RESULTS)
    assert cost is not None
    small, large = (scale.needs(cost, size) for size in (120_000, 1_200_000))
    assert (small.messages_per_s, small.deliveries_per_s) == (1_000, 20_000)
    assert small.worker_cores == (1_000 * 100 + 20_000 * 10) / 1e6
    assert small.storm_cores == 400 * 4_000 / 1e6
    assert small.memory_gb == 4.8
    assert small.postgres_cores == 0.1
    for name in ("messages_per_s", "worker_cores", "storm_cores", "memory_gb", "postgres_cores"):
        assert round(getattr(large, name) / getattr(small, name), 6) == 10
    assert scale.bottlenecks(large)[0].startswith("one worker process")


def test_it_is_checked_at_one_worker_and_at_two() -> None:
    one, two = scale.checks(RESULTS)
    machine = 2e6 / (200 + 130 + 100)
    assert (one.predicted, one.measured) == (min(5_000, machine), 4_000)
    assert (two.predicted, two.measured) == (machine, 4_500)
    assert "| 2 |" in scale.page(RESULTS)
