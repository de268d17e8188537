"""Messages, the log and read positions over REST. Views parse, call one service, render; no rules."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import user_of
from common import examples
from common.errors import (
    Blocked,
    ClientIdConflict,
    FieldError,
    Invalid,
    Muted,
    NotAMember,
    ParleyError,
    Resync,
    SlowMode,
)
from common.paging import read_int, read_limit
from common.rest import read_body
from common.schema import LIMIT, body, path_id, problems, ref
from messaging import events, payloads, selectors, services
from messaging.drafts import check_draft
from messaging.serializers import ReadBody, SendMessageBody
from realtime import objects
from realtime.events import EventPage

_ROOM_ID = path_id("room_id", "The room's id.")


def _seq(name: str, text: str, *, required: bool = False) -> OpenApiParameter:
    schema = {"type": "integer", "format": "int64", "minimum": 0}
    return OpenApiParameter(name, schema, description=text, required=required)


class MessagesView(APIView):
    scopes: ClassVar = {"GET": scopes.MESSAGES_READ, "POST": scopes.MESSAGES_WRITE}

    @extend_schema(
        operation_id="messages_list",
        tags=["messages"],
        summary="Read messages",
        description=(
            "The newest without arguments; else next to a `seq`, at most one of `before`, `after`, `around`. "
            "Always in `seq` order."
        ),
        parameters=[
            _ROOM_ID,
            _seq("before", "Messages below this `seq`."),
            _seq("after", "Messages above this `seq`."),
            _seq("around", "Messages on both sides of this `seq`."),
            LIMIT,
        ],
        responses={
            200: OpenApiResponse(
                ref(selectors.MessagePage),
                description="A page of messages.",
                examples=[
                    OpenApiExample(
                        "One message",
                        value={
                            "results": [examples.MESSAGE_REST],
                            "has_before": False,
                            "has_after": False,
                            "room_seq": 4,
                            "epoch": examples.EPOCH,
                        },
                    )
                ],
            ),
            **problems(NotAMember, Invalid),
        },
    )
    def get(self, request: Request, room_id: str) -> Response:
        query = request.query_params
        if query.get("thread"):
            raise Invalid.field("thread", "not supported by this server yet")
        around = {name: read_int(query, name) for name in ("before", "after", "around")}
        given = [name for name, value in around.items() if value is not None]
        if len(given) > 1:
            said = "at most one of before, after and around"
            raise Invalid(
                f"{given[1]}: {said}", errors=[FieldError(name, "invalid", said) for name in given[1:]]
            )
        return Response(
            selectors.history(user_id=user_of(request).id, room_id=room_id, limit=read_limit(query), **around)
        )

    @extend_schema(
        operation_id="messages_send",
        tags=["messages"],
        summary="Send a message",
        description=(
            "`client_id` makes it safe to repeat: the same one again never makes a second message, however "
            "late, and answers 200 with the message as it is now. After a 503 the outcome is unknown: repeat. "
            "`reply_to` names a message of the same room. `metadata` is any JSON object of at most 4 KiB, given "
            "back as it came. `@username` in the text mentions a member. `thread` and `attachments` are "
            "refused until they are supported."
        ),
        parameters=[_ROOM_ID],
        request=body(SendMessageBody),
        examples=[
            OpenApiExample(
                "A message",
                value={"client_id": "phone-1763889600-1", "body": "The mill is running."},
                request_only=True,
            ),
            OpenApiExample(
                "With the application's own data",
                value={
                    "client_id": "phone-1763889600-2",
                    "body": "@ada, so it is.",
                    "metadata": {"mood": "proud", "card": 7},
                },
                request_only=True,
            ),
        ],
        responses={
            201: OpenApiResponse(
                ref(objects.Message),
                description="Stored, durably.",
                examples=[OpenApiExample("Sent", value=examples.MESSAGE_REST)],
            ),
            200: OpenApiResponse(
                ref(objects.Message),
                description="It had been stored before.",
                examples=[OpenApiExample("Sent before", value=examples.MESSAGE_REST)],
            ),
            **problems(NotAMember, Muted, Blocked, ClientIdConflict, SlowMode),
        },
    )
    def post(self, request: Request, room_id: str) -> Response:
        asked = read_body(request, SendMessageBody)
        draft = check_draft(
            room_id=room_id,
            author_id=user_of(request).id,
            client_id=asked.client_id,
            body=asked.body,
            reply_to=asked.reply_to,
            thread=asked.thread,
            attachments=asked.attachments,
            metadata=asked.metadata,
        )
        sent = services.send_messages([draft])[0]
        if isinstance(sent, ParleyError):
            raise sent
        return Response(payloads.for_reader([sent.message])[0], status=200 if sent.duplicate else 201)


class EventsView(APIView):
    scopes: ClassVar = {"GET": scopes.MESSAGES_READ}

    @extend_schema(
        operation_id="events_list",
        tags=["messages"],
        summary="Read the log of a room",
        description=(
            "The events after `since`, the very frames of the socket, in order: a client without a socket "
            "misses nothing. Read on with the last `seq` received until it is `room_seq`. 410 `resync` says "
            "in `reason` why the log cannot be read from there: `ahead`, `epoch`."
        ),
        parameters=[
            _ROOM_ID,
            _seq("since", "The last `seq` held; 0 for the whole log.", required=True),
            LIMIT,
            OpenApiParameter("epoch", str, description="The epoch that `since` is of."),
        ],
        responses={
            200: OpenApiResponse(
                ref(EventPage),
                description="A page of events.",
                examples=[
                    OpenApiExample(
                        "One event",
                        value={"results": [examples.EVENT], "room_seq": 4, "epoch": examples.EPOCH},
                    )
                ],
            ),
            **problems(NotAMember, Resync, Invalid),
        },
    )
    def get(self, request: Request, room_id: str) -> Response:
        query = request.query_params
        since = read_int(query, "since")
        if since is None:
            raise Invalid.field("since", "required", "required")
        page = events.event_page(
            user_id=user_of(request).id,
            room_id=room_id,
            since=since,
            limit=read_limit(query),
            epoch=query.get("epoch") or None,
        )
        return Response(page)


class ReadView(APIView):
    scopes: ClassVar = {"POST": scopes.MESSAGES_READ}

    @extend_schema(
        operation_id="rooms_read",
        tags=["messages"],
        summary="Move my read position",
        description="Above the head is the head; never back unless `force`.",
        parameters=[_ROOM_ID],
        request=body(ReadBody),
        examples=[OpenApiExample("Read up to 4", value={"seq": 4}, request_only=True)],
        responses={
            200: OpenApiResponse(
                ref(services.Read),
                description="Where I stand now.",
                examples=[OpenApiExample("All read", value={"last_read_seq": 4, "unread_count": 0})],
            ),
            **problems(NotAMember),
        },
    )
    def post(self, request: Request, room_id: str) -> Response:
        asked = read_body(request, ReadBody)
        return Response(
            services.mark_read(
                user_id=user_of(request).id, room_id=room_id, seq=asked.seq, force=bool(asked.force)
            )
        )
