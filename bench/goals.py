"""What Parley is to reach, and whether it did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.comparing import of
from bench.report import figure
from bench.results import Result

Results = Mapping[str, Result]
Value = Callable[[Results], float | None]


@dataclass(frozen=True)
class Goal:
    """`at_least` or not `at_least` (then at most) `bound`; `unit` stands behind both numbers."""

    text: str
    value: Value
    bound: float
    unit: str
    at_least: bool = True


def number(scenario: str, quantity: str, server: str = "c") -> Value:
    """A quantity of one server."""

    def value(results: Results) -> float | None:
        one = of(results, scenario, server)
        return one.median(quantity) if one else None

    return value


def ratio(above: Value, below: Value) -> Value:
    """One by another; None where either is missing."""

    def value(results: Results) -> float | None:
        upper, lower = above(results), below(results)
        return upper / lower if upper is not None and lower else None

    return value


def rate(scenario: str, server: str = "c", what: str = "deliveries") -> Value:
    return number(scenario, f"{what}_per_s", server)


CPU = "server_us_per_delivery"
GOALS = (
    Goal("1 room × 100, 1 × 1: deliveries/s by the tutorial's", ratio(rate("room100-1x1"), rate("room100-1x1", "a")), 12, "×"),
    Goal("1 room × 1,000, 1 × 1: deliveries/s by the tutorial's", ratio(rate("room1000-1x1"), rate("room1000-1x1", "a")), 40, "×"),
    Goal("1 room × 1,000, 4 × 5: deliveries/s by the tutorial's 1 × 1", ratio(rate("room1000-4x5"), rate("room1000-1x1", "a")), 150, "×"),
    Goal("1 room × 1,000, 4 × 5: CPU a delivery", number("room1000-4x5", CPU), 2, "µs", False),
    Goal("1 room × 1,000, 1 × 1: CPU a delivery by the bare limit's", ratio(number("room1000-1x1", CPU), number("room1000-1x1", CPU, "e")), 2, "×", False),
    Goal("100 rooms × 5, 100 senders: messages/s by the tutorial's", ratio(rate("rooms100x5", what="messages"), rate("rooms100x5", "a", "messages")), 30, "×"),
    Goal("200 rooms × 10, all sending: messages/s", rate("rooms200x10", what="messages"), 4_000, ""),
    Goal("200 rooms × 10, all sending: p99", number("rooms200x10", "p99_ms"), 800, "ms", False),
    Goal("1 room × 100, 1 × 1: p50", number("room100-1x1", "p50_ms"), 3, "ms", False),
    Goal("1 room × 100, 1 × 1: p99", number("room100-1x1", "p99_ms"), 7, "ms", False),
    Goal("500 messages/s, open loop: ack p50", number("open500", "ack_p50_ms"), 5, "ms", False),
    Goal("500 messages/s, open loop: ack p99", number("open500", "ack_p99_ms"), 25, "ms", False),
    Goal("idle connection in 10 rooms", number("idle5000", "memory_kb"), 45, "kB", False),
    Goal("connects/s by the tutorial's", ratio(number("room1000-1x1", "connects_per_s"), number("room1000-1x1", "connects_per_s", "a")), 1.2, "×"),
    Goal("newest page in 1,000,000 messages: requests/s by DRF's", ratio(number("history", "newest:per_s"), number("history", "newest:per_s", "g")), 2, "×"),
    Goal("oldest page by the newest: requests/s", ratio(number("history", "oldest:per_s"), number("history", "newest:per_s")), 0.9, "×"),
    Goal("1,000 reconnect, 50 missed each: all resumed in", number("reconnect1000", "took_s"), 5, "s", False),
    Goal("SQLite, 100 senders: messages/s", rate("sqlite100", "cs", "messages"), 4_000, ""),
    Goal("1 room × 500, 1 × 16: messages/s by Socket.IO's", ratio(rate("room500-1x16", what="messages"), rate("room500-1x16", "f", "messages")), 2.5, "×"),
    Goal("1 room × 500, 1 × 16: CPU a delivery by Socket.IO's", ratio(number("room500-1x16", CPU), number("room500-1x16", CPU, "f")), 0.3, "×", False),
)  # fmt: skip


def goals_table(results: Results) -> str:
    """A row for each goal that was measured; empty where none was."""
    rows = []
    for goal in GOALS:
        value = goal.value(results)
        if value is not None:
            met = value >= goal.bound if goal.at_least else value <= goal.bound
            sign = "≥" if goal.at_least else "≤"
            rows.append(
                f"| {goal.text} | {sign} {goal.bound:,g} {goal.unit} | {figure(value)} {goal.unit} | {'yes' if met else '**no**'} |"
            )
    return "\n".join(["| what | goal | measured | met |", "|---|---|---|---|", *rows]) if rows else ""
