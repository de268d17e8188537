"""Frames a little or very wrong: good ones, mutated by a seed, and what each must be answered with."""

import copy
import json
import math
import random
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400,
    "", " ", "\x00", "a\x00b", "\ud83d", "\udc00x", "\ufeff", "\u202e", "💥" * 70, "e\u0301" * 50, "\u0301" * 40, "ﷺ" * 20,
    "\U0010ffff", "\ufffe", "null", "all", "1", "-1", "NaN", "../..", "%00", "'; --", "{}", "a" * 64, "a" * 65, "a" * 9_000,
    [], {}, [[]], [None], [1, "1"], {"": ""}, {"a": {"b": []}}, {"\x00": 1}, {"\ud800": 1}, ["x"] * 600, list(range(3_000)),
    {str(number): number for number in range(2_000)},
]  # fmt: skip
RAW = [
    "NaN", "-Infinity", "1e400", "-1e400", "1" * 4_000, "1" * 5_000, "0" * 50, "1.", ".5", "+1", "0x10", "1_000", "١", "'x'",
    "[" * 600 + "]" * 600, "[" * 5_000 + "]" * 5_000, '{"a":' * 600 + "1" + "}" * 600, '"\\ud83d\\ude00"', '"\\udc00\\ud800"',
    '"\\u0000"', '"\\x41"', '"\t"', "tru", "undefined", "//", '"', "\\", "\u2028",
]  # fmt: skip
_HOLE = "a hole for raw text"


def mutated(frame: dict[str, Any], types: list[str], rng: random.Random) -> str:
    """The text of a frame after one to four changes."""
    frame = copy.deepcopy(frame)
    for _ in range(rng.choice((1, 1, 2, 3))):
        rng.choice(_CHANGES)(frame, types, rng)
    text = json.dumps(frame, ensure_ascii=rng.random() < 0.5)
    text = text.replace(json.dumps(_HOLE), rng.choice(RAW))
    while rng.random() < 0.25:
        text = rng.choice(_CUTS)(text, rng)
    # A text that was cut is still UTF-8 on the line: what is not is test_rfc6455.py's.
    return text.encode(errors="replace").decode()


def _place(frame: dict[str, Any], rng: random.Random) -> tuple[Any, Any]:
    """Somewhere in the frame: a container and a key of it."""
    container: Any = frame
    while True:
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key = rng.choice(keys) if keys else None
        inner = None if key is None else container[key]
        if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.4:
            return container, key
        container = inner


def _replace(frame: dict[str, Any], types: list[str], rng: random.Random) -> None:
    container, key = _place(frame, rng)
    if key is not None:
        container[key] = copy.deepcopy(rng.choice(ODD))


def _raw(frame: dict[str, Any], types: list[str], rng: random.Random) -> None:
    container, key = _place(frame, rng)
    if key is not None:
        container[key] = _HOLE


def _drop(frame: dict[str, Any], types: list[str], rng: random.Random) -> None:
    container, key = _place(frame, rng)
    if key is not None:
        del container[key]


def _add(frame: dict[str, Any], types: list[str], rng: random.Random) -> None:
    name = rng.choice(["", "id", "type", "Type", "room", "seq", "since", "__class__", "\x00", "é", "x" * 300])
    frame[name] = copy.deepcopy(rng.choice(ODD))


def _exchange(frame: dict[str, Any], types: list[str], rng: random.Random) -> None:
    one, other = rng.choice(list(frame) or [""]), rng.choice(list(frame) or [""])
    frame[one], frame[other] = frame.get(other), frame.get(one)


def _wrap(frame: dict[str, Any], types: list[str], rng: random.Random) -> None:
    container, key = _place(frame, rng)
    if key is not None:
        container[key] = rng.choice([[container[key]], {"room": container[key]}, [[container[key]] * 3]])


def _retype(frame: dict[str, Any], types: list[str], rng: random.Random) -> None:
    frame["type"] = rng.choice(types)


_CHANGES: list[Callable[[dict[str, Any], list[str], random.Random], None]] = [
    _replace, _replace, _raw, _drop, _add, _exchange, _wrap, _retype,
]  # fmt: skip


def _flip(text: str, rng: random.Random) -> str:
    data = bytearray(text.encode(errors="surrogatepass"))
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data.decode(errors="replace")


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _without(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + text[start + rng.randrange(1, 9) :]


def _twice(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    end = start + rng.randrange(1, 40)
    return text[:end] + text[start:]


def _same_name(text: str, rng: random.Random) -> str:
    """A name that stands twice."""
    name = rng.choice(["id", "type", "room", "rooms", "body", "x"])
    value = rng.choice([json.dumps(rng.choice(ODD[:24])), '"read"', '"ping"', "7"])
    return (
        text.replace("{", f'{{"{name}":{value},', 1)
        if rng.random() < 0.5
        else f'{text[:-1]},"{name}":{value}}}'
    )


def _insert(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + rng.choice([*RAW, "\x00", "{", "}", "]", ",", ":", "\ufeff", "\x1f"]) + text[start:]


_CUTS: list[Callable[[str, random.Random], str]] = [_flip, _cut, _without, _twice, _same_name, _insert]


class Expected(NamedTuple):
    """How often a frame is answered, and with which `id`s it may be."""

    least: int
    ids: list[Any]

    def holds(self, answers: list[dict[str, Any]]) -> bool:
        """Whether these are such answers; a frame without an id is carried out, or gets an `error` or `pong`."""
        return self.least <= len(answers) <= 1 and all(
            any(answer["id"] == one and type(answer["id"]) is type(one) for one in self.ids)
            and (answer["id"] is not None or answer["type"] in ("error", "pong"))
            for answer in answers
        )


def expected(text: str) -> Expected:
    """By Python's own parser of JSON, which takes a little more than the server does: then either is right."""
    odd: list[object] = []
    twice: list[Any] = []

    def number(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            odd.append(digits)
        return value

    def integer(digits: str) -> int:
        if len(digits.lstrip("-")) > sys.int_info.default_max_str_digits:
            odd.append(digits[:9])
            return 0
        return int(digits)

    def names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            twice.extend(value for name, value in pairs if name == "id")
            odd.append("a name that stands twice")
        return dict(pairs)

    try:
        value = json.loads(
            text, parse_constant=_refuse, parse_float=number, parse_int=integer, object_pairs_hook=names
        )
    except (ValueError, RecursionError):
        return Expected(1, [None])
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return Expected(1, [None])
    key = value.get("id")
    if key is None or twice:
        return Expected(0, [None, *twice])
    whole = isinstance(key, int) and not isinstance(key, bool)
    if not (whole or (isinstance(key, str) and len(key) <= 64)):
        return Expected(1, [None])
    lenient = odd or "\\ud" in text.lower() or "[" * 500 in text or '{"a":' * 500 in text
    return Expected(1, [key, None] if lenient else [key])


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)
