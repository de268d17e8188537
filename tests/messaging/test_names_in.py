"""What in a text is a name."""

import pytest

from messaging.mentions import names_in


def first(text):
    """The likeliest of each name."""
    return [keys[0] for keys in names_in(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada", ["ada"]),
        ("@Ada and @BOB, @eve!", ["ada", "bob", "eve"]),
        ("(@ada) [@bob] **@eve** \"@dan\" '@x' <@y>", ["ada", "bob", "eve", "dan", "x", "y"]),
        ("@ada's @bob’s", ["ada", "bob"]),
        ("cc:@ada,@bob;@eve\n@dan", ["ada", "bob", "eve", "dan"]),
        ("@ada @bob @ada", ["ada", "bob"]),
        ("Thanks...@ada", ["ada"]),
        ("@ada.lovelace @a-b @a_b @1", ["ada.lovelace", "a-b", "a_b", "1"]),
        ("@Ａｄａ @Straße @ΑΔΑ", ["ada", "strasse", "αδα"]),
        ("@अनिल, @José", ["अनिल", "josé"]),
        ("你好@ada", ["ada"]),
        ("👋@ada👋", ["ada"]),
    ],
)
def test_names_are_found_as_people_write_them(text, names):
    assert first(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@", "@ ada", "@@ada", "@.", "@...", "@!",
        "ada@example.com", "a.b+c@ada", "x-@ada", "x_@ada", "mailto:ada@bob.",
        "https://example.com/@ada", "@ada/engine", "@ada@example.com",
        "`@ada`", "``x @ada ` y``", "``` \n@ada\n```", "```\n@ada", "say `a` then ``@ada``",
        f"@{'x' * 33}",
    ],
)  # fmt: skip
def test_what_is_part_of_something_else_is_no_name(text):
    assert names_in(text) == ()


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Ask @ada.", ("ada",)),
        ("@ada_", ("ada_", "ada")),
        ("@ada--", ("ada--", "ada")),
        ("@ada_.", ("ada_", "ada")),
        ("@adaさん", ("adaさん", "ada")),
        ("@花子さん", ("花子さん",)),
        (f"@ada{'さ' * 40}", ("ada",)),
    ],
)
def test_a_name_may_end_before_what_is_written_to_it(text, keys):
    assert names_in(text) == (keys,)


def test_outside_code_it_is_a_name_again():
    assert first("`@ada` @bob ```\n@eve\n``` @dan `x` ` @fay") == ["bob", "dan", "fay"]


def test_at_most_so_many_are_looked_for(settings):
    settings.MENTIONS_MAX_PER_MESSAGE = 3
    assert first("@a @b @a @c @d") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "@a" * 4_000,
        "`" * 8_000,
        "@" * 8_000,
        "``` " * 2_000,
        "`a``" * 2_000,
        "@a/" * 2_600,
        "@" + "a" * 7_999,
    ],
)
def test_a_text_made_to_be_slow_is_not(text):
    """Of the longest allowed; a pattern that backtracks would take minutes."""
    names_in(text)
