"""What a stretch of a run cost: CPU of the servers, of this client, and of everybody else on the machine."""

import os
import time
from time import perf_counter

from bench.load import proc
from bench.load.plan import Found


class Meter:
    """Runs from its making until `stop`."""

    def __init__(self, watch: dict[str, int]) -> None:
        """`watch`: the roots of the process trees, by name."""
        self._watch = watch
        self._cpu = {name: proc.cpu_us(pid) for name, pid in watch.items()}
        self._machine = proc.machine_us()
        self._mine = time.process_time()
        self._begun = perf_counter()

    def stop(self, found: Found) -> None:
        """Write into `found`: seconds, shares and CPU."""
        found.seconds = perf_counter() - self._begun
        mine = time.process_time() - self._mine
        found.client_share = mine / found.seconds
        found.cpu_us = {name: proc.cpu_us(pid) - self._cpu[name] for name, pid in self._watch.items()}
        ours = mine * 1e6 + sum(found.cpu_us.values())
        others = (proc.machine_us() - self._machine - ours) / 1e6 / found.seconds
        found.others_share = min(max(others, 0.0), float(os.cpu_count() or 1))
