"""What an API token may be let to do. A person's session may do all of it."""

from collections.abc import Mapping

from accounts.access import Identity
from common.errors import Forbidden, ScopeMissing

ROOMS_READ = "rooms:read"
ROOMS_WRITE = "rooms:write"
MESSAGES_READ = "messages:read"
MESSAGES_WRITE = "messages:write"
READ = (ROOMS_READ, MESSAGES_READ)
SCOPES = (ROOMS_READ, ROOMS_WRITE, MESSAGES_READ, MESSAGES_WRITE)

ANY = ""
"""In a view's `scopes`: for every token, whatever its scopes."""


def has_scopes(identity: Identity, *scopes: str) -> bool:
    """Whether it is a person's session, or an API token with all of these."""
    return identity.scopes is None or identity.scopes.issuperset(scopes)


def require_scope(identity: Identity, scope: str | None) -> None:
    """ScopeMissing for an API token without `scope`; Forbidden where that is None: not for API tokens at all."""
    if identity.scopes is None:
        return
    if scope is None:
        raise Forbidden("Not with an API token: log in as a person.")
    if scope != ANY and not has_scopes(identity, scope):
        raise ScopeMissing(f"The token lacks the scope {scope}.")


def require_no_less(identity: Identity, before: Identity) -> None:
    """ScopeMissing for an API token that may not do all that `before` may: it cannot take its place."""
    for scope in SCOPES:
        if has_scopes(before, scope):
            require_scope(identity, scope)


def scope_of(view: object, method: str) -> str | None:
    """What `view.scopes`, by method, asks for; `HEAD` is `GET`. None for a view that names nothing."""
    scopes: Mapping[str, str] = getattr(view, "scopes", {})
    return scopes.get("GET" if method == "HEAD" else method)
