"""One thing has one name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import new_id, parse_id


@given(st.uuids())
def test_an_id_is_read_as_it_is_written_and_in_no_other_way(key):
    text = str(key)
    assert parse_id(text) == key
    for other in (text.replace("-", ""), f"{{{text}}}", f"urn:uuid:{text}", f"{text}\n", f" {text}"):
        assert parse_id(other) is None
    if text != text.upper():
        assert parse_id(text.upper()) is None


@given(st.text(min_size=36, max_size=36))
def test_a_text_that_is_no_id_is_none(text):
    assert parse_id(text) is None or str(parse_id(text)) == text


@pytest.mark.parametrize("text", ["", "x" * 36, "0" * 36, "-" * 36, "\x00" * 36, "é" * 36, "\ud800" * 36])
def test_other_texts_of_that_length_are_none(text):
    assert parse_id(text) is None


def test_new_ids_differ_and_are_of_version_seven():
    made = {new_id() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {key.version for key in made} == {7}
