"""Rooms over REST: here and not in rooms/, because a room shows its reader what is unread in it."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import user_of
from common import examples
from common.errors import ClientIdConflict, Invalid, NotAMember
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from messaging import inbox
from realtime import objects
from rooms import services
from rooms.models import Kind
from rooms.serializers import CreateRoomBody

_ROOM_ID = path_id("room_id", "The room's id.")
_MINE = examples.ROOM | {"me": examples.ROOM_ME}
_JOINED = examples.ROOM | {
    "kind": "public",
    "created_by": examples.BOB["id"],
    "me": examples.ROOM_ME | {"role": "member", "last_read_seq": 4, "unread_count": 0},
}


class RoomsView(APIView):
    scopes: ClassVar = {"GET": scopes.ROOMS_READ, "POST": scopes.ROOMS_WRITE}

    @extend_schema(
        operation_id="rooms_list",
        tags=["rooms"],
        summary="My rooms",
        description=(
            "The latest event of any kind first, with `me` and `last_message`. Read pages until the first "
            "room whose `last_seq` has not changed since the last visit."
        ),
        parameters=[
            OpenApiParameter("kind", str, enum=Kind.values, description="Only rooms of this kind."),
            CURSOR,
            LIMIT,
        ],
        responses={
            200: OpenApiResponse(
                ref(inbox.RoomPage),
                description="A page of my rooms.",
                examples=[
                    OpenApiExample(
                        "One room",
                        value={
                            "results": [_MINE | {"last_message": examples.MESSAGE_REST}],
                            "next_cursor": None,
                        },
                    )
                ],
            ),
            **problems(Invalid),
        },
    )
    def get(self, request: Request) -> Response:
        kind = request.query_params.get("kind")
        if kind is not None and kind not in Kind.values:
            raise Invalid.field("kind", "public, private or direct")
        page = inbox.my_rooms(
            user_id=user_of(request).id,
            kind=kind,
            after=read_cursor(request.query_params, inbox.RoomKey),
            limit=read_limit(request.query_params),
        )
        return Response(page)

    @extend_schema(
        operation_id="rooms_create",
        tags=["rooms"],
        summary="Make a room",
        description=(
            "Public or private, with oneself as owner and `members` in it. With a `client_id` it is safe to "
            "repeat: the same one again answers 200 with the room made first."
        ),
        request=body(CreateRoomBody),
        examples=[
            OpenApiExample(
                "A private room",
                value={"kind": "private", "name": "Engine room", "members": [examples.BOB["id"]]},
                request_only=True,
            )
        ],
        responses={
            201: OpenApiResponse(
                ref(objects.Room),
                description="The room.",
                examples=[OpenApiExample("Made", value=_MINE)],
            ),
            200: OpenApiResponse(
                ref(objects.Room),
                description="It had been made before.",
                examples=[OpenApiExample("Made before", value=_MINE)],
            ),
            **problems(ClientIdConflict),
        },
    )
    def post(self, request: Request) -> Response:
        asked = read_body(request, CreateRoomBody)
        user_id = user_of(request).id
        made = services.create_room(
            creator_id=user_id,
            kind=asked.kind,
            name=asked.name,
            topic=asked.topic or "",
            members=asked.members or (),
            client_id=asked.client_id,
        )
        return Response(
            inbox.my_room(user_id=user_id, room_id=str(made.room.id)), status=201 if made.created else 200
        )


class RoomView(APIView):
    scopes: ClassVar = {"GET": scopes.ROOMS_READ}

    @extend_schema(
        operation_id="rooms_get",
        tags=["rooms"],
        summary="One room",
        parameters=[_ROOM_ID],
        responses={
            200: OpenApiResponse(
                ref(objects.Room),
                description="The room, with `me`.",
                examples=[OpenApiExample("A room", value=_MINE)],
            ),
            **problems(NotAMember),
        },
    )
    def get(self, request: Request, room_id: str) -> Response:
        return Response(inbox.my_room(user_id=user_of(request).id, room_id=room_id))


class JoinView(APIView):
    scopes: ClassVar = {"POST": scopes.ROOMS_WRITE}

    @extend_schema(
        operation_id="rooms_join",
        tags=["rooms"],
        summary="Join a public room",
        description="Nothing happens to who is in it already.",
        parameters=[_ROOM_ID],
        request=None,
        responses={
            200: OpenApiResponse(
                ref(objects.Room),
                description="The room, with `me`: null if one was taken out again meanwhile.",
                examples=[OpenApiExample("Joined", value=_JOINED)],
            )
        },
    )
    def post(self, request: Request, room_id: str) -> Response:
        user_id = user_of(request).id
        room = services.join_room(user_id=user_id, room_id=room_id)
        return Response(inbox.joined_room(user_id=user_id, room=room))
