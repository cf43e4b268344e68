"""Figures from measurements. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}

Figures = dict[str, float]


def percentiles(values: Sequence[float]) -> Figures | None:
    """p50 to p999, max and count; None of nothing. Each is a value that was measured."""
    if not values:
        return None
    ranks = np.quantile(values, list(QUANTILES.values()), method="inverted_cdf").tolist()
    return dict(zip(QUANTILES, ranks, strict=True)) | {"max": max(values), "count": len(values)}


def histogram_percentiles(buckets: Mapping[float, float]) -> Figures | None:
    """The same from cumulative counts by upper bound, evenly spread within a bucket.

    What lies above the last finite bound is given as that bound.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if not total:
        return None
    return {name: _within(bounds, buckets, share * total) for name, share in QUANTILES.items()} | {
        "max": _within(bounds, buckets, total),
        "count": total,
    }


def _within(bounds: Sequence[float], buckets: Mapping[float, float], rank: float) -> float:
    lower, before = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if bound == float("inf"):
                return lower
            inside = buckets[bound] - before
            return lower + (bound - lower) * ((rank - before) / inside if inside else 1)
        lower, before = bound, buckets[bound]
    return lower


class RunningCount(NamedTuple):
    """How many there were at a time."""

    at: float
    value: float


def time_reached(counts: Sequence[RunningCount], wanted: float) -> float | None:
    """When a rising count reached what was wanted; None where it has not.

    Counts are looked at now and then. Between the last look before and the first one after, it
    went on as fast as between the two looks before.
    """
    for place, (at, count) in enumerate(counts):
        if count >= wanted:
            if place < 2:
                return at
            (earlier, few), (before, some) = counts[place - 2], counts[place - 1]
            rate = (some - few) / (before - earlier) if before > earlier else 0.0
            return min(at, before + (wanted - some) / rate) if rate > 0 else at
    return None


def median(values: Sequence[float]) -> float:
    """The middle one, of an even number the mean of both."""
    return float(np.median(values))
