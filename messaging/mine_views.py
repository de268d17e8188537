"""What a room is to its reader, and which rooms there are to be found, over REST."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import identity_of, user_of
from common import examples
from common.errors import Invalid, NotAMember
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from messaging import discover, inbox, services
from messaging.serializers import UpdateMySettingsBody
from realtime import objects

_PUBLIC = examples.ROOM | {"kind": "public", "me": None, "last_message": None}


class MySettingsView(APIView):
    scopes: ClassVar = {"PATCH": scopes.ROOMS_WRITE}

    @extend_schema(
        operation_id="rooms_me_update",
        tags=["rooms"],
        summary="What a room is to me",
        description=(
            "What is absent stays. It is no event: my other devices get the notice `room.me`. `hidden`, of direct "
            "rooms alone, leaves the room out of `GET rooms/` until the next message in it, "
            "or until I open it by `PUT rooms/direct/{user_id}/`."
        ),
        parameters=[path_id("room_id", "The room's id.")],
        request=body(UpdateMySettingsBody),
        examples=[
            OpenApiExample(
                "A favourite", value={"favourite": True, "notifications": "mentions"}, request_only=True
            )
        ],
        responses={
            200: OpenApiResponse(
                ref(objects.RoomMe),
                description="What the room is to me then.",
                examples=[
                    OpenApiExample(
                        "A favourite",
                        value=examples.ROOM_ME | {"favourite": True, "notifications": "mentions"},
                    )
                ],
            ),
            **problems(NotAMember),
        },
    )
    def patch(self, request: Request, room_id: str) -> Response:
        asked = read_body(request, UpdateMySettingsBody)
        return Response(
            services.update_my_settings(
                user_id=user_of(request).id,
                room_id=room_id,
                notifications=asked.notifications,
                favourite=asked.favourite,
                hidden=asked.hidden,
            )
        )


class PublicRoomsView(APIView):
    scopes: ClassVar = {"GET": scopes.ROOMS_READ}

    @extend_schema(
        operation_id="rooms_public",
        tags=["rooms"],
        summary="Discover public rooms",
        description=(
            "The newest first; those I am in with `me` and `last_message`, the others with null in both. With "
            "`search` those whose name and topic hold each of its words, also as a part of a longer one, whatever "
            "their case; at most 10 different ones. A page of a search looks through a bounded number of rooms: it may be short, or empty, "
            "and have a `next_cursor` all the same."
        ),
        parameters=[
            OpenApiParameter(
                "search", {"type": "string", "maxLength": 100}, description="Words; none finds all rooms."
            ),
            CURSOR,
            LIMIT,
        ],
        responses={
            200: OpenApiResponse(
                ref(inbox.RoomPage),
                description="A page of public rooms.",
                examples=[OpenApiExample("One to join", value={"results": [_PUBLIC], "next_cursor": None})],
            ),
            **problems(Invalid),
        },
    )
    def get(self, request: Request) -> Response:
        page = discover.public_rooms(
            user_id=user_of(request).id,
            payer_id=user_of(request).payer_id,
            search=request.query_params.get("search", ""),
            after=read_cursor(request.query_params, UUID),
            limit=read_limit(request.query_params),
            with_messages=scopes.has_scopes(identity_of(request), scopes.MESSAGES_READ),
        )
        return Response(page)
