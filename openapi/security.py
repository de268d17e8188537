"""How a caller proves who they are, in the document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from accounts import scopes

SESSION = "session"
"""The role of an operation that takes no API token, where a scope would stand."""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The one way over REST: no cookie authenticates anything."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[str]]:
        """What an API token needs, as a role (OpenAPI 3.1 allows one for any scheme); none where any token does."""
        scope = scopes.scope_of(auto_schema.view, auto_schema.method)
        return {self.name: [] if scope == scopes.ANY else [SESSION if scope is None else scope]}

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """A security scheme object."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": (
                "`Authorization: Bearer <token>`. A person's is the access token from `POST "
                "/api/v1/auth/token/`, a JWT; a bot's is an API token (`parley_…`) from `POST "
                "/api/v1/bots/{bot_id}/tokens/`, which does what its scopes name. Where a scope is required "
                "(`rooms:read`, `rooms:write`, `messages:read`, `messages:write`) only API tokens are asked "
                "for it; `session` takes no API token at all."
            ),
        }
