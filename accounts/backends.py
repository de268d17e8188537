"""Who may log in to the admin: Django asks here. The API does not; it has its tokens."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts import services
from accounts.models import User
from common.addresses import source_of_request
from common.errors import BadCredentials, Invalid, UserDisabled


class OperatorBackend(ModelBackend):
    """By the same rules as `POST auth/token/`: one hash whether or not there is such a user, and the same limits.

    Permissions are Django's.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """None where it is wrong, or they are disabled; RateLimited after too many guesses, Unavailable."""
        if username is None or password is None:
            return None
        try:
            return services.user_by_password(
                username=username,
                password=password,
                source=None if request is None else source_of_request(request),
            )
        except (BadCredentials, UserDisabled, Invalid):
            return None
