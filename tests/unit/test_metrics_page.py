"""The documentation of metrics is made from their declarations."""

from pathlib import Path

from services.metrics.page import render_metrics_page

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_current() -> None:
    """`python -m services.metrics.page > docs/metrics.md` writes it anew."""
    assert PAGE.read_text() == render_metrics_page()
