"""Many rows in one statement, with SQL whose text does not depend on how many there are.

They come as one JSON document (PostgreSQL: `json_to_recordset`, SQLite: `json_each`), which is encoded
in C; the driver's arrays are built in Python, element by element. So a batch of 500 is one round trip,
one plan, and far from any limit on parameters.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from django.db import connection, models

Kind = Literal["uuid", "int", "text", "time", "json", "bool"]

_POSTGRES = {
    "uuid": "uuid",
    "int": "bigint",
    "text": "text",
    "time": "timestamptz",
    "json": "jsonb",
    "bool": "boolean",
}


class RowSet:
    """A table expression `name(column, …)` made of rows given as parameters.

    `RowSet("r", room="uuid", seq="int")`, then `f"SELECT … FROM {rows.sql}"` with
    `rows.params(list of (room, seq))`. Values are Python's own: UUID, int, str, aware datetime,
    anything JSON for "json", None for NULL.
    """

    def __init__(self, name: str, **columns: Kind) -> None:
        self.name = name
        self.columns = columns

    @property
    def sql(self) -> str:
        """The expression for the database of this thread's connection."""
        if connection.vendor == "postgresql":
            types = ", ".join(f"{column} {_POSTGRES[kind]}" for column, kind in self.columns.items())
            return f"json_to_recordset(%s::json) AS {self.name}({types})"
        fields = ", ".join(f"json_extract(value, '$[{i}]') AS {c}" for i, c in enumerate(self.columns))
        # The limit keeps SQLite from flattening the sub-query and parsing the JSON once a column.
        return f"(SELECT {fields} FROM json_each(%s) LIMIT -1) AS {self.name}"  # noqa: S608  our own names

    def named(self, column: str) -> str:
        """The condition that `column` is among the first column of the rows; by an index, whatever is known
        of the tables."""
        first = next(iter(self.columns))
        found = f"SELECT {self.name}.{first} FROM {self.sql}"  # noqa: S608  our own names
        if connection.vendor == "postgresql":
            return f"{column} = ANY (ARRAY ({found}))"
        return f"{column} IN ({found})"

    def params(self, rows: Iterable[Sequence[Any]]) -> list[Any]:
        """The parameters that stand for `rows` in `sql`."""
        if connection.vendor == "postgresql":
            names = tuple(self.columns)
            return [msgspec.json.encode([dict(zip(names, row, strict=True)) for row in rows]).decode()]
        kinds = tuple(self.columns.values())
        values = [[_sqlite(kind, v) for kind, v in zip(kinds, row, strict=True)] for row in rows]
        return [msgspec.json.encode(values).decode()]


def _sqlite(kind: Kind, value: Any) -> Any:
    """`value` as Django stores it in SQLite: UUIDs as 32 hex digits, times as naive UTC text."""
    if value is None:
        return None
    if kind == "uuid":
        assert isinstance(value, UUID)
        return value.hex
    if kind == "time":
        assert isinstance(value, datetime)
        return str(value.astimezone(UTC).replace(tzinfo=None))
    if kind == "json":
        return json.dumps(value)
    return value


def read_uuid(value: Any) -> UUID:
    """A UUID column of a raw query: PostgreSQL's driver gives a UUID, SQLite's the hex digits."""
    return value if isinstance(value, UUID) else UUID(value)


def read_time(value: Any) -> datetime:
    """A time column of a raw query, aware in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def read_json(value: Any) -> Any:
    """A JSON column of a raw query."""
    return json.loads(value) if isinstance(value, str) else value


def kind_of(field: Any) -> Kind:
    """How the column of a model's field is read."""
    target = field.target_field if field.is_relation else field
    for base, kind in _KINDS:
        if isinstance(target, base):
            return kind
    return "text"


_KINDS: "list[tuple[type[models.Field[Any, Any]], Kind]]" = [
    (models.UUIDField, "uuid"),
    (models.DateTimeField, "time"),
    (models.BooleanField, "bool"),
    (models.JSONField, "json"),
]


def read_row(kinds: Sequence[Kind], row: Sequence[Any]) -> Sequence[Any]:
    """A row of a raw query with Python's own values: PostgreSQL's driver gives them already."""
    if connection.vendor == "postgresql":
        return row
    return [
        value if value is None or kind not in _READERS else _READERS[kind](value)
        for kind, value in zip(kinds, row, strict=True)
    ]


_READERS: dict[str, Callable[[Any], Any]] = {
    "uuid": read_uuid, "time": read_time, "json": read_json, "bool": bool,
}  # fmt: skip
