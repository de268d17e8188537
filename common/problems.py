"""An error as REST clients get it: RFC 9457 `application/problem+json`."""

import structlog
from msgspec import UNSET, Struct, UnsetType

from common.errors import FieldError, ParleyError

PROBLEM_JSON = "application/problem+json"


class Problem(Struct, frozen=True):
    """Why a request was refused. `code` is what to switch on; texts are for people.

    `errors` names the wrong fields, `reason` why events cannot be replayed (`resync` alone), and
    `retry_after` the seconds to wait before asking again.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[FieldError, ...] | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


def current_request_id() -> str:
    """The id of the request being answered, as backend/middleware.py bound it; "" outside of one."""
    found = structlog.contextvars.get_contextvars().get("request_id", "")
    return str(found)


def describe(error: ParleyError, *, request_id: str) -> Problem:
    """The problem that stands for `error`."""
    return Problem(
        type=f"urn:parley:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        request_id=request_id,
        errors=error.errors or UNSET,
        reason=UNSET if error.reason is None else error.reason,
        retry_after=UNSET if error.retry_after_s is None else error.retry_after_s,
    )
