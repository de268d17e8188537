"""The JWT middleware of every tutorial: the token's user, looked up in the database."""

from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken


@database_sync_to_async
def user_of(token):
    try:
        return User.objects.get(id=AccessToken(token)["user_id"])
    except (TokenError, User.DoesNotExist):
        return AnonymousUser()


class JwtMiddleware:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        header = dict(scope["headers"]).get(b"authorization", b"").decode()
        return await self.app({**scope, "user": await user_of(header.removeprefix("Bearer "))}, receive, send)
