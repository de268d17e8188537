"""The process's front door: HTTP to Django, WebSocket to the gateway, start and stop to its runtime."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup(set_prefix=False)

# What follows imports models, so Django must be set up before.
from backend.http import Handler  # noqa: E402
from gateway.routing import websocket_app  # noqa: E402
from gateway.runtime import lifespan, with_runtime  # noqa: E402

application = with_runtime(
    ProtocolTypeRouter({"http": Handler(), "websocket": websocket_app, "lifespan": lifespan})
)
"""Wrapped, so that the runtime also starts under a server without lifespan (daphne)."""
