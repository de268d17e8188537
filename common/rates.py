"""Token buckets: how often a person or an address may do something, decided here and at once.

A bucket is kept as what was taken of it and has not flowed back (`level`). Where there is Redis, what
was taken is told to it and what all processes took comes back (common/exchange.py): soon where a limit
is near. What they took at the same moment is more than there was, and flows back before more is given,
so over a second or two the limit holds, however many processes there are. Without Redis each has its own.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.conf import settings

from common import clock
from common.exchange import LATER_S, SOON_S, Ask, Exchange, in_portions
from common.exchange import exchange as process_exchange
from common.standing import EPSILON, Standing

KEYS_MAX = 20_000  # a limit and process, about 300 bytes each; then the idle and the oldest are forgotten
_FORGOTTEN_AT_ONCE = KEYS_MAX // 10
_UNTOLD_PART = 20  # a twentieth of a burst may be untold
_NEAR_PART = 4  # from a quarter of a burst on the others must know soon


class _Bucket:
    __slots__ = ("at", "key", "level", "per_s", "queued", "telling", "untold")

    def __init__(self, key: str, at: float) -> None:
        self.key = key  # in Redis, without the prefix
        self.level = 0.0
        self.at = at  # when the level was that, by clock.seconds
        self.per_s = 1.0
        self.untold = 0.0  # taken, and not told yet
        self.telling = 0.0  # being told
        self.queued = False

    def flow(self, now: float, per_s: float) -> float:
        """The level now."""
        self.level = max(0.0, self.level - max(0.0, now - self.at) * per_s)
        self.at = now
        self.per_s = per_s
        return self.level


# KEYS: the buckets. ARGV for each: what flows back a second, what was taken since the last time, and the
# level as the caller knows it, for a Redis that knows none (it was restarted). Answers the levels.
_EXCHANGE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local levels = {}
for i, key in ipairs(KEYS) do
  local per_s, taken = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local level = tonumber(ARGV[3 * i])
  local was, at = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
  if was then
    level = math.max(0, tonumber(was) - math.max(0, now - tonumber(at)) * per_s) + taken
  end
  level = math.max(0, level)
  redis.call('SET', key, string.format('%.6f %.6f', level, now), 'PX', math.ceil(level / per_s * 1000) + 1000)
  levels[i] = string.format('%.6f', level)
end
return levels
"""


