"""Registering, logging in and refreshing over REST. Views parse, call one service and render; they hold no rules."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import examples, payloads, services
from accounts.serializers import OpenedSession, RefreshBody, RegisterBody, TokenBody, TokenPair
from accounts.session_views import NO_STORE
from common.addresses import source_of_request
from common.errors import (
    AlreadyExists,
    BadCredentials,
    SessionEnded,
    TokenExpired,
    TokenInvalid,
    UserDisabled,
)
from common.rest import read_body
from common.schema import body, problems, ref


class _OpenView(APIView):
    """For who has no access token yet; one that is sent all the same, perhaps expired, is not looked at."""

    authentication_classes = ()
    permission_classes = ()


class RegisterView(_OpenView):
    @extend_schema(
        operation_id="auth_register",
        tags=["auth"],
        summary="Register and log in",
        description=(
            "Makes a user and opens its first session. User names are unique after NFKC and casefolding, "
            "of letters and digits of one script; e-mail addresses are unique without case. A name or address that is "
            "taken is a 409 `already_exists` with `errors[].attr`."
        ),
        request=body(RegisterBody),
        examples=[
            OpenApiExample(
                "Ada registers",
                value={
                    "username": "ada",
                    "password": examples.PASSWORD,
                    "email": "ada@example.com",
                    "display_name": "Ada Lovelace",
                    "device": "Ada's phone",
                },
                request_only=True,
            )
        ],
        responses={
            201: OpenApiResponse(
                response=ref(OpenedSession),
                description="The user, its session and the session's tokens.",
                examples=[OpenApiExample("Registered", value=examples.OPENED)],
            ),
            **problems(AlreadyExists),
        },
    )
    def post(self, request: Request) -> Response:
        given = read_body(request, RegisterBody)
        opened = services.register(
            username=given.username,
            password=given.password,
            email=given.email,
            display_name=given.display_name or "",
            device=given.device or "",
            source=source_of_request(request),
        )
        return Response(_opened(opened), status=status.HTTP_201_CREATED, headers=NO_STORE)


class TokenView(_OpenView):
    @extend_schema(
        operation_id="auth_log_in",
        tags=["auth"],
        summary="Log in",
        description=(
            "Opens a session for a user name (or e-mail address) and password. `device` is a name for people. "
            "A wrong name and a wrong password answer alike: 401 `bad_credentials`. A person has at most 100 sessions "
            "unless the server says otherwise: one more ends the one not used for longest."
        ),
        request=body(TokenBody),
        examples=[
            OpenApiExample(
                "Ada logs in",
                value={
                    "username": "ada",
                    "password": examples.PASSWORD,
                    "device": "Ada's phone",
                },
                request_only=True,
            )
        ],
        responses={
            200: OpenApiResponse(
                response=ref(OpenedSession),
                description="The user, the new session and its tokens.",
                examples=[OpenApiExample("Logged in", value=examples.OPENED)],
            ),
            **problems(BadCredentials, UserDisabled),
        },
    )
    def post(self, request: Request) -> Response:
        given = read_body(request, TokenBody)
        opened = services.log_in(
            username=given.username,
            password=given.password,
            device=given.device or "",
            source=source_of_request(request),
        )
        return Response(_opened(opened), headers=NO_STORE)


class TokenRefreshView(_OpenView):
    @extend_schema(
        operation_id="auth_refresh",
        tags=["auth"],
        summary="Get the next pair of tokens",
        description=(
            "Each refresh token is used once. Used again within 30 s of its first use (a lost answer, a second "
            "tab) it answers with the session's newest pair; used again later it ends the session: 401 "
            "`session_ended`, and the session's sockets close. A used one from before a change of the password, or "
            "from before all other sessions were ended, is 401 `token_invalid` and ends nothing."
        ),
        request=body(RefreshBody),
        examples=[OpenApiExample("Refresh", value={"refresh": examples.REFRESH}, request_only=True)],
        responses={
            200: OpenApiResponse(
                response=ref(TokenPair),
                description="The session's newest pair.",
                examples=[OpenApiExample("Refreshed", value=examples.PAIR)],
            ),
            **problems(TokenExpired, TokenInvalid, SessionEnded, UserDisabled),
        },
    )
    def post(self, request: Request) -> Response:
        pair = services.refresh(token=read_body(request, RefreshBody).refresh)
        return Response(TokenPair(access=pair.access, refresh=pair.refresh), headers=NO_STORE)


def _opened(opened: services.Opened) -> OpenedSession:
    return OpenedSession(
        access=opened.access,
        refresh=opened.refresh,
        user=payloads.own_profile_of(opened.user),
        session=payloads.session_of(opened.session, opened.session.id),
    )
