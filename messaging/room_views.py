"""Rooms over REST: here and not in rooms/, because a room shows its reader what is unread in it."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import identity_of, user_of
from common import examples
from common.errors import Banned, Blocked, ClientIdConflict, Forbidden, Invalid, NotAMember
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from messaging import inbox
from messaging.services import open_direct_room
from realtime import objects
from rooms import services
from rooms.models import Kind
from rooms.serializers import CreateRoomBody, UpdateRoomBody

_ROOM_ID = path_id("room_id", "The room's id.")
_MINE = examples.ROOM | {"me": examples.ROOM_ME}
_MADE = examples.ROOM | {
    "last_seq": 2,
    "changed_seq": 2,
    "member_count": 1,
    "me": examples.ROOM_ME | {"last_read_seq": 0, "unread_count": 0},
}
_DIRECT = examples.DIRECT_ROOM | {"me": examples.ROOM_ME | {"role": "member"}}
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
        kind = request.query_params.get("kind") or None
        if kind is not None and kind not in Kind.values:
            raise Invalid.field("kind", "public, private or direct")
        page = inbox.my_rooms(
            user_id=user_of(request).id,
            kind=kind,
            after=read_cursor(request.query_params, inbox.RoomKey),
            limit=read_limit(request.query_params),
            with_messages=scopes.has_scopes(identity_of(request), scopes.MESSAGES_READ),
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
                value={"kind": "private", "name": "Engine room", "topic": "Cards, cogs and steam"},
                request_only=True,
            )
        ],
        responses={
            201: OpenApiResponse(
                ref(objects.Room),
                description="The room.",
                examples=[OpenApiExample("Made", value=_MADE)],
            ),
            200: OpenApiResponse(
                ref(objects.Room),
                description="It had been made before.",
                examples=[OpenApiExample("Made before", value=_MADE)],
            ),
            **problems(Forbidden, ClientIdConflict),
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
        return _made(user_id, made)


def _made(user_id: UUID, made: services.CreatedRoom) -> Response:
    return Response(inbox.written_room(user_id=user_id, room=made.room), status=201 if made.created else 200)


class RoomView(APIView):
    scopes: ClassVar = {
        "GET": scopes.ROOMS_READ,
        "PATCH": scopes.ROOMS_WRITE,
        "DELETE": scopes.ROOMS_WRITE,
    }

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

    @extend_schema(
        operation_id="rooms_update",
        tags=["rooms"],
        summary="Change a room",
        description=(
            "As its owner or an admin. What is absent stays; `topic` and `avatar` are taken away by null. "
            "`kind` never changes. Direct rooms cannot be changed."
        ),
        parameters=[_ROOM_ID],
        request=body(UpdateRoomBody),
        examples=[
            OpenApiExample(
                "Slow mode", value={"topic": "Cards, cogs and steam", "slow_mode_s": 10}, request_only=True
            )
        ],
        responses={
            200: OpenApiResponse(
                ref(objects.Room),
                description="The room, with `me`.",
                examples=[OpenApiExample("Changed", value=_MINE | {"slow_mode_s": 10})],
            ),
            **problems(Forbidden, NotAMember),
        },
    )
    def patch(self, request: Request, room_id: str) -> Response:
        asked = read_body(request, UpdateRoomBody)
        user_id = user_of(request).id
        room = services.update_room(
            actor_id=user_id,
            room_id=room_id,
            kind=asked.kind,
            name=asked.name,
            topic=asked.topic,
            avatar=asked.avatar,
            slow_mode_s=asked.slow_mode_s,
        )
        return Response(inbox.written_room(user_id=user_id, room=room))

    @extend_schema(
        operation_id="rooms_delete",
        tags=["rooms"],
        summary="Delete a room",
        description=(
            "As an owner. `room.deleted` is its last event; from then on the room, and all in it, is 404 to "
            "everybody, and open subscriptions end. It cannot be undone. Direct rooms cannot be deleted."
        ),
        parameters=[_ROOM_ID],
        responses={
            204: OpenApiResponse(description="It is gone."),
            **problems(Forbidden, NotAMember),
        },
    )
    def delete(self, request: Request, room_id: str) -> Response:
        services.delete_room(actor_id=user_of(request).id, room_id=room_id)
        return Response(status=204)


class DirectRoomView(APIView):
    scopes: ClassVar = {"PUT": scopes.ROOMS_WRITE}

    @extend_schema(
        operation_id="rooms_direct",
        tags=["rooms"],
        summary="Our direct room, found or made",
        description=(
            "The one room of you and this person, whoever of you asks, and also where both ask at the same "
            "moment. Oneself is 400. Where either blocks the other none is made; one there is already is still "
            "answered. One that I had hidden is shown again."
        ),
        parameters=[path_id("user_id", "The other person's id.")],
        request=None,
        responses={
            201: OpenApiResponse(
                ref(objects.Room),
                description="The room, just made.",
                examples=[OpenApiExample("Made", value=_DIRECT)],
            ),
            200: OpenApiResponse(
                ref(objects.Room),
                description="There had been one.",
                examples=[OpenApiExample("Found", value=_DIRECT)],
            ),
            **problems(Invalid, Forbidden, Blocked),
        },
    )
    def put(self, request: Request, user_id: str) -> Response:
        me = user_of(request).id
        room, new = open_direct_room(user_id=me, other_id=user_id)
        return Response(room, status=201 if new else 200)


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
            ),
            **problems(Forbidden, Banned),
        },
    )
    def post(self, request: Request, room_id: str) -> Response:
        user_id = user_of(request).id
        room = services.join_room(user_id=user_id, room_id=room_id)
        return Response(inbox.written_room(user_id=user_id, room=room))
