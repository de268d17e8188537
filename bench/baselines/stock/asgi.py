from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from bench.baselines.chat.auth import JwtMiddleware  # noqa: E402
from bench.baselines.stock.consumer import ChatConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": JwtMiddleware(URLRouter([path("ws/chat/<str:room>/", ChatConsumer.as_asgi())])),
    }
)
