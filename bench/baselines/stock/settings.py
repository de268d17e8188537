from bench.baselines.chat.settings import *  # noqa: F403
from bench.baselines.chat.settings import DATABASES, REDIS_HOSTS

ASGI_APPLICATION = "bench.baselines.stock.asgi.application"
DATABASES["default"]["CONN_MAX_AGE"] = None
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": REDIS_HOSTS}}
}
