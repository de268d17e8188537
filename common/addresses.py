"""Where a request comes from, as limits see it, and which proxies are believed about it."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Protocol


class HasMeta(Protocol):
    """A request of Django's or of DRF's."""

    META: Any


_IPV6_PREFIX = 64  # what one household or machine is given (RFC 6177): it may take any address of it
_MAPPED = "::ffff:"  # how a socket for both families shows IPv4 (RFC 4291, section 2.5.5.2)


def source_of(address: str | None) -> str:
    """Whom an address stands for: IPv4 itself, of IPv6 the /64; "" for what is no address (a local socket)."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Network((int(found), _IPV6_PREFIX), strict=False))
    return str(found)


def source_of_request(request: HasMeta) -> str:
    """As `source_of`, of whom a request comes from."""
    return source_of(request.META.get("REMOTE_ADDR"))


def source_of_client(client: Sequence[object] | None) -> str:
    """As `source_of`, of an ASGI scope's `client`, which is the proxy's word where the proxy is believed."""
    return source_of(str(client[0]) if client else None)


def read_proxies(text: str) -> list[str]:
    """The addresses and networks of a list by commas, IPv4 also as a socket for both families shows it.

    ValueError where one is neither: uvicorn would take it for a name and believe nobody without a word,
    and of `*` everybody, who then says any address they like.
    """
    found: list[str] = []
    for item in filter(None, (item.strip() for item in text.split(","))):
        network = ip_network(item)
        found.append(str(network))
        if isinstance(network, IPv4Network):
            found.append(f"{_MAPPED}{network.network_address}/{96 + network.prefixlen}")
    return found
