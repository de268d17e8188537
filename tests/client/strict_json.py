"""JSON as strict parsers in other languages read it."""

import json
from typing import Any, NoReturn

Json = dict[str, Any]


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a name stands twice: {[name for name, _ in pairs]}")
    return found


def loads(text: str | bytes) -> Any:
    """Parse; NaN, Infinity and an object with the same name twice are a ValueError."""
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)


def dumps(value: Any) -> str:
    """Compact JSON; NaN and Infinity are a ValueError."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
