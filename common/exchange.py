"""What the processes tell each other about limits, through Redis, off everybody's path.

One thread a process, started when there is something to tell. It gathers for some milliseconds and
exchanges all of it in one round trip. Without Redis, or while it does not answer, each process knows
what is its own and nobody waits.
"""

import asyncio
import contextlib
import logging
import math
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, NamedTuple, Protocol

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

SOON_S = 0.005  # between exchanges where a limit is near
LATER_S = 0.1  # … and where none is
_TIMEOUT_S = 1.0  # of Redis; until then it may hang
_RETRY_S = 1.0  # while it does not answer
_WAIT_S = 0.2  # at most, for who must know what the others know
_AT_ONCE = 500  # keys a script: Redis does nothing else meanwhile


class Ask(NamedTuple):
    """A script for Redis. It is sent whole each time: a restarted Redis has forgotten it."""

    script: str
    keys: Sequence[str]
    arguments: Sequence[str | int | float]


class Part(Protocol):
    """Somebody with something to tell. All is called in the exchange's thread, with its lock held."""

    def asks(self) -> list[Ask]:
        """What to tell and ask now; none where there is nothing."""

    def told(self, answers: Sequence[Any]) -> None:
        """The answers to the last `asks`, in their order."""

    def lost(self) -> None:
        """There are none: Redis did not answer, and may have heard or not."""


class Exchange:
    """See the module. `lock` guards what its parts keep."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.failing = False
        self._turn = threading.Condition(self.lock)
        self._parts: list[Part] = []
        self._due_at = math.inf
        self._not_before = 0.0
        self._begun = 0
        self._waiting: list[tuple[int, Callable[[], None]]] = []
        self._thread: threading.Thread | None = None
        self._client: tuple[str, redis.Redis] | None = None

    def add(self, part: Part) -> None:
        """`part` takes part from now on."""
        self._parts.append(part)

    @property
    def on(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(settings.REDIS_URL)

    def within(self, delay_s: float) -> None:
        """There is something to tell, within about `delay_s`. With the lock held."""
        due_at = monotonic() + delay_s
        if due_at < self._due_at:
            self._due_at = due_at
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="exchange", daemon=True)
                self._thread.start()
            else:
                self._turn.notify()

    def wait(self) -> None:
        """Return when what is to be told by now has been told, or is known not to be: _WAIT_S at most."""
        told = threading.Event()
        self._when_told(told.set)
        told.wait(_WAIT_S)

    async def told(self) -> None:
        """As `wait`, for coroutines."""
        if not self.on:
            return
        loop = asyncio.get_running_loop()
        told = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(told.set)

        self._when_told(tell)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_S):
                await told.wait()

    def _when_told(self, act: Callable[[], None]) -> None:
        with self.lock:
            if self.on and not self.failing:
                self.within(SOON_S)
                # One that is under way may have begun before what the caller has to tell.
                self._waiting.append((self._begun + 1, act))
                return
        act()

    def _run(self) -> None:
        while True:
            with self._turn:
                while (left_s := max(self._due_at, self._not_before) - monotonic()) > 0:
                    self._turn.wait(None if math.isinf(left_s) else left_s)
                self._due_at = math.inf
                self._begun += 1
                asked = [(part, part.asks()) for part in self._parts] if self.on else []
            answers = self._ask([ask for _, asks in asked for ask in asks]) if self.on else []
            with self._turn:
                try:
                    self._settle(asked, answers)
                except Exception:  # this thread has to live: nobody would start another
                    logger.exception("limits: what Redis answered could not be read")
                ready = [act for begun, act in self._waiting if begun <= self._begun or self.failing]
                self._waiting = [w for w in self._waiting if w[0] > self._begun and not self.failing]
            for act in ready:
                act()

    def _settle(self, asked: list[tuple[Part, list[Ask]]], answers: list[Any] | None) -> None:
        self._not_before = monotonic() + SOON_S
        if answers is None:
            for part, _ in asked:
                part.lost()
            self._not_before = monotonic() + _RETRY_S
            self.within(_RETRY_S)
        else:
            for part, asks in asked:
                part.told(answers[: len(asks)])
                del answers[: len(asks)]
        failing = answers is None
        if failing != self.failing:
            self.failing = failing
            if failing:
                logger.warning("limits: Redis does not answer; each process counts its own")
            else:
                logger.info("limits: shared again")

    def _ask(self, asks: list[Ask]) -> list[Any] | None:
        """The answers; None where there are none."""
        try:
            pipeline = self._redis().pipeline(transaction=False)
            if not asks:
                pipeline.ping()
            for ask in asks:
                pipeline.eval(ask.script, len(ask.keys), *ask.keys, *ask.arguments)
            return list(pipeline.execute())
        except (redis.RedisError, OSError) as error:
            logger.debug("limits: %s", type(error).__name__)
            return None

    def _redis(self) -> redis.Redis:
        url: str = settings.REDIS_URL
        if self._client is None or self._client[0] != url:
            client = redis.Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
                health_check_interval=0,
            )
            self._client = url, client
        return self._client[1]


def in_portions(items: Sequence[Any]) -> list[Sequence[Any]]:
    """`items` in parts that keep Redis for about a millisecond each."""
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]


exchange = Exchange()
"""The process's own."""
