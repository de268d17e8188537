"""The names a developer's own machine, phone and emulator go by: they pass with DEBUG on, without being listed.

A page that makes its own name point to us (DNS rebinding) sends that name as its Host. So no name passes here that
a stranger could own: only localhost, `.local`, which no name server answers for, and addresses written out.
"""

import re

from django.conf import settings
from django.http.request import split_domain_port, validate_host

_BYTE = r"\.\d{1,3}"
LOCAL_NAME = (
    r"(?:(?:[a-z0-9_-]+\.)*localhost|(?:[a-z0-9_-]+\.)+local"
    rf"|127\.0\.0\.1|10(?:{_BYTE}){{3}}|192\.168(?:{_BYTE}){{2}}|172\.(?:1[6-9]|2\d|3[01])(?:{_BYTE}){{2}}"
    rf"|169\.254(?:{_BYTE}){{2}}|\[::1\]|\[f[cd][0-9a-f]{{2}}:[0-9a-f:]+\]|\[fe[89ab][0-9a-f]:[0-9a-f:]+\])"
)
"""A regular expression of localhost, `*.local`, and loopback, private and link-local addresses (RFC 6762, 1918, 3927,
4193, 4291)."""

LOCAL_ORIGIN = rf"^(?:https?|capacitor|ionic)://{LOCAL_NAME}(?::\d{{1,5}})?\Z"
"""… of the origins of pages there, whatever their port, and of Capacitor's and Ionic's apps."""

_local_name = re.compile(LOCAL_NAME)
_local_origin = re.compile(LOCAL_ORIGIN)


def host_allowed(host: str) -> bool:
    """Whether clients may reach us by this Host header: by ALLOWED_HOSTS, or as a developer's own with DEBUG on."""
    name, _ = split_domain_port(host.lower())
    if not name:
        return False
    return validate_host(name, settings.ALLOWED_HOSTS) or (
        settings.DEBUG and _local_name.fullmatch(name) is not None
    )


def local_origin_allowed(origin: str) -> bool:
    """Whether this is a developer's own page, and DEBUG is on."""
    return settings.DEBUG and _local_origin.match(origin) is not None
