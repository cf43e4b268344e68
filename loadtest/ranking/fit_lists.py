"""Which looks weights are fitted on, which terms each order has, and how weights are printed."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from loadtest.ranking.archive import Archive, find_looks
from loadtest.ranking.fit import fit_weights
from loadtest.ranking.judged import JudgedLooks, judge
from services.ranking.features import COLUMNS

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
    """Return the weights of each order, rounded as they are written down."""
    return {
        order: {
            term: round(float(weight), DECIMALS)
            for term, weight in zip(
                terms, fit_weights(lists, np.array([COLUMNS.index(x) for x in terms])), strict=True
            )
        }
        for order, terms in ORDER_TERMS.items()
    }


def find_lists(folder: Path) -> list[Path]:
    """Return the lists of a folder, in the order of their names."""
    return sorted(folder.glob("*.csv.gz"))
