"""What every operation of the document must have, held in tests and by `manage.py check --deploy`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

from openapi.hooks import operations
from openapi.pages import document

Json = dict[str, Any]


def shortcomings(found: Json) -> list[str]:
    """What the operations and shapes of a document lack, in words; empty where it is fit to be published."""
    said = [
        f"the field {field} of {name} has no description"
        for name, shape in found["components"]["schemas"].items()
        for field, schema in shape.get("properties", {}).items()
        if not schema.get("description")
    ]
    seen: set[str] = set()
    described = {tag["name"] for tag in found.get("tags", [])}
    for path, operation in operations(found):
        name = operation.get("operationId", "")
        where = f"{name or 'an operation'} ({path})"
        if not name:
            said.append(f"{where} has no operationId")
        elif name in seen:
            said.append(f"{where} shares its operationId with another operation")
        seen.add(name)
        if not operation.get("summary"):
            said.append(f"{where} has no summary")
        said += [
            f"{where} has the tag {tag}, which has no description"
            for tag in operation["tags"]
            if tag not in described
        ]
        said += _unsaid(path, operation, where)
        said += [
            f"{where} has no example of {what}" for what, body in _bodies(operation) if not _has_example(body)
        ]
    return said


def _unsaid(path: str, operation: Json, where: str) -> list[str]:
    """What generated clients need to know of the body they send, and of every answer."""
    said = []
    if "required" not in operation.get("requestBody", {"required": False}):
        said.append(f"{where} does not say whether its body is required")
    limited = ("RateLimit", "RateLimit-Policy") if path.startswith("/api/v1/") else ()
    for status, answer in operation["responses"].items():
        waits = ("Retry-After",) if status in ("429", "503") else ()
        said += [
            f"{where} does not declare {header} of its {status}"
            for header in ("X-Request-ID", *limited, *waits)
            if header not in answer.get("headers", {})
        ]
    return said


def _bodies(operation: Json) -> list[tuple[str, Json]]:
    """Whatever of an operation carries a body, with a name for it."""
    bodies = [("its request", operation["requestBody"])] if "requestBody" in operation else []
    return bodies + [(f"its {status}", answer) for status, answer in operation["responses"].items()]


def _has_example(body: Json) -> bool:
    return all(media.keys() & {"example", "examples"} for media in body.get("content", {}).values())


@checks.register("openapi", deploy=True)
def check_document(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """The document of the server as it is configured."""
    return [checks.Error(said, id="openapi.E001") for said in shortcomings(document())]
