"""What people may write and be called (docs/rest.md: Text)."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from common.text import (
    clean_client_id,
    clean_name,
    clean_text,
    clean_username,
    is_blank,
    username_key,
    username_look,
)

ANY = st.text(st.characters(), max_size=60)  # unpaired surrogates too
GREEK = "ᾂ"  # the longest canonical decomposition there is: four code points for one


def refusal(clean, text, **rules):
    """The code of the one field error that `clean` raises, which names the field asked about."""
    with pytest.raises(Invalid) as raised:
        clean(text, attr="field", **rules)
    (error,) = raised.value.errors
    assert error.attr == "field"
    return error.code


@given(ANY)
def test_a_text_is_stored_in_nfc_or_refused(text):
    try:
        cleaned = clean_text(text, attr="body", max_chars=50)
    except Invalid:
        surrogate = any(unicodedata.category(char) == "Cs" for char in text)
        assert surrogate or "\x00" in text or len(unicodedata.normalize("NFC", text)) > 50
    else:
        assert cleaned == unicodedata.normalize("NFC", text)
        assert len(cleaned) <= 50
        assert clean_text(cleaned, attr="body", max_chars=50) == cleaned
        cleaned.encode()


@pytest.mark.parametrize(
    "text",
    ["", " ", "a\nb\t", "👩‍👩‍👧", "می‌خواهم", "\u202eabc", "\u200b", "<img onerror=x>", "😀" * 50, "\ufeff"],
)
def test_a_text_may_hold_what_people_write(text):
    assert clean_text(text, attr="body", max_chars=50) == text


ZERO_WIDTH = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t", "\u2003\u00a0\u2028", *ZERO_WIDTH, "".join(ZERO_WIDTH) * 100, " \u200b\n\ufeff "],
)
def test_a_text_of_nothing_that_shows_is_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize(
    "text", ["a", " a ", "می‌خواهم", "👩‍👩‍👧", "\u200b.", "\ufeffa", *(f"\u200b{c}x" for c in ZERO_WIDTH)]
)
def test_a_text_with_anything_that_shows_is_not_blank(text):
    assert not is_blank(text)


@given(ANY)
def test_all_white_space_is_blank(text):
    assert is_blank(text) or text.strip()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\x00", "bad_character"),
        ("\ud800", "bad_character"),
        ("\udc00\ud800", "bad_character"),
        ("x" * 51, "too_long"),
        ("x" * 10_000_000, "too_long"),
        ("שׁ" * 26, "too_long"),  # composed letters that NFC takes apart
    ],
)
def test_a_text_may_not_hold_what_is_none(text, code):
    assert refusal(clean_text, text, max_chars=50) == code


def test_the_length_counts_after_composing():
    apart = unicodedata.normalize("NFD", GREEK * 50)
    assert len(apart) == 200
    assert clean_text(apart, attr="body", max_chars=50) == GREEK * 50
    assert refusal(clean_text, apart + "x", max_chars=50) == "too_long"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=10))
def test_composing_never_shrinks_to_less_than_a_quarter(text):
    """What lets `clean_text` refuse four times too much without normalising it."""
    assert len(text) <= 4 * len(unicodedata.normalize("NFC", text))


@given(ANY)
def test_a_name_is_trimmed_visible_and_stays_itself(text):
    try:
        name = clean_name(text, attr="name")
    except Invalid:
        return
    assert name
    assert name == name.strip()
    assert not {unicodedata.category(char) for char in name} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert clean_name(name, attr="name") == name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        ("   ", "blank"),
        ("\u2003\u00a0", "blank"),
        ("a\nb", "bad_character"),
        ("a\x07b", "bad_character"),
        ("a\x7fb", "bad_character"),
        ("a\u200bb", "bad_character"),
        ("a\u200db", "bad_character"),
        ("\u202eabc", "bad_character"),
        ("a\u2066b", "bad_character"),
        ("a\u2028b", "bad_character"),
        ("\ufeffa", "bad_character"),
        ("a\ue000", "bad_character"),
        ("a\x00", "bad_character"),
        ("\ud800", "bad_character"),
        ("x" * 101, "too_long"),
    ],
)
def test_a_name_may_not_hide_anything(text, code):
    assert refusal(clean_name, text) == code


def test_a_name_may_be_blank_where_that_is_asked_for():
    assert clean_name("  ", attr="device", blank=True) == ""
    assert clean_name(" Ada's phone ", attr="device", blank=True) == "Ada's phone"


@pytest.mark.parametrize("text", ["a", "A-Z.0_9:x", "x" * 64, "019aa5e2-7d3c-7a41-9c1b-2f60c35e8d11"])
def test_a_client_id_is_taken_as_it_is(text):
    assert clean_client_id(text) == text


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "é", "a\n", "a/b", "\x00", "\ud800", "１"])
def test_a_client_id_of_other_characters_is_refused(text):
    with pytest.raises(Invalid) as raised:
        clean_client_id(text)
    assert raised.value.errors[0].attr == "client_id"


@given(ANY)
def test_a_user_name_has_one_key_however_it_is_written(text):
    try:
        name = clean_username(text)
    except Invalid:
        return
    key = username_key(name)
    assert username_key(key) == key
    assert username_key(name.upper()) == key or name.upper().casefold() != name.casefold()
    assert username_key(unicodedata.normalize("NFD", name)) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [("ada", "ADA"), ("ada", "ａｄａ"), ("straße", "STRASSE"), ("ﬁn", "fin"), ("Ω", "Ω"), ("é", "é")],
)
def test_names_that_look_alike_have_the_same_key(one, other):
    assert username_key(one) == username_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada", "ɑda"),  # Latin alpha
        ("ada", "ᴀᴅᴀ"),
        ("ada", "аԁа"),  # Cyrillic, all of it
        ("ada", "ᎪᎠᎪ"),  # Cherokee
        ("bob", "ВОВ"),  # capitals alone look alike
        ("bob", "ꓐꓳꓐ"),  # Lisu
        ("eve", "еѵе"), ("capa", "Сара"), ("coco", "сосо"), ("toma", "тома"), ("nikn", "nιkn"), ("kate", "κατε"),
        ("noë", "поё"), ("işil", "Işıl"), ("inci", "İnci"), ("zoé", "zoe\u0301"), ("ada", "ＡＤＡ"),
    ],
)  # fmt: skip
def test_names_that_look_alike_look_the_same_whatever_their_script(one, other):
    assert username_look(one) == username_look(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada", "adá"),
        ("ada", "ad4"),
        ("bob", "b0b"),
        ("bill", "bi11"),
        ("arne", "ame"),
        ("Анна", "Алла"),
        ("महि", "मही"),
        ("佐", "佑"),
    ],
)
def test_names_that_people_tell_apart_look_different(one, other):
    assert username_look(one) != username_look(other)


@pytest.mark.parametrize(
    "name",
    ["ada", "Ada_1", "日本ひらカタ", "佐々木", "김철수", "Мария", "o.k-1", "_x", "é", "Мария7", "علی۱۲", "محمد١",
     "नमन१", "नमन1", "二〇", "ᠮᠣᠩ᠑", "ａ１",
     # marks: vowel signs, points, tones, accents that no letter has of its own
     "हिन्दी", "বাংলা", "தமிழ்", "ภาษาไทย", "မြန်မာ", "ខ្មែរ", "සිංහල", "བོད", "محمّد", "שָׁלוֹם", "ẹ̀kọ́", "Ю́лия",
     "İnci", "Işıl", "ɛvɔ", "Сара"],
)  # fmt: skip
def test_user_names_of_one_script_are_taken(name):
    assert clean_username(name) == name


@pytest.mark.parametrize(
    "name",
    ["аdmin", "pаypal", "adа", "admin", "ADMIN", "Ａdmin", "ad\u200bmin", "ada.", ".ada", "-ada", "a b",
     "a@b", "", "x" * 33, "ada\u202e", "ａ．", "①", "system", "me", "½",
     "ɑdmin", "ѕуѕтем", "rооt", "ʀᴏᴏᴛ",  # they look reserved
     "ि", "_\u0301", "1\u0301", "a\u0301\u0301", "q" + "".join(map(chr, range(0x300, 0x305))), "a\u0338", "a\u20dd",
     "क\u0301", "a\u093f", "हa", "b\ufe0fb", "ㅤ", "ﾠ", "\u115f", "⠀", "ក\u17b4", "ᠮ\u180bᠣ", "a\u034f",
     "b०b", "bob١", "bob۱", "ada০", "1०a", "Мария१", "김१", "ada〇", "नमन١", "ada❶"],
)  # fmt: skip
def test_user_names_that_deceive_are_refused(name):
    if name == "①":  # its key is a plain 1: nobody is deceived
        assert username_key(name) == "1"
        return
    with pytest.raises(Invalid) as raised:
        clean_username(name)
    assert raised.value.errors[0].attr == "username"


@pytest.mark.parametrize("marks", [31, 16_000])
def test_more_marks_than_any_language_has_are_refused_at_once(marks):
    """Putting 32,000 of them into order took the whole process seven seconds."""
    text = "a" + "\u0315" * marks + "\u0316" * (marks - 1)
    started = time.process_time()
    with pytest.raises(Invalid) as refused:
        clean_text(text, attr="body", max_chars=8_000)
    assert time.process_time() - started < 0.1
    assert refused.value.errors[0].code == "bad_character"


def test_thirty_marks_in_a_row_are_stored_in_their_order():
    assert (
        clean_text("a" + "\u0315\u0316" * 15, attr="body", max_chars=99)
        == "a" + "\u0316" * 15 + "\u0315" * 15
    )
