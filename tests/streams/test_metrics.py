"""Every metric is declared once, as the contract names it."""

import re

from prometheus_client import CollectorRegistry

from services.metrics.metrics import Metrics, declarations

CONTRACT = {
    "timeline_events_handled_total": ("agent", "outcome"),
    "timeline_handle_seconds": ("agent",),
    "timeline_delivery_latency_seconds": ("lane",),
    "timeline_fanout_entries_written_total": ("lane",),
    "timeline_fanout_pages_pending": ("lane",),
    "timeline_consumer_lag_seconds": ("topic", "partition"),
    "timeline_consumer_lag_messages": ("topic", "partition"),
    "timeline_dead_letters_total": ("topic", "reason"),
    "timeline_stale_versions_total": ("topic",),
    "timeline_store_request_seconds": ("table", "operation"),
    "timeline_store_inflight": (),
    "timeline_rebalances_total": (),
    "timeline_api_request_seconds": ("route", "status"),
    "conversation_orphans_pending": (),
    "timeline_replay_progress_ratio": ("replay",),
}
"""Names that dashboards and alerts rely on."""


def test_what_is_promised_is_declared() -> None:
    """With its labels; more may be."""
    declared = {each.name: each.labels for _, each in declarations()}
    assert declared.items() >= CONTRACT.items()


def test_names_say_what_is_measured() -> None:
    """Base units, counters end in _total, and each has a sentence."""
    for kind, each in declarations():
        assert re.fullmatch(r"(timeline|conversation)_[a-z_]+", each.name)
        assert each.name.endswith("_total") == (kind == "counter")
        assert kind != "histogram" or each.name.endswith("_seconds")
        assert each.description.endswith(".")


def test_each_process_part_may_have_its_own() -> None:
    """Nothing is registered globally."""
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    first.rebalances.inc()
    assert second.registry.get_sample_value("timeline_rebalances_total") == 0
