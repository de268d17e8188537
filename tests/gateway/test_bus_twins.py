"""A silent bus whose lines give up after a second (A19), as redis-py 8 has them do after five, and Parley's do not."""

import asyncio
import copy
from types import SimpleNamespace

import pytest
from channels_redis.core import RedisChannelLayer
from redis.exceptions import TimeoutError as RedisTimeoutError

from realtime import redis_layer
from tests.gateway.test_bus import after_silence, as_from_another_process, server, silent_bus
from tests.gateway.waiting import until

__all__ = ["server", "silent_bus"]  # fixtures
pytestmark = pytest.mark.slow

# How each layer reads. The core one is what one gets who asks for Redis and says no more.
READING = {
    "realtime.redis_layer.PipelinedRedisLayer": (redis_layer._PubSub, "get_message"),
    "channels_redis.core.RedisChannelLayer": (RedisChannelLayer, "receive"),
}


@pytest.fixture(params=READING, ids=["pub/sub", "core"])
def impatient(settings, request, monkeypatch):
    """The layer, its lines as redis-py has them by default, but for a shorter time."""
    settings.CHANNEL_LAYERS = layers = copy.deepcopy(settings.CHANNEL_LAYERS)
    layers["default"]["BACKEND"] = request.param
    layers["default"]["CONFIG"]["hosts"][0]["socket_timeout"] = 1
    # Not for ever: as the line has it.
    monkeypatch.setattr(redis_layer, "math", SimpleNamespace(inf=None))
    return READING[request.param]


@pytest.mark.parametrize("goes_on", [True, False], ids=["reading again", "no more reading"])
async def test_without_its_cures_a_silent_bus_is_deaf_for_ever(
    goes_on, impatient, silent_bus, server, ada, bob, room, connect, monkeypatch, alarms
):
    """The first cure is a line that waits for ever; the second, who reads goes on after any error. Without either
    the layer's reader ends. No socket closes all the same: none of them reads the layer itself.
    """
    alarms.expected.add("Unexpected exception in receive task")
    owner, name = impatient
    real, given_up = getattr(owner, name), []

    async def read(*arguments, **more):
        try:
            return await real(*arguments, **more)
        except RedisTimeoutError:
            given_up.append(1)
            if goes_on:
                raise
            raise asyncio.CancelledError from None

    monkeypatch.setattr(owner, name, read)
    as_from_another_process(monkeypatch)
    felt = until(lambda: given_up, "the line gave up", 30)
    found = await after_silence(felt, server, ada, bob, room, connect, 10 if goes_on else 2)
    assert found == {"closed": 0, "heard": int(goes_on), "told": 3 * int(goes_on)}
