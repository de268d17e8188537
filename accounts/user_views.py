"""Profiles over REST, my own and others'."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import examples, payloads, scopes, selectors
from accounts.authentication import user_of
from accounts.profiles import update_profile
from accounts.serializers import UpdateProfileBody, UserPage
from common.addresses import source_of_request
from common.errors import AlreadyExists, Invalid, NotFound
from common.ids import parse_id
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref
from realtime import objects


class MeView(APIView):
    scopes: ClassVar = {"GET": scopes.ANY}

    @extend_schema(
        operation_id="users_me_get",
        tags=["users"],
        summary="My profile",
        description="My own profile, with what only I see.",
        responses={
            200: OpenApiResponse(
                response=ref(objects.OwnUser),
                description="My profile.",
                examples=[OpenApiExample("Ada", value=examples.ADA_HERSELF)],
            )
        },
    )
    def get(self, request: Request) -> Response:
        return Response(payloads.own_profile_of(user_of(request)))

    @extend_schema(
        operation_id="users_me_update",
        tags=["users"],
        summary="Change my profile",
        description=(
            'What is absent stays. `email`, `bio` and `avatar` are taken away by null or "", and `display_name` '
            "is then the user name. `avatar` is the URL of a picture. A name or address that is taken is a 409 "
            "`already_exists` with `errors[].attr`; other addresses are tried five times an hour, and as often as one "
            "may register. No event tells of it: members and authors are shown as they "
            "are when they are sent."
        ),
        request=body(UpdateProfileBody),
        examples=[
            OpenApiExample(
                "Ada says what she does",
                value={
                    "display_name": "Ada Lovelace",
                    "bio": "Writes programs for machines that do not exist yet.",
                },
                request_only=True,
            ),
            OpenApiExample(
                "Another name and a picture",
                value={"username": "ada_l", "avatar": "https://example.com/ada.jpg", "email": None},
                request_only=True,
            ),
        ],
        responses={
            200: OpenApiResponse(
                response=ref(objects.OwnUser),
                description="My profile as it is now.",
                examples=[OpenApiExample("Ada", value=examples.ADA_HERSELF)],
            ),
            **problems(AlreadyExists),
        },
    )
    def patch(self, request: Request) -> Response:
        given = read_body(request, UpdateProfileBody)
        user = update_profile(
            user_id=user_of(request).id,
            username=given.username,
            display_name=given.display_name,
            email=given.email,
            bio=given.bio,
            avatar=given.avatar,
            source=source_of_request(request),
        )
        return Response(payloads.own_profile_of(user))


class UsersView(APIView):
    scopes: ClassVar = {"GET": scopes.ANY}

    @extend_schema(
        operation_id="users_list",
        tags=["users"],
        summary="Look users up, or search them",
        description=(
            "Either `ids`: the public profiles of the users with these ids, in the order asked; unknown ids are "
            "left out. Or `search`: those whose user name or display name contains it, whatever its case, in the "
            "order of their user names, in pages; nobody who is deleted or disabled. A blank one finds everybody."
        ),
        parameters=[
            OpenApiParameter(
                "ids", str, description="Ids separated by commas, at most 100; may be given several times."
            ),
            OpenApiParameter("search", str, description="A part of a name, at most 100 characters."),
            CURSOR,
            LIMIT,
        ],
        responses={
            200: OpenApiResponse(
                response=ref(UserPage),
                description="The profiles.",
                examples=[
                    OpenApiExample(
                        "Two users", value={"results": [examples.ADA, examples.BOB], "next_cursor": None}
                    )
                ],
            )
        },
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        ids, search = ",".join(query.getlist("ids")) if "ids" in query else None, query.get("search")
        if ids is not None and search is not None:  # an empty one beside the other is one that is not set
            ids, search = (ids, search or None) if ids else (None, search)
        if (ids is None) == (search is None):
            raise Invalid.field("ids", "either ids or search", "required")
        after, limit = read_cursor(query, str), read_limit(query)  # wrong ones are wrong beside ids, too
        if search is not None:
            users, cursor = selectors.users_found(
                payer_id=user_of(request).payer_id, search=search, after=after, limit=limit
            )
        else:
            assert ids is not None
            users, cursor = selectors.users_by_ids(_ids(ids)), None
        return Response(UserPage([payloads.profile_of(user) for user in users], cursor))


class UserView(APIView):
    scopes: ClassVar = {"GET": scopes.ANY}

    @extend_schema(
        operation_id="users_get",
        tags=["users"],
        summary="A user's profile",
        description="The public profile. That of a deleted user has `deleted: true`, a `username` that begins "
        "with `deleted-` (40 characters), an empty `display_name` and `bio`, and no `avatar`.",
        parameters=[path_id("user_id", "The user's id.")],
        responses={
            200: OpenApiResponse(
                response=ref(objects.User),
                description="The profile.",
                examples=[OpenApiExample("Bob", value=examples.BOB)],
            )
        },
    )
    def get(self, request: Request, user_id: str) -> Response:
        known = parse_id(user_id)
        if known is None:
            raise NotFound
        return Response(payloads.profile_of(selectors.user_by_id(known)))


def _ids(text: str) -> list[UUID]:
    asked = text.split(",")
    if len(asked) > settings.IDS_MAX_PER_REQUEST:
        raise Invalid.field("ids", f"at most {settings.IDS_MAX_PER_REQUEST} ids", "too_many")
    return [found for found in map(parse_id, asked) if found is not None]
