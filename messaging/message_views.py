"""One message over REST: as it is, edited, deleted, and what it said before."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import user_of
from common import examples
from common.errors import Blocked, Forbidden, Invalid, MessageDeleted, Muted, NotAMember
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from messaging import payloads, selectors, services
from messaging.serializers import EditMessageBody
from realtime import objects

_IDS = [path_id("room_id", "The room's id."), path_id("message_id", "The message's id.")]


class MessageView(APIView):
    scopes: ClassVar = {
        "GET": scopes.MESSAGES_READ,
        "PATCH": scopes.MESSAGES_WRITE,
        "DELETE": scopes.MESSAGES_WRITE,
    }

    @extend_schema(
        operation_id="messages_get",
        tags=["messages"],
        summary="One message",
        parameters=_IDS,
        responses={
            200: OpenApiResponse(
                ref(objects.Message),
                description="The message, or its tombstone.",
                examples=[OpenApiExample("A message", value=examples.MESSAGE_REST)],
            ),
            **problems(NotAMember),
        },
    )
    def get(self, request: Request, room_id: str, message_id: str) -> Response:
        return Response(
            selectors.message(user_id=user_of(request).id, room_id=room_id, message_id=message_id)
        )

    @extend_schema(
        operation_id="messages_edit",
        tags=["messages"],
        summary="Edit a message",
        description=(
            "A new `body` for a message of one's own. Members are told by `message.updated`. The same text "
            "again succeeds and changes nothing. What it said before is in its history. An edit counts as a send "
            "towards the limit; after 200 of a message one more is 403 `forbidden`."
        ),
        parameters=_IDS,
        request=body(EditMessageBody),
        examples=[
            OpenApiExample("Another text", value={"body": "The mill is running again."}, request_only=True)
        ],
        responses={
            200: OpenApiResponse(
                ref(objects.Message),
                description="The message as it is now.",
                examples=[OpenApiExample("Edited", value=examples.EDITED_REST)],
            ),
            **problems(NotAMember, Forbidden, Muted, Blocked, MessageDeleted),
        },
    )
    def patch(self, request: Request, room_id: str, message_id: str) -> Response:
        asked = read_body(request, EditMessageBody)
        edited = services.edit_message(
            user_id=user_of(request).id,
            payer_id=user_of(request).payer_id,
            room_id=room_id,
            message_id=message_id,
            body=asked.body,
        )
        return Response(payloads.for_reader([edited])[0])

    @extend_schema(
        operation_id="messages_delete",
        tags=["messages"],
        summary="Delete a message",
        description=(
            "One's own, or anybody's as the room's owner or an admin (in a direct room one's own alone). Its "
            "text and history are erased; members are told by `message.deleted`. Again: 200, and nothing changes."
        ),
        parameters=_IDS,
        responses={
            200: OpenApiResponse(
                ref(objects.Message),
                description="What is left of it: the tombstone.",
                examples=[OpenApiExample("A tombstone", value=examples.TOMBSTONE_REST)],
            ),
            **problems(NotAMember, Forbidden),
        },
    )
    def delete(self, request: Request, room_id: str, message_id: str) -> Response:
        tombstone = services.delete_message(
            user_id=user_of(request).id, room_id=room_id, message_id=message_id
        )
        return Response(payloads.for_reader([tombstone])[0])


class MessageHistoryView(APIView):
    scopes: ClassVar = {"GET": scopes.MESSAGES_READ}

    @extend_schema(
        operation_id="messages_history",
        tags=["messages"],
        summary="What a message said before",
        description=(
            "Every version, the oldest first; the last one is what it says now. For its author and the room's "
            "owner and admins (in a direct room its author alone). A deleted message has none."
        ),
        parameters=[*_IDS, CURSOR, LIMIT],
        responses={
            200: OpenApiResponse(
                ref(selectors.MessageVersionPage),
                description="A page of versions.",
                examples=[
                    OpenApiExample(
                        "Edited once",
                        value={
                            "results": [
                                {
                                    "body": examples.MESSAGE["body"],
                                    "written_at": examples.MESSAGE["created_at"],
                                },
                                {
                                    "body": examples.EDITED_REST["body"],
                                    "written_at": examples.EDITED_REST["edited_at"],
                                },
                            ],
                            "next_cursor": None,
                        },
                    )
                ],
            ),
            **problems(NotAMember, Forbidden, Invalid),
        },
    )
    def get(self, request: Request, room_id: str, message_id: str) -> Response:
        page = selectors.versions(
            user_id=user_of(request).id,
            room_id=room_id,
            message_id=message_id,
            after=read_cursor(request.query_params, int),
            limit=read_limit(request.query_params),
        )
        return Response(page)
