"""Where a server can be reached, in words that can be clicked."""

import socket

from django.conf import settings

from common.hosts import host_allowed

ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 (compared with, not bound to)
# TEST-NET-1 (RFC 5737). Connecting a datagram socket sends nothing: it only asks for the way.
_ELSEWHERE = ("192.0.2.1", 9)


def announcement(host: str, port: int, *, lan: str | None) -> str:
    """What `serve` prints once it listens; with DEBUG on and on every address also where a phone finds it.

    `lan` is this machine's address in its network, where it has one.
    """
    everywhere = host in ANY_ADDRESS
    name = "127.0.0.1" if everywhere else host
    shown = f"{'[' + name + ']' if ':' in name else name}:{port}"
    text = f"Parley {settings.VERSION}: "
    if settings.DOCS_ENABLED:
        text += f"docs http://{shown}/api/docs/  "
    text += f"API http://{shown}/api/v1/  socket ws://{shown}/ws/v1/"
    if lan is not None and everywhere and settings.DEBUG:
        text += f"\nFrom a phone in the same network: http://{lan}:{port}/  ws://{lan}:{port}/ws/v1/"
        if not host_allowed(lan):  # a network of public addresses
            text += f"  (once {lan} is in ALLOWED_HOSTS)"
    return text


def lan_address() -> str | None:
    """This machine's IPv4 address in its network; None where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return None
        found: str = probe.getsockname()[0]
    return found