class Tally:
    """The part of an exchange that tells of buckets."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._queue: list[_Bucket] = []
        self._telling: list[Sequence[_Bucket]] = []
        exchange.add(self)

    def tell(self, bucket: _Bucket, delay_s: float) -> None:
        """With the lock held."""
        if not bucket.queued:
            bucket.queued = True
            self._queue.append(bucket)
        self.exchange.within(delay_s)

    def asks(self) -> list[Ask]:
        """Of the buckets of which something was taken, in portions."""
        self._telling, self._queue = in_portions(self._queue), []
        now = clock.seconds()
        asks = []
        for portion in self._telling:
            arguments: list[float] = []
            for bucket in portion:
                bucket.queued = False
                bucket.telling, bucket.untold = bucket.untold, 0.0
                arguments += (bucket.per_s, bucket.telling, bucket.flow(now, bucket.per_s))
            keys = [f"{settings.REDIS_PREFIX}:rate:{bucket.key}" for bucket in portion]
            asks.append(Ask(_EXCHANGE, keys, arguments))
        return asks

    def told(self, answers: Sequence[Any]) -> None:
        """The levels of all processes, and on top what was taken here meanwhile."""
        now = clock.seconds()
        for portion, levels in zip(self._telling, answers, strict=True):
            for bucket, level in zip(portion, levels, strict=True):
                bucket.level, bucket.at = float(level) + bucket.untold, now
                bucket.telling = 0.0

    def lost(self) -> None:
        """It counts here; what has flowed back until the next time nobody need be told."""
        now = clock.seconds()
        for portion in self._telling:
            for bucket in portion:
                bucket.flow(now, bucket.per_s)
                bucket.untold = min(bucket.untold + bucket.telling, bucket.level)
                bucket.telling = 0.0


class Rate:
    """A limit: so much at once, and so much a second flows back. Callable from any thread; nothing waits.

    `numbers` is asked each time for the burst and what flows back a second.
    """

    def __init__(
        self, name: str, numbers: Callable[[], tuple[int, float]], tally: Tally | None = None
    ) -> None:
        self.name = name
        self._numbers = numbers
        self._tally = tally or _tally
        self.exchange = self._tally.exchange
        self._buckets: dict[Hashable, _Bucket] = {}

    def take(self, key: Hashable, cost: int = 1) -> Standing:
        """One more by `key`; what is refused is not counted.

        With `cost` it counts as so many: allowed where one is, and the next has to wait the longer.
        """
        return self._take(key, cost=cost)

    def look(self, key: Hashable) -> Standing:
        """Whether one more by `key` would be allowed; nothing is taken."""
        burst, per_s = self._numbers()
        with self.exchange.lock:
            bucket = self._buckets.get(key)
            level = 0.0 if bucket is None else bucket.flow(clock.seconds(), per_s)
            allowed = level + 1 <= burst + EPSILON
            if bucket is not None and not allowed and self.exchange.on:
                self._tally.tell(bucket, LATER_S)
        return Standing(allowed, self.name, level, burst, per_s)

    def give_back(self, key: Hashable) -> None:
        """One that was taken by `key` does not count after all."""
        with self.exchange.lock:
            bucket = self._buckets.get(key)
            if bucket is not None:
                bucket.flow(clock.seconds(), bucket.per_s)
                self._put_back(bucket)

    @contextmanager
    def charging(self) -> Iterator["Charge"]:
        """A `take` for work that may fail: what was taken is given back where the block raises."""
        taken: list[Hashable] = []

        def charge(key: Hashable) -> Standing:
            found = self.take(key)
            if found.allowed:
                taken.append(key)
            return found

        try:
            yield charge
        except BaseException:
            for key in taken:
                self.give_back(key)
            raise

    def forget(self) -> None:
        """Nobody here has taken anything."""
        with self.exchange.lock:
            self._buckets.clear()

    def _take(self, key: Hashable, *, at_once: bool = False, cost: int = 1) -> Standing:
        burst, per_s = self._numbers()
        with self.exchange.lock:
            now = clock.seconds()
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._new(key, now)
            level = bucket.flow(now, per_s)
            allowed = level + 1 <= burst + EPSILON
            if allowed:
                level = bucket.level = level + cost
                bucket.untold += cost
            if self.exchange.on:
                if at_once or (allowed and bucket.untold * _UNTOLD_PART >= burst):
                    near = at_once or level * _NEAR_PART >= burst
                    self._tally.tell(bucket, SOON_S if near else LATER_S)
                elif not allowed:  # by what was known here: something may have been given back elsewhere
                    self._tally.tell(bucket, LATER_S)
        return Standing(allowed, self.name, level, burst, per_s)

    def _hold(self, key: Hashable) -> Standing:
        """Whether what `key` took before the last exchange stands, by what all processes took; else it is put back."""
        burst, per_s = self._numbers()
        with self.exchange.lock:
            bucket = self._buckets.get(key)
            level = 0.0 if bucket is None else bucket.flow(clock.seconds(), per_s)
            allowed = level <= burst + EPSILON
            if bucket is not None and not allowed:  # whoever of us looks after this finds one less
                self._put_back(bucket)
                level = bucket.level
        return Standing(allowed, self.name, level, burst, per_s)

    def _put_back(self, bucket: _Bucket) -> None:
        bucket.level = max(0.0, bucket.level - 1)
        bucket.untold -= 1
        if self.exchange.on:
            self._tally.tell(bucket, LATER_S)

    def _new(self, key: Hashable, now: float) -> _Bucket:
        if len(self._buckets) >= KEYS_MAX:
            self._forget_some(now)
        bucket = self._buckets[key] = _Bucket(f"{self.name}:{key}", now)
        return bucket

    def _forget_some(self, now: float) -> None:
        idle = [key for key, bucket in self._buckets.items() if bucket.flow(now, bucket.per_s) == 0.0]
        for key in idle:
            del self._buckets[key]
        for key in tuple(islice(self._buckets, max(0, _FORGOTTEN_AT_ONCE - len(idle)))):
            del self._buckets[key]


def take_exactly(*asked: tuple[Rate, Hashable]) -> Standing:
    """One more of each of these limits, or of none: how things stand with the one that refuses, else the last.

    Judged by what all processes took, for limits of a few and off any hot path: it waits for one round trip
    to Redis, and not at all while that is known not to answer.
    """
    taken: list[tuple[Rate, Hashable]] = []

    def refused(standing: Standing) -> Standing:
        for rate, key in taken:
            rate.give_back(key)
        return standing

    exchange = asked[0][0].exchange
    for rate, key in asked:
        standing = rate._take(key, at_once=True)
        if exchange.on and not standing.allowed:  # by what was known here
            exchange.wait()
            standing = rate._take(key, at_once=True)
        if not standing.allowed:
            return refused(standing)
        taken.append((rate, key))
    if exchange.on:
        exchange.wait()
        for rate, key in asked:
            standing = rate._hold(key)
            if not standing.allowed:
                taken.remove((rate, key))
                return refused(standing)
    return standing


Charge = Callable[[Hashable], Standing]
"""Takes one more for a key."""

_tally = Tally(process_exchange)
