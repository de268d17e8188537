"""What a failed request answers: the REST map of errors, whoever raised them and wherever.

Always `application/problem+json`, with DEBUG on too: never HTML, a stack trace or a library's own
words about our insides.
"""

import math
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import BadHeaderError, Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from rest_framework import exceptions as drf

from backend.rate_headers import add_rate_headers
from common.db import unavailable
from common.errors import (
    REST_ERRORS,
    Forbidden,
    InternalError,
    Invalid,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    ParleyError,
    RateLimited,
    SessionEnded,
    TokenExpired,
    TokenInvalid,
    TooLarge,
    UnsupportedType,
    UserDisabled,
)
from common.problems import PROBLEM_JSON, current_request_id, describe

logger = structlog.get_logger(__name__)

_HOST_MAX_CHARS = 255  # of a name (RFC 1035), in an answer and the log

# The more general class of a status comes first in REST_ERRORS: 404 is `not_found`.
_BY_STATUS = {error.status: error for error in reversed(REST_ERRORS)}
# RFC 6750, section 3.1: says that a token was read and refused, so another one may do.
_REFUSED_TOKENS = (TokenExpired, TokenInvalid, SessionEnded, UserDisabled)


def translate(error: Exception) -> ParleyError | None:
    """The error a client gets for `error`, or None where it is a bug of ours."""
    match error:
        case ParleyError():
            return error
        case Http404() | drf.NotFound():
            return NotFound()
        case drf.MethodNotAllowed():
            return MethodNotAllowed()
        case drf.UnsupportedMediaType():
            return UnsupportedType()
        case drf.NotAuthenticated():
            return NotAuthenticated()
        case drf.AuthenticationFailed():
            return TokenInvalid()
        case drf.Throttled():
            return RateLimited(retry_after_s=getattr(error, "wait", None))
        case PermissionDenied() | drf.PermissionDenied():
            return Forbidden()
        case RequestDataTooBig():
            return TooLarge()
        case SuspiciousOperation() | UnreadablePostError() | BadHeaderError():
            return Invalid()
        case drf.APIException(status_code=status) if status < 500:
            return _BY_STATUS.get(status, Invalid)()
    return unavailable(error)


def problem(error: ParleyError) -> HttpResponse:
    """The answer that carries `error`."""
    body = describe(error, request_id=current_request_id())
    response = HttpResponse(msgspec.json.encode(body), status=error.status, content_type=PROBLEM_JSON)
    # 404, 405 and 410 may be kept by caches unless told otherwise (RFC 9110, section 15.1).
    response["Cache-Control"] = "no-store"
    if error.retry_after_s is not None:
        response["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, RateLimited) and error.standing is not None:
        add_rate_headers(response, error.standing)
    if isinstance(error, _REFUSED_TOKENS):
        response["WWW-Authenticate"] = 'Bearer realm="parley", error="invalid_token"'
    elif error.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="parley"'
    return response


def problem_for_status(status: int) -> HttpResponse:
    """The answer of a failure of which only the status is known."""
    fallback = Invalid if status < HTTPStatus.INTERNAL_SERVER_ERROR else InternalError
    return problem(_BY_STATUS.get(status, fallback)())


def expected(error: Exception) -> HttpResponse | None:
    """The answer to an error that is no bug of ours, else None."""
    known = translate(error)
    if known is None:
        return None
    if known is not error and known.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("request failed", code=known.code, error=type(error).__name__)
    return problem(known)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponseBase:
    """DRF's EXCEPTION_HANDLER. A bug is logged with its traceback and answered `internal_error`."""
    answer = expected(error)
    if answer is not None:
        return answer
    # What error trackers listen to, and what makes the test client raise the error again.
    request = getattr(context.get("request"), "_request", None)
    got_request_exception.send(sender=exception_handler, request=request)
    logger.error("request failed", exc_info=error)
    return problem(InternalError())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a Host that is not ours, a malformed form, too large a body."""
    if isinstance(exception, DisallowedHost):
        return problem(_host_refused(request))
    return problem(translate(exception) or Invalid())


def _host_refused(request: HttpRequest) -> Invalid:
    """Says which Host, and which setting: nobody finds out by themselves. The log has it too."""
    host = request.META.get("HTTP_HOST", "")[:_HOST_MAX_CHARS]
    host = "".join(char if char.isprintable() else "?" for char in host)
    logger.warning("host refused", host=host, setting="ALLOWED_HOSTS")
    return Invalid.field(
        "Host", f"this server does not go by {host!r}: it is not in its ALLOWED_HOSTS", "host_not_allowed"
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return problem(Forbidden())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404, and the view of every URL that is none of ours."""
    return problem(NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: what failed outside of any view. Django logs it."""
    failure = sys.exception()
    answer = expected(failure) if isinstance(failure, Exception) else None
    return answer or problem(InternalError())
