from bench.baselines.chat.settings import *  # noqa: F403
from bench.baselines.chat.settings import REDIS_HOSTS

ASGI_APPLICATION = "bench.baselines.tutorial.asgi.application"
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": REDIS_HOSTS}}
}
