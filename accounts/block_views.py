"""Whom I block, over REST."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import blocks, examples, payloads, selectors
from accounts.authentication import user_of
from accounts.serializers import UserPage
from common.errors import Invalid
from common.paging import read_cursor, read_limit
from common.schema import CURSOR, LIMIT, path_id, problems, ref

_USER_ID = path_id("user_id", "The other person's id.")


class BlocksView(APIView):
    @extend_schema(
        operation_id="blocks_list",
        tags=["users"],
        summary="Whom I block",
        description="The public profiles of the people I block, the latest block first.",
        parameters=[CURSOR, LIMIT],
        responses={
            200: OpenApiResponse(
                response=ref(UserPage),
                description="A page of profiles.",
                examples=[
                    OpenApiExample("Bob alone", value={"results": [examples.BOB], "next_cursor": None})
                ],
            )
        },
    )
    def get(self, request: Request) -> Response:
        users, cursor = selectors.blocked_page(
            user_id=user_of(request).id,
            after=read_cursor(request.query_params, int),
            limit=read_limit(request.query_params),
        )
        return Response(UserPage([payloads.profile_of(user) for user in users], cursor))


class BlockView(APIView):
    @extend_schema(
        operation_id="blocks_add",
        tags=["users"],
        summary="Block somebody",
        description=(
            "While either of us blocks the other there are no sends, typing or signals between us in "
            "our direct room, and no new one is made; reading stays. In other rooms their mentions of me are "
            "silent. It holds for their bots too. They are not told. Blocking who is blocked changes nothing and succeeds; oneself is 400."
        ),
        parameters=[_USER_ID],
        request=None,
        responses={204: OpenApiResponse(description="They are blocked."), **problems(Invalid)},
    )
    def put(self, request: Request, user_id: str) -> Response:
        blocks.block_user(user_id=user_of(request).id, other_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="blocks_remove",
        tags=["users"],
        summary="Block somebody no more",
        description="Who is not blocked stays so, and it succeeds; a user there never was is 404, oneself 400.",
        parameters=[_USER_ID],
        responses={204: OpenApiResponse(description="They are not blocked."), **problems(Invalid)},
    )
    def delete(self, request: Request, user_id: str) -> Response:
        blocks.unblock_user(user_id=user_of(request).id, other_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
