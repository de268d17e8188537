"""The SQL that a piece of work runs."""

import re
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

_JOINT = re.compile(r"(?:^WITH |\), )w\d+ AS \(|\) (?=(?:INSERT INTO|UPDATE|DELETE FROM) )")


def asked(work: Callable[[], Any]) -> list[str]:
    """Everything that `work` asks of the database, but what opens and closes transactions."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return [
        query["sql"]
        for query in captured.captured_queries
        if query["sql"].split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    ]


def statements(work: Callable[[], Any]) -> list[str]:
    """Every statement that `work` runs; of those that PostgreSQL gets together (common/statements.py) each one."""
    return [part for sql in asked(work) for part in _JOINT.split(sql) if part]


def shape(sql: str) -> str:
    """A statement without its values, so that two are equal that a query planner takes for one."""
    sql = re.sub(r"'(?:[^']|'')*'(?:::\w+)?|\b[0-9a-f]{32}\b|\b\d+\b", "?", sql)
    return re.sub(r"\(\?(?:, \?)+\)", "(?)", sql)
