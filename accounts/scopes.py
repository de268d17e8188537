"""What an API token may be let to do. A person's session may do all of it."""

from collections.abc import Mapping

from accounts.access import Identity
from common.errors import Forbidden, ScopeMissing

ROOMS_READ = "rooms:read"
ROOMS_WRITE = "rooms:write"
MESSAGES_READ = "messages:read"
MESSAGES_WRITE = "messages:write"
SCOPES = (ROOMS_READ, ROOMS_WRITE, MESSAGES_READ, MESSAGES_WRITE)

ANY = ""
"""In a view's `scopes`: for every token, whatever its scopes."""


def require_scope(identity: Identity, scope: str | None) -> None:
    """ScopeMissing for an API token without `scope`; Forbidden where that is None: not for API tokens at all."""
    if identity.scopes is None:
        return
    if scope is None:
        raise Forbidden("Not with an API token: log in as a person.")
    if scope != ANY and scope not in identity.scopes:
        raise ScopeMissing(f"The token lacks the scope {scope}.")


def scope_of(view: object, method: str) -> str | None:
    """What `view.scopes`, by method, asks for; `HEAD` is `GET`. None for a view that names nothing."""
    scopes: Mapping[str, str] = getattr(view, "scopes", {})
    return scopes.get("GET" if method == "HEAD" else method)
