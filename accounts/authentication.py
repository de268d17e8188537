"""Who calls over REST: `Authorization: Bearer <access token>`, and nothing else (no cookies)."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import access
from accounts.models import User
from accounts.scopes import require_scope, scope_of
from common.errors import NotAuthenticated, TokenInvalid

SCHEME = "bearer"


def bearer_token(header: str) -> str | None:
    """What follows `Bearer` in an Authorization header; None where it is no such header."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() == SCHEME else None


class BearerAuthentication(BaseAuthentication):
    """`request.user` is the accounts.models.User, `request.auth` the access.Identity; one query."""

    def authenticate(self, request: Request) -> tuple[User, access.Identity] | None:
        """None without a Bearer header; the errors of `access.identify`, TokenInvalid for a torn header."""
        token = bearer_token(request.headers.get("Authorization", ""))
        if token is None:
            return None
        if not token or " " in token:
            raise TokenInvalid
        identity, user = access.identify(token)
        return user, identity

    def authenticate_header(self, request: Request) -> str:
        """What a 401 says in `WWW-Authenticate`."""
        return 'Bearer realm="api"'


class IsAuthenticated(BasePermission):
    """Lets in whoever the authentication knows; NotAuthenticated for everybody else.

    API tokens only where the view's `scopes` name one they have (accounts/scopes.py).
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            raise NotAuthenticated
        require_scope(identity_of(request), scope_of(view, str(request.method)))
        return True


def user_of(request: Request) -> User:
    """Who calls; only for views that require it."""
    assert isinstance(request.user, User)
    return request.user


def identity_of(request: Request) -> access.Identity:
    """Who calls, by which session; only for views that require it."""
    assert isinstance(request.auth, access.Identity)
    return request.auth
