"""Computes figures from measurements. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}

Figures = dict[str, float]


def percentiles(values: Sequence[float]) -> Figures | None:
    """Return p50 to p999, max and count, or None without values. Each is a measured value."""
    if not values:
        return None
    ranks = np.quantile(values, list(QUANTILES.values()), method="inverted_cdf").tolist()
    return dict(zip(QUANTILES, ranks, strict=True)) | {"max": max(values), "count": len(values)}


def histogram_percentiles(buckets: Mapping[float, float]) -> Figures | None:
    """Return the same from cumulative counts by upper bound, None without any.

    Values are taken as evenly spread within a bucket; above the last finite bound, as that bound.
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
    """A rising count as it was at a time."""

    at: float
    value: float


def time_reached(counts: Sequence[RunningCount], wanted: float) -> float | None:
    """Return when a sampled count reached `wanted`, or None if it has not.

    The time is extrapolated from the last sample before, at the rate between the two samples
    before, and is not later than the first sample after.
    """
    for index, (at, count) in enumerate(counts):
        if count >= wanted:
            if index < 2:
                return at
            (first_at, first), (last_at, last) = counts[index - 2], counts[index - 1]
            rate = (last - first) / (last_at - first_at) if last_at > first_at else 0.0
            return min(at, last_at + (wanted - last) / rate) if rate > 0 else at
    return None
