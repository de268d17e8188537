"""channels_redis' pub/sub layer, with its cures: the one place that reaches into channels_redis (4.3).

- `group_send_many`: one round trip for all that gathered, on a connection that publishes and does nothing
  else. Its own `group_send` waits for Redis once a message, so that a batch over 200 rooms was 200 round
  trips; and redis-py's client and pipeline around the connection cost more than all else of a publication.
- Reading waits until something comes, without a timer ten times a second and one more a message.
- A group that was left while the connection broke stays left: redis-py forgets a channel when Redis
  confirms, and subscribes again to all others when it reconnects
  (https://github.com/redis/redis-py/issues/602), so that a lost UNSUBSCRIBE was for ever.
"""

import asyncio
import math
import socket
from collections.abc import Iterable, Sequence
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from channels_redis.utils import create_pool
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

Publication = tuple[bytes, bytes]
"""A channel, and what is said there."""

# A Redis that went without a word is given up after 15 s, whatever was on its way to it: in milliseconds and seconds.
_GIVEN_UP = {"TCP_USER_TIMEOUT": 15_000, "TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
_PUBLISH = b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"


class _PubSub(PubSub):
    def __init__(self, *arguments: Any, joined: set[str], **more: Any) -> None:
        """`joined`: what is to be listened to, whatever was said on a connection that broke."""
        super().__init__(*arguments, **more)
        self._joined = joined

    async def on_connect(self, connection: Any) -> None:
        self.channels = {
            name: heard for name, heard in self.channels.items() if name.decode() in self._joined
        }
        await super().on_connect(connection)

    async def get_message(self, ignore_subscribe_messages: bool = False, timeout: float | None = None) -> Any:
        """The next message, however long that takes; None for what is none."""
        connection: Any = self.connection
        if connection is None or not connection.is_connected:
            return await super().get_message(ignore_subscribe_messages, None)
        try:
            said = await connection.read_response(
                timeout=math.inf, disconnect_on_error=False, push_request=True
            )
        except RedisConnectionError:  # it is said again there, where the cure is
            return await super().get_message(ignore_subscribe_messages, None)
        if said is None:
            # The kernel gave the line up (ETIMEDOUT), which redis-py takes for a timeout that was asked for: it
            # would say so for ever.
            await connection.disconnect(nowait=True)
            return None
        if said[0] == b"message":
            return {"channel": said[1], "data": said[2]}
        return await self.handle_message(said, ignore_subscribe_messages)  # type: ignore[no-untyped-call]


class _Shard(RedisSingleShardConnection):  # type: ignore[misc]  # channels_redis ships no types
    def __init__(self, host: dict[str, Any], layer: Any) -> None:
        options = {getattr(socket, name): value for name, value in _GIVEN_UP.items() if hasattr(socket, name)}
        tcp = not str(host.get("address")).startswith("unix:")
        lines = {"socket_keepalive_options": options} if tcp else {}
        super().__init__({"protocol": 2, **lines, **host}, layer)
        self._line: Any = None  # the connection that publishes
        self._line_lock = asyncio.Lock()

    async def publish(self, channel: str, message: bytes) -> None:
        await self.publish_all([(channel.encode(), message)])

    async def publish_all(self, publications: Sequence[Publication]) -> None:
        """In this order, for as long as the caller waits; raises what Redis raises.

        A connection that had died is tried once more, with all of it: what Redis took just before comes twice.
        """
        async with self._line_lock:
            try:
                await self._say(publications)
            except RedisConnectionError:
                await self._say(publications)

    async def _say(self, publications: Sequence[Publication]) -> None:
        if self._line is None:
            self._line = await create_pool({**self.host, "socket_timeout": None}).get_connection()
        line = self._line
        said = b"".join(_PUBLISH % (len(channel), channel, len(data), data) for channel, data in publications)
        await line.send_packed_command(said, check_health=False)
        refused = None
        for _ in publications:
            try:
                await line.read_response()
            except ResponseError as error:  # the answers behind it are still to be read
                refused = refused or error
        if refused is not None:
            raise refused

    async def flush(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.disconnect(nowait=True)
        await super().flush()

    def _ensure_redis(self) -> None:
        new = self._redis is None
        super()._ensure_redis()
        if new:
            self._pubsub = _PubSub(self._redis.connection_pool, joined=self._subscribed_to)

    async def unsubscribe(self, channel: str) -> None:
        async with self._lock:
            if channel in self._subscribed_to:
                # First: what fails here is done at the next connection, and who joins again must say so.
                self._subscribed_to.remove(channel)
                self._ensure_redis()
                self._ensure_receiver()
                await self._pubsub.unsubscribe(channel)


class PipelinedRedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """As its base in all else."""

    def _get_layer(self) -> Any:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], _Shard):
            layer._shards = [_Shard(shard.host, layer) for shard in layer._shards]
        return layer

    async def group_send_many(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """As `group_send` for each (group, message), in this order; raises what Redis raises."""
        layer = self._get_layer()
        by_shard: dict[Any, list[Publication]] = {}
        for group, message in messages:
            channel = layer._get_group_channel_name(group)
            by_shard.setdefault(layer._get_shard(channel), []).append(
                (channel.encode(), self.serialize(message))
            )
        for shard, publications in by_shard.items():
            await shard.publish_all(publications)
