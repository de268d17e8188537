"""How a view names a typed struct in its OpenAPI description.

The structs are the one truth of every shape: `ref(Message)` points to a component that
openapi/ generates from the struct itself.
"""

from typing import Any

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from common.errors import ParleyError
from common.problems import PROBLEM_JSON, Problem, describe

_named: dict[str, type] = {}


def ref(shape: type) -> dict[str, Any]:
    """A JSON-schema reference to `shape`, remembered for the document's components."""
    known = _named.setdefault(shape.__name__, shape)
    if known is not shape:
        raise ValueError(f"two structs are called {shape.__name__}")
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def body(shape: type) -> dict[str, Any]:
    """`extend_schema(request=body(CreateRoom))`."""
    return {"application/json": ref(shape)}


def named_structs() -> tuple[type, ...]:
    """Every struct that a view has named so far."""
    return tuple(_named.values())


def problems(*errors: type[ParleyError]) -> dict[tuple[int, str], OpenApiResponse]:
    """`extend_schema(responses={201: ref(Room), **problems(Banned, AlreadyExists)})`.

    Names what is particular to a view. What every view may answer (a missing token, a crash) is
    added by openapi/hooks.py.
    """
    found: dict[tuple[int, str], OpenApiResponse] = {}
    for status in sorted({error.status for error in errors}):
        found[status, PROBLEM_JSON] = OpenApiResponse(
            ref(Problem),
            examples=[
                OpenApiExample(error.code, value=problem_example(error), response_only=True)
                for error in errors
                if error.status == status
            ],
        )
    return found


def problem_example(error: type[ParleyError]) -> dict[str, Any]:
    """A problem of this class as JSON would show it."""
    raised = error(retry_after_s=1.5) if error.status in (429, 503) else error()
    found = msgspec.to_builtins(describe(raised, request_id="01945d4c-7b1e-7c3a-9f52-0d5f6f3c1a77"))
    assert isinstance(found, dict)
    return found


def path_id(name: str, description: str) -> OpenApiParameter:
    """An id in a URL's path."""
    return OpenApiParameter(name, OpenApiTypes.UUID, location=OpenApiParameter.PATH, description=description)


CURSOR = OpenApiParameter("cursor", str, description="`next_cursor` of the page before.")
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "default": 50},
    description="Rows of a page; more than 200 is 200. Fewer come where they would be more than about 1 MB.",
)
