"""The faults. Each returns when it is over and has asserted that it was felt."""

import asyncio
import time

from tests.faults.cluster import Cluster
from tests.faults.worker import Worker


async def restart_redis(cluster: Cluster, down_s: float = 1.0) -> None:
    """Stopped, away for `down_s`, and back empty."""
    stores = cluster.stores
    before = await asyncio.to_thread(stores.redis_run_id)
    await asyncio.to_thread(stores.redis.stop)
    await asyncio.sleep(down_s)
    await asyncio.to_thread(stores.redis.start)
    assert await asyncio.to_thread(stores.redis_run_id) != before, "Redis did not restart"


async def cut_bus(cluster: Cluster) -> None:
    """Every connection to Redis is killed by Redis itself."""
    killed = await asyncio.to_thread(cluster.stores.cut_bus)
    assert killed >= len(cluster.workers), f"only {killed} connections were there to be cut"


async def flush_bus(cluster: Cluster) -> None:
    """All of Redis' keys are gone."""
    assert await asyncio.to_thread(cluster.stores.flush_bus) > 0


async def kill_worker(worker: Worker, down_s: float = 0.5) -> None:
    """SIGKILL, away for `down_s`, started again and ready."""
    killed = worker.kill()
    assert worker.pid is None
    await asyncio.sleep(down_s)
    # Here, not in a helper thread: the kernel ends a worker with the thread that started it.
    worker.start()
    assert worker.pid != killed
    await asyncio.to_thread(worker.wait_ready)


async def drop_silently(worker: Worker, at_least: int, for_s: float, timeout_s: float = 15.0) -> None:
    """Room messages from the bus do not reach the worker, for so long and until so many were dropped."""
    before, started = worker.bus.dropped, time.monotonic()
    worker.bus.dropping = True
    try:
        while True:
            dropped, passed_s = worker.bus.dropped - before, time.monotonic() - started
            if dropped >= at_least and passed_s >= for_s:
                return
            assert passed_s < timeout_s, (
                f"{dropped} messages dropped in {timeout_s} s, {worker.bus.passed} passed before: does traffic "
                f"reach {worker.name} over the bus?"
            )
            await asyncio.sleep(0.05)
    finally:
        worker.bus.dropping = False
