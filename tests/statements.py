"""The SQL that a piece of work runs."""

import re
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def statements(work: Callable[[], Any]) -> list[str]:
    """Every statement that `work` runs, without those that open and close transactions."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return [
        query["sql"]
        for query in captured.captured_queries
        if query["sql"].split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
    ]


def shape(sql: str) -> str:
    """A statement without its values, so that two are equal that a query planner takes for one."""
    sql = re.sub(r"'(?:[^']|'')*'(?:::\w+)?|\b[0-9a-f]{32}\b|\b\d+\b", "?", sql)
    return re.sub(r"\(\?(?:, \?)+\)", "(?)", sql)
