"""channels_redis' pub/sub layer with two cures, the one place that reaches into channels_redis (4.3).

- `group_send_many`: one round trip for all that gathered. Its own `group_send` waits for Redis once
  a message, so that a batch over 200 rooms was 200 round trips.
- A group that was left while the connection broke stays left: redis-py forgets a channel when Redis
  confirms, and subscribes again to all others when it reconnects
  (https://github.com/redis/redis-py/issues/602), so that a lost UNSUBSCRIBE was for ever.
"""

from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from redis.asyncio.client import PubSub


class _PubSub(PubSub):
    async def on_connect(self, connection: Any) -> None:
        for channel in self.pending_unsubscribe_channels:
            self.channels.pop(channel, None)
        await super().on_connect(connection)


class _Shard(RedisSingleShardConnection):  # type: ignore[misc]  # channels_redis ships no types
    def _ensure_redis(self) -> None:
        new = self._redis is None
        super()._ensure_redis()
        if new:
            self._pubsub = _PubSub(self._redis.connection_pool)

    async def unsubscribe(self, channel: str) -> None:
        async with self._lock:
            if channel in self._subscribed_to:
                # First: what fails here is done at the next connection, and who joins again must say so.
                self._subscribed_to.remove(channel)
                self._ensure_redis()
                self._ensure_receiver()
                await self._pubsub.unsubscribe(channel)


class PipelinedRedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # channels_redis ships no types
    """As its base in all else."""

    def _get_layer(self) -> Any:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], _Shard):
            layer._shards = [_Shard(shard.host, layer) for shard in layer._shards]
        return layer

    async def group_send_many(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """As `group_send` for each (group, message), in this order; raises what Redis raises."""
        layer = self._get_layer()
        by_shard: dict[Any, list[tuple[str, bytes]]] = {}
        for group, message in messages:
            channel = layer._get_group_channel_name(group)
            by_shard.setdefault(layer._get_shard(channel), []).append((channel, self.serialize(message)))
        for shard, publications in by_shard.items():
            async with shard._lock:
                shard._ensure_redis()
                pipeline = shard._redis.pipeline(transaction=False)
                for channel, data in publications:
                    pipeline.publish(channel, data)
                await pipeline.execute()
