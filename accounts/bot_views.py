"""Bots and their tokens over REST. Views parse, call one service or selector, and render; they hold no rules.

No view here names `scopes`: a bot neither makes bots nor gives itself tokens.
"""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import bots, payloads, selectors
from accounts.access import own_bot
from accounts.authentication import user_of
from accounts.serializers import (
    ApiTokenPage,
    CreateBotBody,
    IssueTokenBody,
    UpdateBotBody,
    UserPage,
)
from accounts.session_views import NO_STORE
from common.errors import AlreadyExists, Forbidden, Invalid
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from realtime import objects

_BOT_ID = path_id("bot_id", "The bot's user id.")
_TOKEN_ID = path_id("token_id", "The token's id; not the token.")

_BOT: dict[str, Any] = {
    "id": "019aa5f0-31d2-7c55-a0b4-8e7d1f3c2b96",
    "username": "mill-bot",
    "display_name": "The mill",
    "avatar": None,
    "bio": "Says when the mill stands still.",
    "is_bot": True,
    "deleted": False,
}
_TOKEN: dict[str, Any] = {
    "id": "019aa5f1-0c6e-7d02-b1f9-5a4e3d2c1b08",
    "name": "cron on the mill's machine",
    "scopes": ["rooms:read", "messages:write"],
    "created_at": "2026-11-23T09:30:00.500000Z",
    "expires_at": None,
    "last_used_at": None,
}
# Not whole: a secret scanner would take it for one.
_ISSUED = _TOKEN | {"token": "parley_…"}


class BotsView(APIView):
    @extend_schema(
        operation_id="bots_list",
        tags=["bots"],
        summary="My bots",
        description="In the order they were made; deleted ones are left out.",
        parameters=[CURSOR, LIMIT],
        responses={
            200: OpenApiResponse(
                ref(UserPage),
                description="A page of my bots.",
                examples=[OpenApiExample("One bot", value={"results": [_BOT], "next_cursor": None})],
            ),
            **problems(Invalid),
        },
    )
    def get(self, request: Request) -> Response:
        page, cursor = selectors.bots_page(
            owner_id=user_of(request).id,
            after=read_cursor(request.query_params, UUID),
            limit=read_limit(request.query_params),
        )
        return Response(UserPage([payloads.profile_of(bot) for bot in page], cursor))

    @extend_schema(
        operation_id="bots_create",
        tags=["bots"],
        summary="Make a bot",
        description=(
            "A bot is a user of mine: it is put into rooms like anyone, and shown with `is_bot`. It has no "
            "password; make it a token. Names follow the rules of people's. 403 `forbidden` where I have as "
            "many as I may (20 unless the server says otherwise), 429 `rate_limited` where I have made as many within "
            "a day. It counts towards my limits; who bans or blocks me bans or blocks it."
        ),
        request=body(CreateBotBody),
        examples=[
            OpenApiExample(
                "The mill's",
                value={"username": "mill-bot", "display_name": "The mill", "bio": _BOT["bio"]},
                request_only=True,
            )
        ],
        responses={
            201: OpenApiResponse(
                ref(objects.User), description="The bot.", examples=[OpenApiExample("Made", value=_BOT)]
            ),
            **problems(Forbidden, AlreadyExists),
        },
    )
    def post(self, request: Request) -> Response:
        given = read_body(request, CreateBotBody)
        bot = bots.create_bot(
            owner_id=user_of(request).id,
            username=given.username,
            display_name=given.display_name or "",
            bio=given.bio or "",
            avatar=given.avatar or "",
        )
        return Response(payloads.profile_of(bot), status=status.HTTP_201_CREATED)


