"""Token buckets in one process, by a clock that is turned."""

import threading

import pytest

from common import rates
from common.rates import Rate, take_exactly

BURST, PER_S = 10, 4.0


@pytest.fixture
def rate(settings, turned):
    settings.REDIS_URL = ""
    return Rate("test", lambda: (BURST, PER_S))


def take(rate, number, key="ada"):
    """How many of so many are allowed."""
    return sum(rate.take(key).allowed for _ in range(number))


def test_a_burst_at_once_and_then_as_much_as_flows_back(rate, turned):
    assert take(rate, 50) == BURST
    for seconds, more in ((0.25, 1), (0.5, 2), (0.24, 0), (0.01, 1), (1.125, 4), (0.125, 1), (3_600, BURST)):
        turned.turn(seconds)
        assert take(rate, 50) == more


def test_over_a_long_time_it_is_the_rate(rate, turned):
    taken = 0
    for _ in range(1_000):
        taken += take(rate, 3)
        turned.turn(0.1)
    assert BURST + 100 * PER_S - 2 <= taken <= BURST + 100 * PER_S


def test_each_has_its_own(rate):
    assert take(rate, 50, "ada") == take(rate, 50, "bob") == BURST


def test_it_says_how_many_more_and_when_truly(rate, turned):
    assert [rate.take("ada").remaining for _ in range(BURST)] == list(range(BURST - 1, -1, -1))
    refused = rate.take("ada")
    assert (refused.allowed, refused.remaining, refused.retry_after_s) == (False, 0, 0.25)
    assert refused.reset_s == BURST / PER_S
    turned.turn(refused.retry_after_s - 0.01)
    assert not rate.take("ada").allowed
    turned.turn(0.01)
    assert rate.take("ada").allowed


@pytest.mark.parametrize("per_s", [0.1, 1 / 3, 1 / 30, 7.0, 10 / 60])
def test_one_more_is_allowed_when_the_time_it_named_is_over(settings, turned, per_s):
    settings.REDIS_URL = ""
    rate = Rate("test", lambda: (3, per_s))
    for number in range(200):
        standing = rate.take("ada")
        if not standing.allowed:
            turned.turn(standing.retry_after_s)
            assert rate.take("ada").allowed, number
        turned.turn(0.017)


def test_what_is_refused_or_given_back_does_not_count(rate, turned):
    take(rate, 500)
    turned.turn(0.25)
    assert take(rate, 5) == 1
    rate.give_back("ada")
    assert take(rate, 5) == 1
    rate.give_back("nobody")
    assert rate.look("ada").allowed is False
    assert rate.look("nobody").remaining == BURST


def test_looking_takes_nothing(rate):
    assert {rate.look("ada").remaining for _ in range(50)} == {BURST}
    assert take(rate, 50) == BURST


def test_what_was_charged_for_work_that_failed_is_given_back(rate):
    def fail():
        with rate.charging() as charge:
            assert [charge("ada").allowed for _ in range(BURST + 2)] == [True] * BURST + [False] * 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with rate.charging() as charge:
        assert charge("ada").remaining == BURST - 1
    assert rate.look("ada").remaining == BURST - 1


def test_of_several_limits_one_more_of_each_or_of_none(rate):
    other = Rate("other", lambda: (3, PER_S))
    found = [take_exactly((rate, "ada"), (other, "ada")) for _ in range(6)]
    assert [standing.allowed for standing in found] == [True] * 3 + [False] * 3
    assert found[-1].limit == "other"
    assert rate.look("ada").remaining == BURST - 3


def test_another_number_holds_at_once(settings, turned):
    settings.REDIS_URL = ""
    numbers = [10, 1.0]
    rate = Rate("test", lambda: (numbers[0], numbers[1]))
    assert take(rate, 50) == 10
    numbers[:] = [20, 100.0]
    assert take(rate, 50) == 10
    turned.turn(0.1)
    assert take(rate, 50) == 10


def test_keys_are_forgotten_the_idle_first(rate, turned, monkeypatch):
    monkeypatch.setattr(rates, "KEYS_MAX", 100)
    monkeypatch.setattr(rates, "_FORGOTTEN_AT_ONCE", 10)
    take(rate, BURST, "ada")
    turned.turn(1)
    for number in range(5_000):
        rate.take(f"10.0.{number // 256}.{number % 256}")
        assert len(rate._buckets) <= 100
        if number % 50 == 49:
            turned.turn(0.3)
            take(rate, BURST, "ada")
    assert rate.look("ada").remaining <= 1


def test_without_idle_ones_the_oldest_are_forgotten(rate, monkeypatch):
    monkeypatch.setattr(rates, "KEYS_MAX", 100)
    monkeypatch.setattr(rates, "_FORGOTTEN_AT_ONCE", 10)
    for number in range(5_000):
        rate.take(number)
    assert 90 <= len(rate._buckets) <= 100
    assert rate.look(4_999).remaining == BURST - 1


def test_threads_take_no_more_than_there_is(rate):
    taken, gate = [], threading.Barrier(8)

    def work():
        gate.wait()
        taken.append(take(rate, 100))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == BURST
