"""JSON schemas of msgspec structs, as OpenAPI 3.1 wants them."""

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect as shapes

Json = dict[str, Any]


def components(structs: Sequence[type]) -> dict[str, Json]:
    """The schema of each struct, and of each one it is made of, by the struct's name.

    A field that may be UNSET or has a default is not required; None is `{"type": "null"}`.
    """
    _, found = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    for shape in _every_struct(structs):
        schema = found[shape.cls.__name__]
        for field in shape.fields:
            _complete(schema["properties"][field.encode_name], field.type)
        if shape.tag_field is not None:
            schema["properties"][shape.tag_field] |= {"type": "string", "description": "What happened."}
    for schema in found.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return found


def _every_struct(structs: Sequence[type]) -> list[shapes.StructType]:
    """These structs and all they are made of, each once."""
    found: dict[type, shapes.StructType] = {}
    waiting: list[shapes.Type] = list(shapes.multi_type_info(structs))
    while waiting:
        shape = _bare(waiting.pop())
        match shape:
            case shapes.StructType(cls=cls, fields=fields):
                if cls not in found:
                    found[cls] = shape
                    waiting += [field.type for field in fields]
            case shapes.UnionType(types=types):
                waiting += types
            case shapes.VarTupleType(item_type=item) | shapes.ListType(item_type=item):
                waiting.append(item)
            case shapes.DictType(value_type=value):
                waiting.append(value)
    return list(found.values())


def _bare(shape: shapes.Type) -> shapes.Type:
    """Without what only the document is told of it."""
    return _bare(shape.type) if isinstance(shape, shapes.Metadata) else shape


def _complete(schema: Json, shape: shapes.Type) -> None:
    """Say what msgspec leaves out: that times are times, integers are long, and enums are texts."""
    shape = _bare(shape)
    match shape:
        case shapes.DateTimeType():
            schema["format"] = "date-time"
        case shapes.IntType():
            schema["format"] = "int64"
        case shapes.LiteralType(values=values) if all(isinstance(value, str) for value in values):
            schema["type"] = "string"
        case shapes.VarTupleType(item_type=item) | shapes.ListType(item_type=item):
            _complete(schema["items"], item)
        case shapes.DictType(value_type=value) if "additionalProperties" in schema:
            _complete(schema["additionalProperties"], value)
        case shapes.UnionType(types=types):
            # What is said of the field holds for what it may be beside null.
            bounds = {key: schema.pop(key) for key in schema.keys() - {"anyOf", "description", "default"}}
            for part in schema["anyOf"]:
                if part != {"type": "null"}:
                    part.update(bounds)
            # msgspec writes the alternatives in the order of the annotation.
            for part, one in zip(schema["anyOf"], types, strict=True):
                _complete(part, one)
