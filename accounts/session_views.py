"""My sessions and my password over REST."""

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import examples, payloads, selectors, services, sessions
from accounts.authentication import identity_of, user_of
from accounts.passwords import change_password
from accounts.serializers import PasswordChangeBody, SessionPage, TokenPair
from common.addresses import source_of_request
from common.errors import BadCredentials
from common.paging import read_cursor, read_limit
from common.rest import read_body
from common.schema import CURSOR, LIMIT, body, path_id, problems, ref

NO_STORE = {"Cache-Control": "no-store"}  # tokens stay out of every cache (RFC 6749, section 5.1)


class LogoutView(APIView):
    @extend_schema(
        operation_id="auth_log_out",
        tags=["auth"],
        summary="Log out",
        description="Ends the session of the access token: both its tokens are refused at once, its sockets close.",
        request=None,
        responses={204: OpenApiResponse(description="The session has ended.")},
    )
    def post(self, request: Request) -> Response:
        services.log_out(session_id=_session_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionsView(APIView):
    @extend_schema(
        operation_id="sessions_list",
        tags=["auth"],
        summary="My sessions",
        description=(
            "Where I am logged in, the latest log-in first. Sessions that have ended, or whose refresh token has "
            "run out, are not listed. `last_seen_at` moves when the session refreshes its tokens."
        ),
        parameters=[CURSOR, LIMIT],
        responses={
            200: OpenApiResponse(
                response=ref(SessionPage),
                description="A page of sessions.",
                examples=[
                    OpenApiExample(
                        "Two devices",
                        value={"results": [examples.SESSION, examples.OTHER_SESSION], "next_cursor": None},
                    )
                ],
            )
        },
    )
    def get(self, request: Request) -> Response:
        found, cursor = selectors.sessions_page(
            user_id=user_of(request).id,
            after=read_cursor(request.query_params, UUID),
            limit=read_limit(request.query_params),
        )
        current = identity_of(request).session_id
        return Response(SessionPage([payloads.session_of(session, current) for session in found], cursor))

    @extend_schema(
        operation_id="sessions_end_others",
        tags=["auth"],
        summary="End all my other sessions",
        description="Their tokens are refused at once and their sockets close; this session goes on.",
        responses={204: OpenApiResponse(description="Only this session stands.")},
    )
    def delete(self, request: Request) -> Response:
        sessions.end_other_sessions(user_id=user_of(request).id, but=_session_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionView(APIView):
    @extend_schema(
        operation_id="sessions_end",
        tags=["auth"],
        summary="End one of my sessions",
        description=(
            "Its tokens are refused at once and its sockets close. The one that asks may end itself: that is "
            "logging out. A session that has ended, and one of somebody else, is not found."
        ),
        parameters=[path_id("session_id", "The session's id.")],
        responses={204: OpenApiResponse(description="The session has ended.")},
    )
    def delete(self, request: Request, session_id: str) -> Response:
        sessions.end_session(user_id=user_of(request).id, session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordChangeView(APIView):
    @extend_schema(
        operation_id="auth_password_change",
        tags=["auth"],
        summary="Change my password",
        description=(
            "This session and its sockets stay, and go on with the pair in the answer; all others end. "
            "No refresh token from before answers any more: 401 `token_invalid`; an access token of this session from "
            "before goes on until it ends. A wrong old password counts as a wrong log-in."
        ),
        request=body(PasswordChangeBody),
        examples=[
            OpenApiExample(
                "Ada takes another one",
                value={"old": examples.PASSWORD, "new": "analytical engine no. 2"},
                request_only=True,
            )
        ],
        responses={
            200: OpenApiResponse(
                response=ref(TokenPair),
                description="The session's next pair.",
                examples=[OpenApiExample("Changed", value=examples.PAIR)],
            ),
            **problems(BadCredentials),
        },
    )
    def post(self, request: Request) -> Response:
        given = read_body(request, PasswordChangeBody)
        pair = change_password(
            user_id=user_of(request).id,
            session_id=_session_of(request),
            old=given.old,
            new=given.new,
            source=source_of_request(request),
        )
        return Response(TokenPair(access=pair.access, refresh=pair.refresh), headers=NO_STORE)


def _session_of(request: Request) -> UUID:
    """The session that asks; these views are closed to API tokens, which have none."""
    session_id = identity_of(request).session_id
    assert session_id is not None
    return session_id
