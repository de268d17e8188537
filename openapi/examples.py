"""Examples made from schemas, so that no operation is without one and none can go stale.

A view that has something particular to show gives its own; that one stays.
"""

from typing import Any

Json = dict[str, Any]

# By field name, where the name says more than the type.
_BY_NAME: dict[str, Any] = {
    "access": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl",
    "refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl",
    "avatar": None,
    "bio": "Writes programs for machines that do not exist yet.",
    "body": "The engine weaves algebraic patterns.",
    "client_id": "c-4f1d2b",
    "code": "Zk3vQ9",
    "count": 2,
    "deleted_at": None,
    "device": "Ada's phone",
    "display_name": "Ada Lovelace",
    "edited_at": None,
    "email": "ada@example.com",
    "emoji": "👍",
    "first_seq": 1,
    "has_thumbnail": True,
    "height": 480,
    "is_bot": False,
    "last_read_seq": 41,
    "last_seq": 42,
    "member_count": 2,
    "muted_until": None,
    "name": "Engines",
    "next_cursor": None,
    "password": "correct horse battery staple",
    "reply_to": None,
    "resync": None,
    "seq": 42,
    "size": 48213,
    "slow_mode_s": 0,
    "thread": None,
    "topic": "Analytical and other engines",
    "unread_count": 1,
    "username": "ada",
    "width": 640,
}
_BY_FORMAT: dict[str, Any] = {
    "uuid": "019aa5e2-7d3c-7a41-9c1b-2f60c35e8d11",
    "date-time": "2026-11-23T09:15:02.318114Z",
    "uri": "https://example.com/",
    "binary": "",
}
_BY_TYPE: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": False, "string": "text", "null": None}


def example_of(schema: Json, schemas: Json, *, name: str = "") -> Any:
    """A value that `schema` allows; `schemas` are the components it may refer to.

    `name` is the field's. A recursive schema ends where it first may be null or absent.
    """
    return _example(schema, schemas, name, ())


def _example(schema: Json, schemas: Json, name: str, inside: tuple[str, ...]) -> Any:
    if "$ref" in schema:
        component = schema["$ref"].rsplit("/", 1)[-1]
        return _example(schemas[component], schemas, name, (*inside, component))
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        return _one_of(choices, schemas, name, inside)
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        return {
            field: _example(part, schemas, field, inside)
            for field, part in schema.get("properties", {}).items()
            if field in schema.get("required", ()) or not _refers_to(part, inside)
        }
    if kind == "array":
        return [] if _refers_to(schema["items"], inside) else [_example(schema["items"], schemas, "", inside)]
    if "format" in schema and schema["format"] in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    named = _BY_NAME.get(name)
    return named if named is not None and _fits(named, kind) else _BY_TYPE[kind]


def _one_of(choices: list[Json], schemas: Json, name: str, inside: tuple[str, ...]) -> Any:
    """The first choice that is not null, unless null is the more telling or the only end."""
    nullable = any(choice.get("type") == "null" for choice in choices)
    if nullable and name in _BY_NAME and _BY_NAME[name] is None:
        return None
    left = [choice for choice in choices if choice.get("type") != "null" and not _refers_to(choice, inside)]
    return _example(left[0], schemas, name, inside) if left else None


def _refers_to(schema: Json, components: tuple[str, ...]) -> bool:
    return "$ref" in schema and schema["$ref"].rsplit("/", 1)[-1] in components


def _fits(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    return kind in ("integer", "number") and isinstance(value, int) and not isinstance(value, bool)
