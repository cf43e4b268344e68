"""The score of posts, their order by it, and what moved it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from schemas.ids import IdArray
from services.ranking.features import COLUMNS, TERMS
from services.ranking.window import Floats

MAX_REASONS = 5
"""Features that `because` names."""
DECIMALS = 6
"""Scores are rounded so that no machine's way of adding makes a difference between equal posts."""


class ScoreReason(NamedTuple):
    """A feature that moved a score: `share` of all that moved it, negative where it lowered it."""

    feature: str
    share: float


def compute_scores(features: Floats, weights: Mapping[str, float]) -> Floats:
    """Return log odds to be answered, up to a constant; a term without a weight counts nothing."""
    return np.round(features @ _vector(weights), DECIMALS)


def best_first(scores: Floats) -> IdArray:
    """Return the rows in order of their scores; of equal ones the later row, which is newer."""
    return np.lexsort((-np.arange(len(scores)), -scores))


def reasons_of(features: Floats, row: int, weights: Mapping[str, float]) -> list[ScoreReason]:
    """Return what moved the score of a row away from the mean of all rows, most first."""
    moved = (features[row] - features.mean(axis=0)) * _vector(weights)
    place = {term: number for number, term in enumerate(COLUMNS)}
    by_feature = {
        name: float(sum(moved[place[term]] for term in terms)) for name, terms in TERMS.items()
    }
    total = sum(abs(part) for part in by_feature.values())
    reasons = [
        ScoreReason(name, round(part / total, 3))
        for name, part in by_feature.items()
        if round(part, 6)
    ]
    return sorted(reasons, key=lambda reason: (-abs(reason.share), reason.feature))[:MAX_REASONS]


def _vector(weights: Mapping[str, float]) -> Floats:
    return np.array([weights.get(term, 0.0) for term in COLUMNS])
