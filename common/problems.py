"""An error as REST clients get it: RFC 9457 `application/problem+json`."""

from typing import Annotated

import structlog
from msgspec import UNSET, Struct, UnsetType

from common.errors import FieldError, ParleyError
from common.meaning import means

PROBLEM_JSON = "application/problem+json"


class Problem(Struct, frozen=True):
    """Why a request was refused. `code` is what to switch on; texts are for people.

    `errors` names the wrong fields, `reason` why events cannot be replayed (`resync` alone), and
    `retry_after` the seconds to wait before asking again.
    """

    type: Annotated[str, means("`urn:parley:problem:` and the code.")]
    title: Annotated[str, means("What the code means, in English; the same for every such problem.")]
    status: Annotated[int, means("The HTTP status, once more.", minimum=400, maximum=599)]
    detail: Annotated[str, means("What it is this time, in English, for people.")]
    code: Annotated[str, means("What to switch on.")]
    request_id: Annotated[str, means("The request in the server's log, as in the header `X-Request-ID`.")]
    errors: Annotated[tuple[FieldError, ...] | UnsetType, means("The wrong fields.")] = UNSET
    reason: Annotated[
        str | UnsetType,
        means(
            "Why the log cannot be read from there: `ahead`, `epoch` (later releases add words); of `resync`."
        ),
    ] = UNSET
    retry_after: Annotated[
        float | UnsetType, means("Seconds to wait before the same may pass.", minimum=0)
    ] = UNSET


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
