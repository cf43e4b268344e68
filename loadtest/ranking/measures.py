"""Measure orders: reciprocal ranks, recall, and how far chance moves them."""

from typing import NamedTuple

import numpy as np

from loadtest.ranking.judged import JudgedLooks
from schemas.ids import IdArray
from services.ranking.features import HOUR_MS
from services.ranking.window import Floats

AGES = {"under_1_h": (0, 1), "1_to_4_h": (1, 4), "4_to_12_h": (4, 12), "12_h_and_over": (12, 1e9)}
RECALL_AT = 10
RESAMPLES = 400
SEED = 20_040_615
"""Fixed, so that the figures are the same every time."""


class OrderFigures(NamedTuple):
    """The figures that an order reaches.

    `mrr` is that of the first post that was answered, with an interval of 95 % over people;
    `mrr_by_age` is the mean over all posts that were answered.
    """

    mrr: float
    low: float
    high: float
    recall: float
    mrr_by_age: dict[str, float]


def rank(looks: JudgedLooks, scores: Floats) -> Floats:
    """Return the place of each candidate in its look, from 1; of equal ones the newer is first."""
    in_order = np.lexsort((-np.arange(len(scores)), -scores, looks.look))
    places = np.empty(len(scores))
    places[in_order] = np.arange(len(scores)) - looks.starts[looks.look[in_order]] + 1
    return places


def measure(looks: JudgedLooks, scores: Floats) -> OrderFigures:
    """Return the figures of the order by these scores."""
    places = rank(looks, scores)
    inverse = np.where(looks.relevant, 1 / places, 0)
    first = np.maximum.reduceat(inverse, looks.starts)
    relevant = np.add.reduceat(looks.relevant.astype(float), looks.starts)
    early = looks.relevant & (places <= RECALL_AT)
    recall = np.add.reduceat(early.astype(float), looks.starts) / relevant
    low, high = bootstrap_interval(first, looks.viewer)
    hours = looks.age / HOUR_MS
    by_age = {}
    for name, (least, below) in AGES.items():
        found = inverse[looks.relevant & (hours >= least) & (hours < below)]
        by_age[name] = float(found.mean()) if len(found) else float("nan")
    return OrderFigures(float(first.mean()), low, high, float(recall.mean()), by_age)


def bootstrap_interval(values: Floats, person: IdArray) -> tuple[float, float]:
    """Return the interval of 95 % of the mean, drawing people with replacement."""
    _, number = np.unique(person, return_inverse=True)
    sums, counts = np.bincount(number, weights=values), np.bincount(number)
    drawn = np.random.default_rng(SEED).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
