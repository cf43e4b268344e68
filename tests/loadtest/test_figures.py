"""Figures from measurements."""

import math

import pytest

from loadtest.figures import RunningCount, histogram_percentiles, percentiles, time_reached


def test_percentiles_are_values_that_were_measured() -> None:
    """A thousand of them, in any order."""
    figures = percentiles([each / 1_000 for each in range(1_000, 0, -1)])
    assert figures == {
        "p50": 0.5,
        "p90": 0.9,
        "p99": 0.99,
        "p999": 0.999,
        "max": 1.0,
        "count": 1000,
    }
    assert percentiles([]) is None
    assert percentiles([7.0]) == dict.fromkeys(("p50", "p90", "p99", "p999", "max"), 7.0) | {
        "count": 1
    }


def test_a_histogram_is_read_within_its_buckets() -> None:
    """Half below 0.1 and half between 0.1 and 0.3: the median is at the edge."""
    figures = histogram_percentiles({0.1: 50, 0.3: 100, math.inf: 100})
    assert figures is not None
    assert figures["p50"] == pytest.approx(0.1)
    assert figures["p90"] == pytest.approx(0.26)
    assert figures["max"] == pytest.approx(0.3)
    assert histogram_percentiles({0.1: 0, math.inf: 0}) is None
    assert histogram_percentiles({}) is None


def test_values_above_the_last_bound_count_as_that_bound() -> None:
    """Higher values are unknown."""
    figures = histogram_percentiles({0.1: 1, math.inf: 2})
    assert figures is not None
    assert figures["max"] == 0.1


def test_the_end_is_between_two_samples() -> None:
    """At 100 per second, 130 are reached 0.3 s after the sample of 100, not at the next one."""
    looks = [RunningCount(0, 0), RunningCount(1, 100), RunningCount(2, 130), RunningCount(3, 130)]
    assert time_reached(looks, 130) == pytest.approx(1.3)
    assert time_reached(looks, 131) is None


def test_an_end_that_nothing_foretells_is_when_it_was_seen() -> None:
    """As in a burst that was over before the second sample."""
    assert time_reached([RunningCount(0, 0), RunningCount(1, 100)], 100) == 1
    assert time_reached([RunningCount(0, 0), RunningCount(1, 0), RunningCount(2, 100)], 100) == 2
