"""Members over REST. Views parse, call one service or selector, and render; they hold no rules."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.authentication import user_of
from common import examples
from common.errors import Banned, Forbidden, Invalid, LastOwner, NotAMember
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from realtime import objects
from rooms import selectors, services
from rooms.selectors import MemberPage
from rooms.serializers import AddMembersBody, MemberList, UpdateMemberBody

_ROOM_ID = path_id("room_id", "The room's id.")
_USER_ID = path_id("user_id", "The member's user id.")


class MembersView(APIView):
    scopes: ClassVar = {"GET": scopes.ROOMS_READ, "POST": scopes.ROOMS_WRITE}

    @extend_schema(
        operation_id="members_list",
        tags=["members"],
        summary="Who is in a room",
        description="In the order of joining the first time.",
        parameters=[_ROOM_ID, CURSOR, LIMIT],
        responses={
            200: OpenApiResponse(
                ref(MemberPage),
                description="A page of members.",
                examples=[
                    OpenApiExample(
                        "Bob", value={"results": [examples.MEMBER], "next_cursor": None, "room_seq": 4}
                    )
                ],
            ),
            **problems(NotAMember, Invalid),
        },
    )
    def get(self, request: Request, room_id: str) -> Response:
        page = selectors.members_page(
            user_id=user_of(request).id,
            room_id=room_id,
            after=read_cursor(request.query_params, int),
            limit=read_limit(request.query_params),
        )
        return Response(page)

    @extend_schema(
        operation_id="members_add",
        tags=["members"],
        summary="Put people into a room",
        description=(
            "As its owner or an admin. Either `user` or `users`. Whoever is in already stays as they are. "
            "`role` may be given only below one's own; an owner may make owners. Whoever is banned is not put in, "
            "and with them nobody: lift the ban first."
        ),
        parameters=[_ROOM_ID],
        request=body(AddMembersBody),
        examples=[OpenApiExample("One", value={"user": examples.BOB["id"]}, request_only=True)],
        responses={
            201: OpenApiResponse(
                {"oneOf": [ref(objects.Member), ref(MemberList)]},
                description="The member, or with `users` the members in that order. Some are new.",
                examples=[OpenApiExample("Bob is in", value=examples.MEMBER)],
            ),
            200: OpenApiResponse(
                {"oneOf": [ref(objects.Member), ref(MemberList)]},
                description="All of them were in already.",
                examples=[OpenApiExample("Bob was in", value=examples.MEMBER)],
            ),
            **problems(Forbidden, NotAMember, Banned),
        },
    )
    def post(self, request: Request, room_id: str) -> Response:
        asked = read_body(request, AddMembersBody)
        if (asked.user is None) == (asked.users is None):
            raise Invalid.field("user", "either user or users", "required")
        actor_id = user_of(request).id
        role = "member" if asked.role is None else asked.role
        if asked.user is not None:
            added = services.add_member(actor_id=actor_id, room_id=room_id, user=asked.user, role=role)
        else:
            added = services.add_members(
                actor_id=actor_id, room_id=room_id, users=asked.users or (), role=role
            )
        answer = MemberList(added.members) if asked.user is None else added.members[0]
        return Response(answer, status=201 if added.any_new else 200)


class MemberView(APIView):
    scopes: ClassVar = {
        "GET": scopes.ROOMS_READ,
        "PATCH": scopes.ROOMS_WRITE,
        "DELETE": scopes.ROOMS_WRITE,
    }

    @extend_schema(
        operation_id="members_get",
        tags=["members"],
        summary="One member of a room",
        parameters=[_ROOM_ID, _USER_ID],
        responses={
            200: OpenApiResponse(
                ref(objects.Member),
                description="The member.",
                examples=[OpenApiExample("Bob", value=examples.MEMBER)],
            ),
            **problems(NotAMember),
        },
    )
    def get(self, request: Request, room_id: str, user_id: str) -> Response:
        return Response(selectors.member(user_id=user_of(request).id, room_id=room_id, member_id=user_id))

    @extend_schema(
        operation_id="members_update",
        tags=["members"],
        summary="Change somebody's role, or mute them",
        description=(
            "Of a lower role than one's own. A role is given only below one's own, but an owner may make owners. "
            "Oneself one may only step down, which the last owner may not. `muted_until` is in the future and "
            "passes by itself; null lifts it; nobody mutes themselves."
        ),
        parameters=[_ROOM_ID, _USER_ID],
        request=body(UpdateMemberBody),
        examples=[
            OpenApiExample("Not muted any more", value={"muted_until": None}, request_only=True),
            OpenApiExample("An admin", value={"role": "admin"}, request_only=True),
        ],
        responses={
            200: OpenApiResponse(
                ref(objects.Member),
                description="The member.",
                examples=[OpenApiExample("Bob", value=examples.MEMBER | {"role": "admin"})],
            ),
            **problems(Forbidden, NotAMember, LastOwner),
        },
    )
    def patch(self, request: Request, room_id: str, user_id: str) -> Response:
        asked = read_body(request, UpdateMemberBody)
        return Response(
            services.update_member(
                actor_id=user_of(request).id,
                room_id=room_id,
                user_id=user_id,
                role=asked.role,
                muted_until=asked.muted_until,
            )
        )

    @extend_schema(
        operation_id="members_remove",
        tags=["members"],
        summary="Take somebody out of a room",
        description="Of a lower role than one's own; oneself is leaving. Their open sockets get nothing more.",
        parameters=[_ROOM_ID, _USER_ID],
        responses={
            204: OpenApiResponse(description="They are out."),
            **problems(Forbidden, NotAMember, LastOwner),
        },
    )
    def delete(self, request: Request, room_id: str, user_id: str) -> Response:
        services.remove_member(actor_id=user_of(request).id, room_id=room_id, user_id=user_id)
        return Response(status=204)


class LeaveView(APIView):
    scopes: ClassVar = {"POST": scopes.ROOMS_WRITE}

    @extend_schema(
        operation_id="rooms_leave",
        tags=["rooms"],
        summary="Leave a room",
        description="The last owner hands the room over first.",
        parameters=[_ROOM_ID],
        request=None,
        responses={
            204: OpenApiResponse(description="You are out."),
            **problems(Forbidden, NotAMember, LastOwner),
        },
    )
    def post(self, request: Request, room_id: str) -> Response:
        services.leave_room(user_id=user_of(request).id, room_id=room_id)
        return Response(status=204)
