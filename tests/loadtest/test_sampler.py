"""What is read from /metrics, and what it adds up to."""

import math

from prometheus_client import CollectorRegistry, generate_latest

from loadtest.sampler import (
    ENTRIES,
    LAG,
    LATENCY,
    NAMES,
    REQUESTS,
    latency_by_lane,
    parse_metrics,
    sum_values,
)
from services.metrics.metrics import Metrics, declarations


def told() -> str:
    metrics = Metrics(CollectorRegistry())
    metrics.fanout_entries_written.labels("push").inc(75)
    metrics.fanout_entries_written.labels("bulk").inc(25)
    metrics.consumer_lag_seconds.labels("posts", "3").set(1.5)
    metrics.store_request_seconds.labels("home_timeline", "write").observe(0.1)
    metrics.store_request_seconds.labels("posts", "write").observe(0.1)
    for seconds in (0.02, 0.02, 0.2, 7_200):
        metrics.delivery_latency_seconds.labels("push").observe(seconds)
    return generate_latest(metrics.registry).decode()


def test_the_names_are_those_that_workers_declare() -> None:
    """Otherwise a renamed metric would count as nothing."""
    declared = {each.name for _, each in declarations()}
    for name in NAMES:
        assert {name, name.removesuffix("_bucket").removesuffix("_count")} & declared


def test_values_are_read_with_their_labels() -> None:
    """Values are summed over all other labels."""
    values = parse_metrics(told())
    assert sum_values(values, ENTRIES) == 100
    assert sum_values(values, ENTRIES, lane="bulk") == 25
    assert sum_values(values, LAG, topic="posts", partition="3") == 1.5
    assert sum_values(values, REQUESTS, table="home_timeline", operation="write") == 1
    assert sum_values(values, REQUESTS) == 2
    assert {each.labels["le"] for each in values if each.name == LATENCY} >= {"0.01", "+Inf"}


def test_a_lane_has_what_came_between() -> None:
    """Counts from before the phase are not part of it."""
    after = {"push": {0.1: 110.0, 1.0: 200.0, math.inf: 200.0}, "bulk": {0.1: 4.0, math.inf: 4.0}}
    before = {"push": {0.1: 100.0, 1.0: 100.0, math.inf: 100.0}, "bulk": after["bulk"]}
    lanes = latency_by_lane(before, after)
    assert lanes.keys() == {"push"}
    assert lanes["push"]["count"] == 100
    assert lanes["push"]["p50"] > 0.1
