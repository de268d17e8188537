"""A proxy in front of Redis that can lose what is published to rooms, and nothing else."""

import re

from tests.faults.loop_thread import LoopThread
from tests.faults.proxy import Address, Filter, Proxy
from tests.faults.resp import Splitter

ROOM_CHANNEL = re.compile(rb"__group__room\.")


class BusProxy(Proxy):
    """One worker's way to Redis.

    While `dropping`, messages published on rooms' channels do not arrive; answers, confirmations and the worker's
    own heartbeat do, so that nothing tells the worker. `dropped` counts them, `passed` the others on such channels.
    """

    def __init__(self, thread: LoopThread, server: Address) -> None:
        self.dropping = False
        self.dropped = 0
        self.passed = 0
        super().__init__(thread, [server], make_filter=self._filter)

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _filter(self) -> Filter:
        splitter = Splitter()

        def keep(data: bytes) -> bytes:
            kept = []
            for reply in splitter.feed(data):
                channel = reply.published_on
                if channel is not None and ROOM_CHANNEL.search(channel):
                    if self.dropping:
                        self.dropped += 1
                        continue
                    self.passed += 1
                kept.append(reply.raw)
            return b"".join(kept)

        return keep
