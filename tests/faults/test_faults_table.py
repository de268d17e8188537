"""The table of figures is what pytest's report says, and a fault that was not kept stands out."""

from pathlib import Path

import pytest

from tests.faults.stress import faults_table
from tests.faults.stress.faults_table import Case

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="test_one[stopped-30.0]" time="31.4"><properties>
<property name="fault" value="Redis is away"/><property name="acks p99" value="9 ms"/></properties></testcase>
<testcase classname="a" name="test_two" time="2"><properties><property name="fault" value="the disk is full"/></properties>
<failure message="no"/></testcase>
</testsuite></testsuites>"""


def test_a_report_becomes_lines_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, page = tmp_path / "faults.xml", tmp_path / "page.md"
    report.write_text(REPORT)
    cases = faults_table.read(report)
    assert cases == [
        Case("Redis is away: stopped-30.0", {"acks p99": "9 ms"}, True, 31.4),
        Case("the disk is full", {}, False, 2.0),
    ]
    page.write_text(f"before\n{faults_table.BEGIN}\nold\n{faults_table.END}\nafter\n")
    monkeypatch.setattr(faults_table, "PAGE", page)
    for _ in range(2):
        faults_table.write(cases)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert (
        "| Redis is away: stopped-30.0 | acks p99 9 ms | yes | 31 |\n| the disk is full |  | **no** | 2 |"
        in text
    )
    assert "old" not in text


def test_the_page_has_a_place_for_the_table() -> None:
    page = faults_table.PAGE.read_text()
    assert page.index(faults_table.BEGIN) < page.index(faults_table.END)
