"""Places taken for as long as one stays, counted over all processes; those of a crashed one fall free.

Each process keeps one table in Redis, which is gone PLACE_LEASE_S after its process's last word. Without
Redis each counts its own.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from common.exchange import SOON_S, Ask, Exchange, exchange, in_portions
from common.ids import new_id

_WORDS_A_LEASE = 3

# KEYS: the living processes, by when their lease ends; this one's table. ARGV: the lease in s, what the
# tables' names begin with, this process, whether the table begins anew, then keys with their places here.
# Answers whether there was no table, and the places of each key in other processes.
_EXCHANGE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local lease, tables, own = tonumber(ARGV[1]), ARGV[2], ARGV[3]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + lease, own)
redis.call('PEXPIRE', KEYS[1], lease * 1000)
if ARGV[4] == '1' then
  redis.call('DEL', KEYS[2])
end
local found = {1 - redis.call('EXISTS', KEYS[2])}
local processes = redis.call('ZRANGE', KEYS[1], 0, -1)
for i = 5, #ARGV, 2 do
  if ARGV[i + 1] == '0' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
  local others = 0
  for _, process in ipairs(processes) do
    if process ~= own then
      others = others + (redis.call('HGET', tables .. process, ARGV[i]) or 0)
    end
  end
  found[#found + 1] = others
end
redis.call('PEXPIRE', KEYS[2], lease * 1000)
return found
"""


class Leases:
    """The places of all keys. Callable from any thread; nothing waits."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._own_name = new_id().hex
        self._own: dict[str, int] = {}
        self._others: dict[str, int] = {}  # as last told, of keys with places here
        self._changed: set[str] = set()
        self._anew = True  # what Redis has of this process may be wrong
        self._telling: list[Sequence[str]] = []
        exchange.add(self)

    def take(self, key: str) -> None:
        """One place more for `key`, whatever their number; `count` has the others' once that is told."""
        self._change(key, +1)

    def give_back(self, key: str) -> None:
        """One place less."""
        self._change(key, -1)

    def count(self, key: str) -> int:
        """How many places `key` has, as far as is known here."""
        with self.exchange.lock:
            return self._own.get(key, 0) + self._others.get(key, 0)

    def _change(self, key: str, by: int) -> None:
        with self.exchange.lock:
            number = self._own.get(key, 0) + by
            if number:
                self._own[key] = number
            else:
                del self._own[key]
                self._others.pop(key, None)
            if self.exchange.on:
                self._changed.add(key)
                self.exchange.within(SOON_S)

    def asks(self) -> list[Ask]:
        """What has changed, in portions; and a word that this process lives while it has any place."""
        changed = list(self._own if self._anew else self._changed)
        self._changed.clear()
        self._telling = in_portions(changed) or ([()] if self._own else [])
        prefix = f"{settings.REDIS_PREFIX}:places"
        asks = []
        for number, portion in enumerate(self._telling):
            anew = int(self._anew and number == 0)
            arguments: list[str | int] = [
                settings.PLACE_LEASE_S,
                f"{prefix}:",
                self._own_name,
                anew,
            ]
            for key in portion:
                arguments += (key, self._own.get(key, 0))
            asks.append(Ask(_EXCHANGE, (prefix, f"{prefix}:{self._own_name}"), arguments))
        return asks

    def told(self, answers: Sequence[Any]) -> None:
        """The others' places. Where Redis has forgotten this process's, all of them are told again."""
        forgotten = False
        for portion, (unknown, *others) in zip(self._telling, answers, strict=True):
            forgotten = forgotten or (bool(unknown) and self._own.keys() != set(portion))
            for key, number in zip(portion, others, strict=True):
                if key in self._own:
                    self._others[key] = int(number)
        if self._telling:
            self._anew = forgotten and not self._anew
        if self._own:
            self.exchange.within(SOON_S if self._anew else settings.PLACE_LEASE_S / _WORDS_A_LEASE)

    def lost(self) -> None:
        """Each process counts its own; when Redis answers again it is told all of them."""
        self._anew = True
        self._changed.clear()
        self._others.clear()


leases = Leases(exchange)
"""The process's own."""
