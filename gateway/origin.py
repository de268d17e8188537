"""Which browsers' pages may open a socket (cross-site WebSocket hijacking, CWE-1385)."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port

from common.hosts import host_allowed, local_origin_allowed

_DEFAULT_PORTS = {"http": "80", "https": "443"}


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """No Origin (native apps, servers), the server's own host as the client sees it, or ALLOWED_ORIGINS.

    One's own host counts only if it is in ALLOWED_HOSTS: a page that made its name point to us
    (DNS rebinding) sends itself as both. With DEBUG on a developer's own pages pass (common.hosts).
    """
    if origin is None or origin in settings.ALLOWED_ORIGINS:
        return True
    if local_origin_allowed(origin):
        return True
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in _DEFAULT_PORTS or origin != f"{parts.scheme}://{parts.netloc}" or not host:
        return False
    default = _DEFAULT_PORTS[parts.scheme]
    own_name, own_port = split_domain_port(host.lower())
    name, _ = split_domain_port(parts.netloc.lower())
    same = name == own_name and (str(port) if port else default) == (own_port or default)
    return bool(own_name) and same and host_allowed(host)
