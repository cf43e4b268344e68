"""Which looks weights are fitted on, which terms each order has, and how weights are printed."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from loadtest.ranking.archive import Archive, find_looks
from loadtest.ranking.fit import Choices, fit_weights
from loadtest.ranking.judged import JudgedLooks, judge
from loadtest.ranking.new_pairs import choices_of, find_months
from services.ranking.conversants import MEETING_TERMS
from services.ranking.features import COLUMNS
from services.ranking.window import Floats

FITTED_SHARE = 0.6
"""Weights are fitted on looks before the time of this share of the posts, figures are of the
rest."""
FITTED_HOURS = 72
OF_AGE = {"hours", "hours_over_12", "hours_by_habit", "own_posts_since"}
"""Catch-up leaves out what only says how old a post is."""
ORDER_TERMS = {
    "SIGNAL": COLUMNS,
    "CATCH_UP": tuple(term for term in COLUMNS if term not in OF_AGE),
}
DECIMALS = 3


class Halves(NamedTuple):
    """Looks of a list: earlier ones to fit weights on, later ones to measure orders."""

    earlier: JudgedLooks
    later: JudgedLooks


def split_looks(archive: Archive, hours: int = FITTED_HOURS, *, earlier: bool = True) -> Halves:
    """Judge the looks of a list; without `earlier` the first part is left empty."""
    boundary = boundary_of(archive)
    looks = find_looks(archive, hours)
    before = [look for look in looks if look.at < boundary] if earlier else []
    return Halves(judge(archive, before), judge(archive, [x for x in looks if x.at >= boundary]))


def boundary_of(archive: Archive) -> int:
    """Return the time that divides the posts to fit on from those to measure on (ms)."""
    return int(archive.at[int(FITTED_SHARE * len(archive.at))]) if len(archive.at) else 0


def fit_orders(lists: Sequence[JudgedLooks]) -> dict[str, dict[str, float]]:
    """Return the weights of each order."""
    fitted = {}
    for order, terms in ORDER_TERMS.items():
        columns = np.array([COLUMNS.index(term) for term in terms])
        problem = [
            Choices(looks.features[:, columns], looks.relevant, looks.sizes, looks.moment)
            for looks in lists
        ]
        fitted[order] = by_term(terms, fit_weights(problem))
    return fitted


def fit_meetings(archives: Sequence[Archive]) -> dict[str, float]:
    """Return the weights by which those who are worth meeting are ordered."""
    earlier = [find_months(each, int(each.at[0]), boundary_of(each)) for each in archives]
    return by_term(MEETING_TERMS, fit_weights([choices_of(months) for months in earlier]))


def by_term(terms: Sequence[str], weights: Floats) -> dict[str, float]:
    """Return weights by name, rounded as they are written down."""
    return {
        term: round(float(weight), DECIMALS) for term, weight in zip(terms, weights, strict=True)
    }


def find_lists(folder: Path) -> list[Path]:
    """Return the lists of a folder, in the order of their names."""
    return sorted(folder.glob("*.csv.gz"))
