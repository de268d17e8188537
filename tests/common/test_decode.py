"""What is said of JSON that cannot be read, whatever it costs to say it."""

import time
import tracemalloc

import pytest

from common.decode import decode_json, half_characters
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
