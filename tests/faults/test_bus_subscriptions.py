"""What the layer still listens to after its connection to Redis broke: what is joined, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis

from devtools.services import free_port
from realtime.redis_layer import PipelinedRedisLayer
from tests.faults.loop_thread import LoopThread
from tests.faults.proxy import Proxy
from tests.faults.stores import Stores
from tests.gateway.waiting import until

pytestmark = pytest.mark.faults

PREFIX = "subscriptions"
HEARD_S = 10.0  # the layer's reader waits 1 s after an error


@pytest.fixture
def line(stores: Stores, loop_thread: LoopThread) -> Iterator[Proxy]:
    with Proxy(loop_thread, [("127.0.0.1", stores.redis.port)]) as proxy:
        yield proxy


@pytest.fixture
async def layer(line: Proxy) -> AsyncIterator[Any]:
    layer = PipelinedRedisLayer(hosts=[f"redis://127.0.0.1:{line.port}/0"], prefix=PREFIX)
    yield layer
    await layer.flush()


def _groups(stores: Stores) -> list[str]:
    with stores.bus() as bus:
        prefix = f"{PREFIX}__group__"
        return sorted(name.decode().removeprefix(prefix) for name in bus.pubsub_channels(f"{prefix}*"))


async def _heard(layer: Any, group: str, channel: str) -> None:
    """Say it until it comes: what is said while the reader waits to connect again is lost."""

    async def say() -> None:
        while True:
            await layer.group_send(group, {"type": "x", "group": group})
            await asyncio.sleep(0.05)

    saying = asyncio.create_task(say())
    async with asyncio.timeout(HEARD_S):
        while (await layer.receive(channel))["group"] != group:
            pass
    saying.cancel()


async def test_a_leave_that_was_lost_with_the_connection_holds_at_the_next_one(
    stores: Stores, line: Proxy, layer: Any
) -> None:
    channel = await layer.new_channel()
    for group in ("left", "kept"):
        await layer.group_add(group, channel)
    await until(lambda: _groups(stores) == ["kept", "left"], "what is listened to", HEARD_S)
    line.black_hole()
    await layer.group_discard("left", channel)  # taken by the network, and lost there
    assert line.cut_all()
    line.heal()
    await until(lambda: "kept" in _groups(stores), "subscribed again", HEARD_S)
    await _heard(layer, "kept", channel)
    assert _groups(stores) == ["kept"]


async def test_a_group_is_heard_whose_leave_failed_and_that_is_joined_again(
    stores: Stores, line: Proxy, layer: Any
) -> None:
    channel = await layer.new_channel()
    await layer.group_add("again", channel)
    await until(lambda: _groups(stores) == ["again"], "what is listened to", HEARD_S)
    servers, line.servers[:] = list(line.servers), [("127.0.0.1", free_port())]
    assert line.cut_all()
    await until(lambda: _groups(stores) == [], "what is listened to", HEARD_S)

    async def come_and_go() -> None:
        while True:
            await layer.group_discard("again", channel)
            await layer.group_add("again", channel)

    with pytest.raises(redis.RedisError):
        await come_and_go()  # until the cut is felt
    line.servers[:] = servers
    await layer.group_add("again", channel)
    await _heard(layer, "again", channel)
    assert _groups(stores) == ["again"]


async def test_a_line_that_the_kernel_gave_up_is_replaced(stores: Stores, layer: Any) -> None:
    """redis-py takes ETIMEDOUT for a timeout that was asked for."""
    channel = await layer.new_channel()
    await layer.group_add("kept", channel)
    await until(lambda: _groups(stores) == ["kept"], "what is listened to", HEARD_S)
    [shard] = layer._get_layer()._shards
    shard._pubsub.connection._reader.set_exception(TimeoutError("ETIMEDOUT"))
    await _heard(layer, "kept", channel)
    assert _groups(stores) == ["kept"]


async def test_refused_publications_take_no_other_ones_answers(stores: Stores, line: Proxy) -> None:
    with stores.bus() as bus:
        bus.execute_command(
            "ACL", "SETUSER", "narrow", "on", ">secret", "+@all", "~*", "resetchannels",
            f"&{PREFIX}__group__allowed",
        )  # fmt: skip
    layer = PipelinedRedisLayer(hosts=[f"redis://narrow:secret@127.0.0.1:{line.port}/0"], prefix=PREFIX)
    message = {"type": "x"}
    with pytest.raises(redis.ResponseError):
        await layer.group_send_many([("forbidden", message), ("allowed", message), ("forbidden", message)])
    await layer.group_send_many([("allowed", message), ("allowed", message)])
    await layer.flush()
