"""docs/performance.md is what the published numbers make it."""

from bench.page import PAGE, page
from bench.results import latest


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(latest()), "Run: python3 dev.py bench --page"
