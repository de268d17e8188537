"""Bans over REST. Views parse, call one service or selector, and render; they hold no rules."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import user_of
from common import examples
from common.errors import Forbidden, NotAMember
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from realtime import objects
from rooms import selectors, services
from rooms.selectors import BanPage
from rooms.serializers import BanBody

_ROOM_ID = path_id("room_id", "The room's id.")
_USER_ID = path_id("user_id", "The id of whoever is banned, or is to be.")


class BansView(APIView):
    scopes: ClassVar = {"GET": scopes.ROOMS_READ}

    @extend_schema(
        operation_id="bans_list",
        tags=["members"],
        summary="Who is banned from a room",
        description="For its owners and admins. The newest first; a ban that has passed is not listed.",
        parameters=[_ROOM_ID, CURSOR, LIMIT],
        responses={
            200: OpenApiResponse(
                ref(BanPage),
                description="A page of bans.",
                examples=[OpenApiExample("Bob", value={"results": [examples.BAN], "next_cursor": None})],
            ),
            **problems(Forbidden, NotAMember),
        },
    )
    def get(self, request: Request, room_id: str) -> Response:
        page = selectors.bans_page(
            user_id=user_of(request).id,
            room_id=room_id,
            after=read_cursor(request.query_params, int),
            limit=read_limit(request.query_params),
        )
        return Response(page)


class BanView(APIView):
    scopes: ClassVar = {"PUT": scopes.ROOMS_WRITE, "DELETE": scopes.ROOMS_WRITE}

    @extend_schema(
        operation_id="bans_put",
        tags=["members"],
        summary="Ban somebody from a room",
        description=(
            "As its owner or an admin: a member of a lower role, who is out at once, or anybody who is not in it. "
            "Their bots are out and kept out with them. "
            "Without `until` for ever. Again replaces `reason` and `until`."
        ),
        parameters=[_ROOM_ID, _USER_ID],
        request=body(BanBody),
        examples=[OpenApiExample("For ever", value={"reason": "Spam"}, request_only=True)],
        responses={
            201: OpenApiResponse(
                ref(objects.Ban),
                description="Banned.",
                examples=[OpenApiExample("Bob", value=examples.BAN)],
            ),
            200: OpenApiResponse(
                ref(objects.Ban),
                description="They were banned already; now so.",
                examples=[OpenApiExample("Bob, as before", value=examples.BAN)],
            ),
            **problems(Forbidden, NotAMember),
        },
    )
    def put(self, request: Request, room_id: str, user_id: str) -> Response:
        asked = read_body(request, BanBody)
        banned = services.ban_user(
            actor_id=user_of(request).id,
            room_id=room_id,
            user_id=user_id,
            reason=asked.reason,
            until=asked.until,
        )
        return Response(banned.ban, status=201 if banned.created else 200)

    @extend_schema(
        operation_id="bans_lift",
        tags=["members"],
        summary="Lift a ban",
        description="As owner or admin. Who is not banned is not banned afterwards either. It puts nobody in again; 404 for what is no id.",
        parameters=[_ROOM_ID, _USER_ID],
        responses={
            204: OpenApiResponse(description="They are not banned."),
            **problems(Forbidden, NotAMember),
        },
    )
    def delete(self, request: Request, room_id: str, user_id: str) -> Response:
        services.lift_ban(actor_id=user_of(request).id, room_id=room_id, user_id=user_id)
        return Response(status=204)
