"""What is said of JSON that cannot be read, whatever it costs to say it."""

import time
import tracemalloc
from typing import Annotated

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from common.decode import convert_struct, decode_json, decode_struct, half_characters
from common.errors import Invalid


@pytest.mark.parametrize(
    ("text", "attr"),
    [
        (r'{"body": "\ud83d"}', "body"),
        (r'{"a": {"b": [1, {"c": "x\udc00"}]}, "d": 1}', "a.b.1.c"),
        (r'{"a": [1], "b": {"\ud83d": 1}}', "b"),
        (r'["\ud83d"]', "0"),
        (r'"\uD83D"', "body"),
    ],
)
def test_the_first_half_of_a_character_is_named_by_its_path(text, attr):
    with pytest.raises(Invalid) as refused:
        decode_json(text.encode())
    assert (refused.value.errors[0].attr, refused.value.errors[0].code) == (attr, "bad_character")


def test_whole_characters_and_other_faults_are_not_taken_for_halves():
    for text in (r'"\ud83d\ude00"', "{", r'{"a": "\ud83d"', r'{"a": NaN, "b": "\ud83d"}', "[" * 100_000):
        assert half_characters(text.encode()) is None
    for data in (b'{"a": "\xff\\ud83d"}', b"\xff\xfe", b'"\xed\xa0\xbd"'):
        assert half_characters(data) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"' + "K" * 65_000 + '":[' + "0," * 32_000 + '0],"x":"\\ud83d"}',
        '{"x":"\\ud83d","' + "K" * 65_000 + '":[' + "0," * 32_000 + "0]}",
        "[" + '{"a":' * 300 + '"' + "\\ud83d" * 10_000 + '"' + "}" * 300 + "]",
    ],
)
def test_looking_for_it_costs_no_more_than_reading(text):
    """A path a value made 2 GB of one request of 128 KiB."""
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(Invalid) as refused:
        decode_json(text.encode())
    took_s, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 1
    assert peak < 10_000_000
    assert all(len(error.attr) <= 200 for error in refused.value.errors)


class Inner(msgspec.Struct):
    x: int


class Form(msgspec.Struct):
    """As bodies and frames are."""

    name: str
    number: Annotated[int, Meta(ge=0, le=9)]
    more: dict[str, Annotated[int, Meta(ge=0)] | None] | None = None
    people: list[Inner] | UnsetType = UNSET


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("{}", {"name": "required", "number": "required"}),
        ('{"name": 1, "number": 10, "more": [], "people": null}', dict.fromkeys(Form.__struct_fields__, "invalid")),
        ('{"number": "1", "x": 1}', {"name": "required", "number": "invalid"}),
        ('{"name": "", "number": 1, "people": [{"x": 1}, {}, {}]}', {"people.1.x": "required"}),
        ('{"name": "", "people": [1]}', {"number": "required", "people.0": "invalid"}),
        ('{"name": "", "number": 1, "more": {"a": 1, "b.c": -1, "d": "1"}}', {"more.b.c": "invalid"}),
        ('{"name": "", "number": 1, "more": {"a": 1.5}}', {"more.a": "invalid"}),
        ('{"name": null, "number": 1, "more": {"a": 1, "b": null, "": true}}', {"name": "invalid", "more": "invalid"}),
    ],
)  # fmt: skip
def test_every_wrong_field_is_named_in_order(text, errors):
    for read in (lambda: decode_struct(text, Form), lambda: convert_struct(decode_json(text.encode()), Form)):
        with pytest.raises(Invalid) as refused:
            read()
        assert [(error.attr, error.code) for error in refused.value.errors] == list(errors.items())
        assert all(error.detail in refused.value.detail for error in refused.value.errors)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"'])
def test_what_is_no_object_has_no_wrong_fields(text):
    with pytest.raises(Invalid) as refused:
        decode_struct(text, Form)
    assert refused.value.errors == ()


def test_a_wrong_key_among_thousands_is_found_without_reading_each_by_itself(monkeypatch):
    read = []
    convert = msgspec.convert

    def counted(value, **more):
        read.append(len(value) if isinstance(value, dict) else 1)
        return convert(value, **more)

    monkeypatch.setattr(msgspec, "convert", counted)
    keys = [f"{number:x}" for number in range(10_000)]
    for wrong in (keys[0], keys[6_789], keys[-1]):
        more = {key: -1 if key >= wrong and key in (wrong, keys[-1]) else 1 for key in keys}
        text = msgspec.json.encode({"name": "", "number": 1, "more": more})
        read.clear()
        with pytest.raises(Invalid) as refused:
            decode_struct(text, Form)
        assert sum(read) < 4 * len(keys)
        assert len(read) < 50
        assert [error.attr for error in refused.value.errors] == [f"more.{wrong}"]


@pytest.mark.parametrize(
    ("value", "shape", "said"),
    [
        (5, str | None, "Expected string or null, got integer"),
        ("5", int, "Expected integer, got string"),
        (1, bool, "Expected boolean, got integer"),
        ([], float, "Expected number, got array"),
    ],
)
def test_what_is_of_a_wrong_type_is_told_in_the_words_of_json(value, shape, said):
    form = msgspec.defstruct("Form", [("field", shape)])
    with pytest.raises(Invalid) as refused:
        convert_struct({"field": value}, form)
    assert refused.value.detail == f"field: {said}"