class BotView(APIView):
    @extend_schema(
        operation_id="bots_get",
        tags=["bots"],
        summary="One of my bots",
        description="Another's bot is 404, as is a deleted one; everybody sees a bot at `users/{id}/`.",
        parameters=[_BOT_ID],
        responses={
            200: OpenApiResponse(
                ref(objects.User), description="The bot.", examples=[OpenApiExample("A bot", value=_BOT)]
            )
        },
    )
    def get(self, request: Request, bot_id: str) -> Response:
        return Response(payloads.profile_of(own_bot(owner_id=user_of(request).id, bot_id=bot_id)))

    @extend_schema(
        operation_id="bots_update",
        tags=["bots"],
        summary="Change one of my bots",
        description=(
            'What is absent stays. Null or "" takes away `bio` and `avatar` (the URL of a picture), and a blank '
            "`display_name` is the user name. Changing a bot is no event. 403 `forbidden` where an operator has "
            "disabled it."
        ),
        parameters=[_BOT_ID],
        request=body(UpdateBotBody),
        examples=[OpenApiExample("A better name", value={"display_name": "The mill"}, request_only=True)],
        responses={
            200: OpenApiResponse(
                ref(objects.User), description="The bot.", examples=[OpenApiExample("Changed", value=_BOT)]
            ),
            **problems(Forbidden, AlreadyExists),
        },
    )
    def patch(self, request: Request, bot_id: str) -> Response:
        given = read_body(request, UpdateBotBody)
        bot = bots.update_bot(
            owner_id=user_of(request).id,
            bot_id=bot_id,
            username=given.username,
            display_name=given.display_name,
            bio=given.bio,
            avatar=given.avatar,
        )
        return Response(payloads.profile_of(bot))

    @extend_schema(
        operation_id="bots_delete",
        tags=["bots"],
        summary="Delete one of my bots",
        description=(
            "For good and at once: its tokens are refused, its sockets close, its names are wiped (the user "
            "name is free again). It stays in its rooms, shown with `deleted`, until somebody takes it out (of a room that "
            "it alone owns nobody can: let it make another owner first); "
            "its messages stay."
        ),
        parameters=[_BOT_ID],
        responses={204: OpenApiResponse(description="It is deleted.")},
    )
    def delete(self, request: Request, bot_id: str) -> Response:
        bots.delete_bot(owner_id=user_of(request).id, bot_id=bot_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class BotTokensView(APIView):
    @extend_schema(
        operation_id="bots_tokens_list",
        tags=["bots"],
        summary="A bot's tokens",
        description="In the order they were made, expired ones too; revoked ones are left out. The tokens themselves are never shown again.",
        parameters=[_BOT_ID, CURSOR, LIMIT],
        responses={
            200: OpenApiResponse(
                ref(ApiTokenPage),
                description="A page of its tokens.",
                examples=[OpenApiExample("One token", value={"results": [_TOKEN], "next_cursor": None})],
            ),
            **problems(Invalid),
        },
    )
    def get(self, request: Request, bot_id: str) -> Response:
        page, cursor = selectors.tokens_page(
            owner_id=user_of(request).id,
            bot_id=bot_id,
            after=read_cursor(request.query_params, UUID),
            limit=read_limit(request.query_params),
        )
        return Response(ApiTokenPage([payloads.api_token_of(token) for token in page], cursor))

    @extend_schema(
        operation_id="bots_tokens_create",
        tags=["bots"],
        summary="Make a token for a bot",
        description=(
            "The answer is the one time `token` is shown; only its SHA-256 is kept. It goes where an access "
            "token goes, over REST and WebSocket, and does what its `scopes` name, at least one; anything "
            "else is 403 `scope_missing`. It lasts until `expires_at`, or until it is revoked. 403 "
            "`forbidden` where the bot has as many as it may (20 unless the server says otherwise)."
        ),
        parameters=[_BOT_ID],
        request=body(IssueTokenBody),
        examples=[
            OpenApiExample(
                "For a cron job",
                value={"name": _TOKEN["name"], "scopes": _TOKEN["scopes"]},
                request_only=True,
            )
        ],
        responses={
            201: OpenApiResponse(
                ref(objects.IssuedApiToken),
                description="The token.",
                examples=[OpenApiExample("Made", value=_ISSUED)],
            ),
            **problems(Forbidden),
        },
    )
    def post(self, request: Request, bot_id: str) -> Response:
        given = read_body(request, IssueTokenBody)
        issued = bots.issue_token(
            owner_id=user_of(request).id,
            bot_id=bot_id,
            allowed=given.scopes,
            name=given.name or "",
            expires_at=given.expires_at,
        )
        return Response(
            payloads.issued_token_of(issued.row, issued.token),
            status=status.HTTP_201_CREATED,
            headers=NO_STORE,
        )


class BotTokenView(APIView):
    @extend_schema(
        operation_id="bots_tokens_revoke",
        tags=["bots"],
        summary="Revoke a bot's token",
        description="It is refused at once with 401 `session_ended`, and its sockets close with 4403.",
        parameters=[_BOT_ID, _TOKEN_ID],
        responses={204: OpenApiResponse(description="It is revoked.")},
    )
    def delete(self, request: Request, bot_id: str, token_id: str) -> Response:
        bots.revoke_token(owner_id=user_of(request).id, bot_id=bot_id, token_id=token_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
