"""Where a server can be reached, in words that can be clicked."""

import socket

from django.conf import settings

ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 (compared with, not bound to)
# TEST-NET-1 (RFC 5737). Connecting a datagram socket sends nothing: it only asks for the way.
_ELSEWHERE = ("192.0.2.1", 9)


def announcement(host: str, port: int) -> str:
    """What `serve` prints once it listens; with DEBUG on and on every address also where a phone finds it."""
    everywhere = host in ANY_ADDRESS
    name = "127.0.0.1" if everywhere else host
    shown = f"{'[' + name + ']' if ':' in name else name}:{port}"
    text = f"Parley {settings.VERSION}: "
    if settings.DOCS_ENABLED:
        text += f"docs http://{shown}/api/docs/  "
    text += f"API http://{shown}/api/v1/  socket ws://{shown}/ws/v1/"
    address = lan_address() if everywhere and settings.DEBUG else None
    if address is not None:
        text += f"\nFrom a phone in the same network: http://{address}:{port}/  ws://{address}:{port}/ws/v1/"
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
