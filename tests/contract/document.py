"""The generated OpenAPI document, as tests ask it."""

import functools
import re
from typing import Any, NamedTuple

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker

METHODS = ("get", "put", "post", "patch", "delete")


class Operation(NamedTuple):
    """One call of the document; `path` is below `/api/v1/`, with its parameters in braces."""

    id: str
    method: str
    path: str
    spec: dict[str, Any]

    @property
    def parameters(self) -> list[str]:
        """The names in the path, in its order."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def open(self) -> bool:
        """Whether it is called without a token."""
        return not any(self.spec.get("security", ()))

    @property
    def query(self) -> list[str]:
        """The names of its query."""
        return [one["name"] for one in self.spec.get("parameters", ()) if one["in"] == "query"]

    @property
    def has_input(self) -> bool:
        """Whether it takes anything beside its path."""
        return "requestBody" in self.spec or bool(self.query)

    def body_fields(self, *, of: str) -> list[str]:
        """The names of its body's fields that may be of this type."""
        media = self.spec.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "schema" not in media:
            return []
        shape = document()["components"]["schemas"][media["schema"]["$ref"].rsplit("/", 1)[-1]]
        return [
            name
            for name, field in shape["properties"].items()
            if any(choice.get("type") == of for choice in field.get("anyOf", [field]))
        ]

    def codes(self, status: int) -> set[str]:
        """The codes of problems that it may answer with this status."""
        content = self.spec["responses"].get(str(status), {}).get("content", {})
        return {code for media in content.values() for code in media.get("examples", ())}


@functools.cache
def document() -> dict[str, Any]:
    """The document as it is served."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def operations() -> list[Operation]:
    """Every operation of the API."""
    return [
        Operation(item[method]["operationId"], method.upper(), path.removeprefix("/api/v1/"), item[method])
        for path, item in document()["paths"].items()
        if path.startswith("/api/v1/")
        for method in METHODS
        if method in item
    ]


def body_examples(operation: Operation) -> dict[str, Any]:
    """The examples of its body by name; none where it takes none."""
    media = operation.spec.get("requestBody", {}).get("content", {}).get("application/json", {})
    found = {name: example["value"] for name, example in media.get("examples", {}).items()}
    return found | ({"example": media["example"]} if "example" in media else {})


def problems_of(name: str, value: Any) -> list[str]:
    """What is wrong with `value` as the component `name`."""
    components = document()["components"]
    validator = Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": components}, format_checker=FormatChecker()
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
