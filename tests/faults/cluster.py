"""Two real workers behind a balancer, on stores that may be shared with other clusters."""

import contextlib
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.faults.bus_proxy import BusProxy
from tests.faults.loop_thread import LoopThread
from tests.faults.periods import HUB_CHECK_S
from tests.faults.proxy import Proxy
from tests.faults.stores import Stores
from tests.faults.worker import Worker

# What is never normal in a worker's log, whatever failed below it…
ALARM = re.compile(r"Traceback \(most recent|Task exception was never retrieved|was never awaited")
# …but for what the channel layer says about its own connection to the bus, which it then makes again.
LAYER = '"logger": "channels_redis.pubsub"'

# Each person comes from a loopback address of their own, so that limits by address do not meet all tests at once.
_addresses = (f"127.{a}.{b}.{c}" for a, b, c in itertools.product(range(1, 255), range(255), range(1, 255)))


def new_address() -> str:
    """A 127.x.y.z nobody in this process came from yet."""
    return next(_addresses)


class Cluster:
    """`balancer.url` is where clients go; `a` and `b` are the workers, to be asked directly too.

    Args:
        env: further settings of the workers.
        of_each: … of one of them, by its name.
    """

    def __init__(
        self,
        stores: Stores,
        thread: LoopThread,
        folder: Path,
        env: Mapping[str, str] = {},
        *,
        of_each: Mapping[str, Mapping[str, str]] = {},
    ) -> None:
        self.stores = stores
        self.thread = thread
        folder.mkdir(parents=True, exist_ok=True)
        settings = {**stores.env(), "HUB_CHECK_S": f"{HUB_CHECK_S:g}", **env}
        address = ("127.0.0.1", stores.redis.port)
        self.workers = [
            Worker(name, {**settings, **of_each.get(name, {})}, BusProxy(thread, address), folder)
            for name in ("a", "b")
        ]
        self.a, self.b = self.workers
        self.balancer = Proxy(thread, [("127.0.0.1", worker.port) for worker in self.workers])
        self._read_to = {worker.name: 0 for worker in self.workers}

    def __enter__(self) -> Self:
        try:
            for worker in self.workers:
                worker.start()
            for worker in self.workers:
                worker.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            with contextlib.suppress(Exception):
                worker.stop()
            worker.bus.close()
        self.balancer.close()

    def slow_way(self, worker: Worker, bits_per_s: float) -> Proxy:
        """Another way to one worker, of limited bandwidth; the caller closes it."""
        return Proxy(self.thread, [("127.0.0.1", worker.port)], bits_per_s=bits_per_s)

    def alarms(self) -> list[str]:
        """Lines of the logs since the last call that must never be there, with some lines after each."""
        found = []
        for worker in self.workers:
            text = worker.log.read_text(errors="replace")
            new, self._read_to[worker.name] = text[self._read_to[worker.name] :], len(text)
            lines = new.splitlines()
            found += [
                f"{worker.name}: " + "\n".join(lines[number : number + 30])[:3000].replace("\\n", "\n")
                for number, line in enumerate(lines)
                if ALARM.search(line) and LAYER not in line
            ]
        return found

    def tails(self) -> str:
        return "\n".join(worker.tail() for worker in self.workers)
