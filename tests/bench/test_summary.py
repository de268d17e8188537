"""From runs to a table: a run that lost has no rate, and one with a busy client says so."""

from bench.load.plan import Found
from bench.report import table, verdict
from bench.summary import summary


def run(**more: object) -> Found:
    """A run of 10 s with 1,000 messages to 100 people."""
    found = Found(
        seconds=10, messages=1_000, deliveries=100_000, expected=100_000, latency_ms={"p50": 2.0},
        cpu_us={"server": 5e6}, client_share=0.5,
    )  # fmt: skip
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_median_and_spread() -> None:
    found = summary("c", "Parley", [run(deliveries=count) for count in (90_000, 100_000, 300_000)])
    number = found.numbers["deliveries_per_s"]
    assert (number.median, number.low, number.high) == (10_000, 9_000, 30_000)
    assert found.numbers["server_us_per_message"].median == 5_000
    assert verdict(found) == "ok"


def test_one_run_that_lost_takes_the_rates_away() -> None:
    found = summary("a", "Channels tutorial", [run(), run(lost=1_000)])
    assert found.median("deliveries_per_s") is None
    assert verdict(found) == "LOST 1,000 of 200,000 (0.5%)"
    assert "–" in table([found, summary("c", "Parley", [run()])], None)


def test_a_busy_client_is_said() -> None:
    found = summary("e", "bare limit", [run(client_share=0.95), run()])
    assert verdict(found) == "client-bound in 1 of 2"


def test_the_ratio_is_against_the_one_given() -> None:
    slow, fast = summary("a", "Channels tutorial", [run(deliveries=1_000)]), summary("c", "Parley", [run()])
    lines = table([slow, fast], slow).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")][2] == "×"
    assert [cell.strip() for cell in lines[3].split("|")][2] == "100"
