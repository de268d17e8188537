"""What the views cannot say each by itself: the shared components, errors and examples of the document."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from common.errors import (
    REST_ERRORS,
    Forbidden,
    InternalError,
    Invalid,
    NotAuthenticated,
    NotFound,
    ParleyError,
    RateLimited,
    ScopeMissing,
    SessionEnded,
    StorageUnavailable,
    TokenExpired,
    TokenInvalid,
    TooLarge,
    Unavailable,
    UnsupportedType,
    UserDisabled,
)
from common.problems import PROBLEM_JSON, Problem
from common.schema import named_structs, problem_example, ref
from openapi.events import add_union, event_structs
from openapi.examples import example_of
from openapi.security import SESSION
from openapi.structs import components

Json = dict[str, Any]

_METHODS = ("get", "put", "post", "patch", "delete")
_BY_CODE = {error.code: error for error in REST_ERRORS}
_AGAIN = {
    401: "after a refresh",
    410: "load the room",
    429: "after `retry_after`",
    500: "with back-off",
    503: "yes, same `client_id`",
}
_AGAIN_BY_CODE = {
    "not_authenticated": "with one",
    "token_invalid": "after logging in",
    "session_ended": "after logging in",
    "bad_credentials": "no",
    "user_disabled": "no",
    "scope_missing": "with another token",
    "not_a_member": "after joining",
}
_ALWAYS_HEADERS = {
    "X-Request-ID": (
        "The request in the server's log, as `request_id` of a problem. One of the client's own is kept "
        "where it is 1 to 64 of letters, digits, `.`, `_` and `-`.",
        "01945d4c-7b1e-7c3a-9f52-0d5f6f3c1a77",
    ),
}
_WAIT_HEADERS = {"Retry-After": ("Seconds to wait.", "1")}
_RATE_HEADERS = {
    "RateLimit": (
        "Of each limit so many more now, and the seconds until a whole burst "
        "(draft-ietf-httpapi-ratelimit-headers-10).",
        '"requests";r=149;t=2',
    ),
    "RateLimit-Policy": (
        "The limits: a burst, and the seconds in which it flows back.",
        '"requests";q=200;w=4',
    ),
}
_MAY_TAKE_NOTHING = {"bans_put"}
"""The operations whose body may be left out."""


def add_components(result: Json, generator: SchemaGenerator, request: object, public: bool) -> Json:
    """drf-spectacular's post-processing hook; ValueError where two components share a name."""
    ref(Problem)
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    ours = components((*named_structs(), *event_structs()))
    add_union(ours)
    twice = schemas.keys() & ours.keys()
    if twice:
        raise ValueError(f"a serializer and a struct share a name: {', '.join(sorted(twice))}")
    schemas.update(ours)
    schemas["Problem"]["properties"]["code"] = _codes()
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    result["components"]["examples"] = {
        error.code: {"summary": error.title, "value": problem_example(error)} for error in REST_ERRORS
    }
    result["components"]["headers"] = {
        name: {"schema": {"type": "string"}, "description": text, "example": example}
        for name, (text, example) in (_ALWAYS_HEADERS | _WAIT_HEADERS | _RATE_HEADERS).items()
    }
    for path, operation in operations(result):
        _name_ids(operation)
        _allow_empty(operation)
        _add_scope(operation)
        _require_body(operation)
        _add_errors(path, operation)
        _add_headers(path, operation)
        _add_examples(operation, schemas)
    used = {tag for _, operation in operations(result) for tag in operation["tags"]}
    result["tags"] = [tag for tag in result.get("tags", []) if tag["name"] in used]
    return result


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Every operation of a document with its path."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, item[method]


def _codes() -> Json:
    """The schema of Problem.code: every code there is, and when to try again."""
    rows = [f"| `{error.code}` | {error.status} | {_again(error)} | {error.title} |" for error in REST_ERRORS]
    table = "\n".join(["| code | status | again? | |", "|---|---|---|---|", *rows])
    return {
        "type": "string",
        # No `enum`: generated clients would refuse an error of a code they do not know.
        "x-extensible-enum": [error.code for error in REST_ERRORS],
        "examples": [Invalid.code],
        "description": (
            "What to switch on. Later releases of v1 add codes: accept those you do not know, and treat them by "
            f"their status.\n\n{table}"
        ),
    }


