"""Queries asked at every request, whose SQL Django makes once.

Making the SQL of a queryset costs several times what executing it does. The queryset stays the one place that
says what is asked.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Model, QuerySet
from psycopg.pq import Format

from common.rows import Kind, kind_of, read_row

M = TypeVar("M", bound=Model)
Kinds = type[UUID] | type[int] | type[list[UUID]]
Value = UUID | int | Collection[UUID]

# Nothing in a query is one of these, or a near one, by chance.
_SAMPLE_UUID = UUID("5a3b1e00-7e57-4a3b-9e57-c0de00000000")
_SAMPLE_INT = 7_540_113_804_746_346_000


class CompiledOnce:
    """`CompiledOnce(make, room_id=UUID, limit=int)`: `make(room_id=…, limit=…)` is a queryset of `values_list`.

    The parameters are UUIDs, ints, and collections of UUIDs (`list`). They may be used in filters, several times,
    a list by `in` alone, and one int as the end of a slice; what they are must not change the SQL, so they are
    never None.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], **types: Kinds) -> None:
        self._make = make
        self._samples: dict[str, Any] = {}
        for number, (name, kind) in enumerate(types.items()):
            one = _SAMPLE_INT + number if kind is int else UUID(int=_SAMPLE_UUID.int + number)
            self._samples[name] = [one] if kind is list else one
        self._made: dict[str, tuple[str, list[tuple[bool, Any]], list[Kind]]] = {}

    def rows(self, **values: Value) -> list[Sequence[Any]]:
        """The rows, with Python's own values but for JSON, which `common.rows.read_json` reads."""
        vendor = connection.vendor
        if vendor not in self._made:
            self._made[vendor] = self._compile()
        sql, places, kinds = self._made[vendor]
        with connection.cursor() as cursor:
            if vendor == "postgresql":
                # Read in C; of text Django reads times itself, in Python.
                cursor.cursor.format = Format.BINARY
            cursor.execute(sql, [_written(values[x]) if named else x for named, x in places])
            rows: list[Sequence[Any]] = cursor.fetchall()
        return rows if vendor == "postgresql" else [read_row(kinds, row) for row in rows]

    def _compile(self) -> tuple[str, list[tuple[bool, Any]], list[Kind]]:
        compiler = self._make(**self._samples).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        names = {_written(_one(sample)): name for name, sample in self._samples.items()}
        places = [(True, names[p]) if p in names else (False, p) for p in params]
        parts = sql.split("%s")
        for number, (named, name) in enumerate(places):
            if named and isinstance(self._samples[name], list):
                assert parts[number].endswith(" IN ("), sql
                if connection.vendor == "postgresql":
                    parts[number] = parts[number].removesuffix(" IN (") + " = ANY ("
                else:
                    parts[number] += "SELECT value FROM json_each("
                    parts[number + 1] = ")" + parts[number + 1]
        for name, sample in self._samples.items():
            limit = f" LIMIT {sample}"
            if parts[-1].endswith(limit):
                parts[-1:] = [parts[-1].removesuffix(limit) + " LIMIT ", ""]
                places.append((True, name))
        assert {x for named, x in places if named} == set(self._samples), sql
        return "%s".join(parts), places, [kind_of(_field(column)) for column, _, _ in compiler.select]


class CompiledJoin(Generic[M]):
    """As `CompiledOnce`, of a queryset of models each with the one that its foreign key `to` names.

    Neither may have a JSON field.
    """

    def __init__(self, model: type[M], to: str, make: Callable[..., QuerySet[M]], **types: Kinds) -> None:
        self._model, self._to = model, to
        self._other: type[Model] = model._meta.get_field(to).related_model  # type: ignore[assignment]
        self._names = [field.attname for field in model._meta.concrete_fields]
        self._other_names = [field.attname for field in self._other._meta.concrete_fields]
        wanted = (*self._names, *(f"{to}__{name}" for name in self._other_names))
        self._rows = CompiledOnce(lambda **values: make(**values).values_list(*wanted), **types)

    def first(self, **values: Value) -> M | None:
        """The first of them, if there is any, with the other one where Django's `select_related` puts it."""
        for row in self._rows.rows(**values):
            found = self._model.from_db(connection.alias, self._names, row[: len(self._names)])
            other = self._other.from_db(connection.alias, self._other_names, row[len(self._names) :])
            setattr(found, self._to, other)
            return found
        return None


def _one(sample: Any) -> Any:
    return sample[0] if isinstance(sample, list) else sample


def _written(value: Any) -> Any:
    """`value` as the driver takes it."""
    if connection.vendor == "sqlite":
        if isinstance(value, UUID):
            return value.hex
        if not isinstance(value, int):
            return msgspec.json.encode([key.hex for key in value]).decode()
    return value if isinstance(value, (UUID, int)) else list(value)


def _field(column: Any) -> Any:
    return getattr(column, "target", None) or column.output_field
