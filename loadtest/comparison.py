"""Compares two reports."""

from typing import NamedTuple

from loadtest.markdown import headline
from loadtest.report import Report


class ComparedFigure(NamedTuple):
    """One figure of both reports, and the change from the first to the second."""

    figure: str
    first: str
    second: str
    change: str


def compare_reports(first: Report, second: Report) -> list[ComparedFigure]:
    """Return the headline figures of both, with the change of those that are numbers."""
    mine, theirs = headline(first), headline(second)
    changes = _changes(first, second)
    return [ComparedFigure(name, mine[name], theirs[name], changes.get(name, "")) for name in mine]


def comparison_caveat(first: Report, second: Report) -> str | None:
    """Return what makes the two hard to compare, or None."""
    for name in ("scenario", "scale", "seed"):
        mine, theirs = getattr(first, name), getattr(second, name)
        if mine != theirs:
            return f"the reports differ in {name}: {mine} and {theirs}"
    return None


def _changes(first: Report, second: Report) -> dict[str, str]:
    named = {
        "deliveries/s": "deliveries_per_second",
        "the store's own limit/s": "store_limit_per_second",
        "ratio to the store's limit": "ratio_to_store_limit",
        "naive worker/s": "naive_per_second",
        "ratio to the naive worker": "ratio_to_naive",
        "a partition per user/s": "per_user_layout_per_second",
        "ratio to a partition per user": "ratio_to_per_user_layout",
        "lag at most": "lag_seconds_max",
        "memory of a worker at most": "rss_max_bytes",
        "rows per request": "rows_per_request",
    }
    changes = {}
    for figure, name in named.items():
        mine, theirs = getattr(first, name), getattr(second, name)
        if mine and theirs is not None:
            changes[figure] = f"{theirs / mine - 1:+.0%}"
    return changes