def _again(error: type[ParleyError]) -> str:
    return _AGAIN_BY_CODE.get(error.code) or _AGAIN.get(error.status, "no")


def _name_ids(operation: Json) -> None:
    """Ids in paths are UUIDs like everywhere else."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path" and re.search(r"(^|_)id$", parameter["name"]):
            parameter["schema"] = {"type": "string", "format": "uuid"}


def _allow_empty(operation: Json) -> None:
    """A parameter of the query without a value is one that is not set."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and not parameter.get("required"):
            parameter["allowEmptyValue"] = True


def _role(operation: Json) -> str | None:
    """What an API token needs there: a scope, SESSION, "" for nothing; None where nobody needs a token."""
    asked = [roles for requirement in operation.get("security", ()) for roles in requirement.values()]
    return "".join(asked[0]) if asked else None


def _add_scope(operation: Json) -> None:
    """Say in words what an API token needs."""
    role = _role(operation)
    if role is not None:
        said = {SESSION: "Not with an API token.", "": "With any API token."}
        parts = [operation.get("description"), said.get(role, f"API tokens need `{role}`.")]
        operation["description"] = "\n\n".join(filter(None, parts))


def _add_errors(path: str, operation: Json) -> None:
    """Join what every such operation may answer to the errors the view named."""
    codes: dict[int, list[str]] = {}
    responses = operation["responses"]
    for status in [status for status in responses if int(status) >= 400]:
        content = responses.pop(status).get("content", {})
        examples = content.get(PROBLEM_JSON, {}).get("examples", {})
        codes[int(status)] = [example["value"]["code"] for example in examples.values()]
    for error in _always(path, operation):
        known = codes.setdefault(error.status, [])
        if error.code not in known:
            known.append(error.code)
    for status, known in sorted(codes.items()):
        responses[str(status)] = {
            "description": " ".join(f"`{code}`: {_BY_CODE[code].title}" for code in known),
            "content": {
                PROBLEM_JSON: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in known},
                }
            },
        }


def _require_body(operation: Json) -> None:
    """A body that an operation takes must be there; drf-spectacular says so of serializers alone."""
    if "requestBody" in operation:
        operation["requestBody"]["required"] = operation["operationId"] not in _MAY_TAKE_NOTHING


def _add_headers(path: str, operation: Json) -> None:
    """What every answer tells beside its body."""
    for status, answer in operation["responses"].items():
        names = [*_ALWAYS_HEADERS, *(_RATE_HEADERS if path.startswith("/api/v1/") else ())]
        if int(status) in (RateLimited.status, Unavailable.status):
            names += _WAIT_HEADERS
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        answer["headers"] = headers | answer.get("headers", {})


def _always(path: str, operation: Json) -> Iterator[type[ParleyError]]:
    """The errors an operation may answer because of what it takes."""
    parameters = operation.get("parameters", [])
    if "requestBody" in operation or any(parameter["in"] == "query" for parameter in parameters):
        yield Invalid
    if "requestBody" in operation:
        yield from (TooLarge, UnsupportedType)
    if any(operation.get("security", ())):  # [{}] is what needs no token
        yield from (NotAuthenticated, TokenExpired, TokenInvalid, SessionEnded, UserDisabled)
    if role := _role(operation):
        yield Forbidden if role == SESSION else ScopeMissing
    if "{" in path:
        yield NotFound
    if path.startswith("/api/"):
        yield RateLimited
        yield Unavailable
        yield StorageUnavailable
    yield InternalError


def _add_examples(operation: Json, schemas: Json) -> None:
    """One example, made from the schema, for every body and answer that has none of its own."""
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    bodies += [answer for status, answer in operation["responses"].items() if int(status) < 300]
    for body in bodies:
        for media in body.get("content", {}).values():
            if "schema" in media and not media.keys() & {"example", "examples"}:
                media["example"] = copy.deepcopy(example_of(media["schema"], schemas))
