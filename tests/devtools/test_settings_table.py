"""docs/operations.md names every setting as backend/settings.py reads it."""

import re

import pytest

from devtools import settings_table
from devtools.settings_table import PAGE, SETTINGS, WORDS, main, meaning, page, read_settings, table


def test_the_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_every_variable_is_in_the_table_with_a_meaning() -> None:
    source = SETTINGS.read_text()
    settings = read_settings(source)
    assert {setting.name for setting in settings} == set(re.findall(r"""\benv\.\w+\(\s*"(\w+)""", source))
    assert all(meaning(setting) for setting in settings)
    assert set(WORDS) <= {setting.name for setting in settings}


SOURCE = """
# --- The wire -----

MAX_BYTES: int = env.int("MAX_BYTES", 2 * 1024)  # of a frame
OPEN: bool = env.bool("OPEN", not DEBUG)
if env.bool("OPEN", False):
    # Where it is,
    # and why.
    PLACE = env.str("PLACE", f"{BASE_DIR}/x")
"""


def test_a_setting_is_read_with_its_section_default_and_comment() -> None:
    first, second, third = read_settings(SOURCE)
    assert first == ("The wire", "MAX_BYTES", "int", ("`2048`",), "of a frame")
    assert second == ("The wire", "OPEN", "bool", ("`1` (with DEBUG: `0`)", "`0`"), "")
    assert third == ("The wire", "PLACE", "str", ("`/<this folder>/x`",), "Where it is, and why.")
    assert "| `MAX_BYTES` | `2048` | bytes | of a frame |" in table([first])


def test_a_stale_page_and_a_setting_nobody_explains_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.py").write_text(SOURCE)
    (tmp_path / "operations.md").write_text(f"a\n{settings_table.BEGIN}\nold\n{settings_table.END}\nb\n")
    for name, value in {
        "ROOT": tmp_path,
        "SETTINGS": tmp_path / "settings.py",
        "PAGE": tmp_path / "operations.md",
    }.items():
        monkeypatch.setattr(settings_table, name, value)
    assert main(["--check"]) == 1
    assert "OPEN" in capsys.readouterr().out
    monkeypatch.setitem(WORDS, "OPEN", "who may come in")
    assert main(["--check"]) == 1
    assert "-old" in capsys.readouterr().out
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert (tmp_path / "operations.md").read_text().startswith(f"a\n{settings_table.BEGIN}\n")


def test_a_page_without_its_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks its marks"):
        page("nothing here", read_settings(SETTINGS.read_text()))
    assert PAGE.read_text().count(settings_table.BEGIN) == 1
