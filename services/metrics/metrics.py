"""Every metric, declared once: name, type, labels from closed sets and a description."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any, NamedTuple, cast

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Bucket bounds in seconds for one request or one batch."""
SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600)
"""Bucket bounds in seconds for delivery: from at once to after an outage."""
EXPOSITION_TYPE = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
"""The media type of what Prometheus reads; the framework adds the charset of every text."""


class Declaration(NamedTuple):
    """A metric's type, name, labels, description and, for a histogram, bucket bounds."""

    kind: type[Any]
    name: str
    labels: tuple[str, ...]
    description: str
    buckets: tuple[float, ...] | None = None


def _counter(name: str, labels: str, description: str) -> Counter:
    """Declare a metric; an instance of `Metrics` has the metric itself in this place."""
    return cast("Counter", Declaration(Counter, name, tuple(labels.split()), description))


def _gauge(name: str, labels: str, description: str) -> Gauge:
    return cast("Gauge", Declaration(Gauge, name, tuple(labels.split()), description))


def _histogram(name: str, labels: str, description: str, buckets: tuple[float, ...]) -> Histogram:
    declared = Declaration(Histogram, name, tuple(labels.split()), description, buckets)
    return cast("Histogram", declared)


class Metrics:
    """The metrics of one process, on the given registry."""

    events_handled = _counter(
        "timeline_events_handled_total",
        "agent outcome",
        "Messages by outcome: handled, postponed to a later attempt, dead_letter, or skipped "
        "because another role writes their dead letter.",
    )
    handle_seconds = _histogram(
        "timeline_handle_seconds",
        "agent",
        "Time to handle one batch, failed attempts included.",
        FAST,
    )
    delivery_latency_seconds = _histogram(
        "timeline_delivery_latency_seconds",
        "lane",
        "Time from when Kafka accepted a post until its timeline entries are readable.",
        SLOW,
    )
    fanout_entries_written = _counter(
        "timeline_fanout_entries_written_total", "lane", "Timeline entries written by fan-out."
    )
    fanout_entries_left_out = _counter(
        "timeline_fanout_entries_left_out_total",
        "lane",
        "Timeline entries that fan-out skipped because their users are inactive.",
    )
    fanout_pages_pending = _gauge(
        "timeline_fanout_pages_pending",
        "lane",
        "Fan-out pages not yet written, in the partitions assigned to this worker.",
    )
    consumer_lag_seconds = _gauge(
        "timeline_consumer_lag_seconds",
        "topic partition",
        "Age of the oldest unhandled message in the partition.",
    )
    consumer_lag_messages = _gauge(
        "timeline_consumer_lag_messages", "topic partition", "Unhandled messages in the partition."
    )
    search_lag_seconds = _gauge(
        "timeline_search_lag_seconds",
        "topic partition",
        "Age of the oldest message in the partition that search has not indexed.",
    )
    search_lag_messages = _gauge(
        "timeline_search_lag_messages",
        "topic partition",
        "Messages in the partition that search has not indexed.",
    )
    dead_letters = _counter(
        "timeline_dead_letters_total",
        "topic reason",
        "Messages that can never be handled, by the topic they came from and the reason.",
    )
    partitions_unreadable = _gauge(
        "timeline_partitions_unreadable",
        "group topic partition",
        "1 while a group stands still in the partition: what is there cannot be read, or no "
        "broker gives it.",
    )
    log_lost = _counter(
        "timeline_log_lost_messages_total",
        "group topic",
        "Messages that the log removed, or cut off, before the group had read them.",
    )
    sends_refused = _counter(
        "timeline_sends_refused_total",
        "topic reason",
        "Attempts to write that brokers refused, by topic and reason: operator (a right, a topic "
        "or a setting is wrong), unexpected, or too_large.",
    )
    topics_braked = _gauge(
        "timeline_topics_braked",
        "topic reason",
        "1 while intake of the topic is paused: too large a share of its latest messages, or "
        "too many in a row, became dead letters.",
    )
    stale_versions = _counter(
        "timeline_stale_versions_total",
        "topic",
        "Events whose version is lower than that of an earlier event about the same thing.",
    )
    store_request_seconds = _histogram(
        "timeline_store_request_seconds",
        "table operation",
        "Time until the store answered a request, by table and operation.",
        FAST,
    )
    store_inflight = _gauge("timeline_store_inflight", "", "Store requests in flight.")
    rebalances = _counter(
        "timeline_rebalances_total",
        "",
        "Rebalances of the consumer group, the first assignment included.",
    )
    partitions_unowned = _gauge(
        "timeline_partitions_unowned",
        "group topic",
        "Partitions of the topic that no worker of the consumer group owns.",
    )
    partitions_in_retry = _gauge(
        "timeline_partitions_in_retry",
        "agent",
        "Partitions paused while a message whose handling failed is retried.",
    )
    api_request_seconds = _histogram(
        "timeline_api_request_seconds",
        "route status",
        "Time until the API answered a request; for a stream, until it began.",
        FAST,
    )
    http_connections_open = _gauge(
        "timeline_http_connections_open", "", "Open connections of HTTP clients."
    )
    http_refusals = _counter(
        "timeline_http_refusals_total",
        "reason",
        "HTTP clients that the server stopped listening to, by the bound that they exceeded.",
    )
    api_streams_open = _gauge("timeline_api_streams_open", "", "Open streams of home timelines.")
    api_streams_ended = _counter(
        "timeline_api_streams_ended_total",
        "reason",
        "Streams that ended, by reason: left, slow, token (no longer valid), lifetime, "
        "stopping (the process ends) or failed.",
    )
    api_stream_events = _counter(
        "timeline_api_stream_events_total", "event", "Events sent to clients of streams."
    )
    api_stream_looks = _counter(
        "timeline_api_stream_looks_total",
        "outcome",
        "Reads of a home timeline by its stream, by outcome: different, same or failed.",
    )
    homes_returning = _gauge(
        "timeline_homes_returning",
        "",
        "Home timelines being rebuilt for users who read again after a long time.",
    )
    conversation_orphans_pending = _gauge(
        "conversation_orphans_pending", "", "Replies waiting for a parent that has not arrived."
    )
    erasures_pending = _gauge(
        "timeline_erasures_pending", "", "Erasures of accounts that are asked for and not done."
    )
    erasure_oldest_seconds = _gauge(
        "timeline_erasure_oldest_seconds",
        "",
        "Time since Kafka accepted the oldest erasure that is not done; 0 for none.",
    )
    erased_rows = _counter(
        "timeline_erased_rows_total",
        "",
        "Posts, edges and statements of erased accounts that were erased.",
    )
    conversation_claims_contradicted = _counter(
        "conversation_claims_contradicted_total",
        "",
        "Replies that claim another root than their parents lead to; the claim is ignored.",
    )
    verified = _counter(
        "timeline_verified_total",
        "listing",
        "Home timelines and posts of threads compared with what the log requires.",
    )
    verify_differences = _gauge(
        "timeline_verify_differences",
        "listing kind",
        "Missing or extra entries found by the last comparison.",
    )
    replay_progress_ratio = _gauge(
        "timeline_replay_progress_ratio", "replay", "Share of a replay that is done, from 0 to 1."
    )

    build_info = _gauge(
        "timeline_build_info",
        "version component",
        "1 for each component of the process, with the program's version: ingest, fanout, bulk, "
        "search, api, or a command.",
    )

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        for attribute, declared in _declared():
            kind, name, labels, description, buckets = declared
            options: dict[str, Any] = {"buckets": buckets} if buckets else {}
            setattr(self, attribute, kind(name, description, labels, registry=registry, **options))

    def announce(self, components: Iterable[str]) -> None:
        """Show the version of the program for each component of this process."""
        for each in components:
            self.build_info.labels(version("mingle"), each).set(1)


def declarations() -> Iterator[tuple[str, Declaration]]:
    """Yield the type and declaration of each metric, in their order here."""
    return ((declared.kind.__name__.lower(), declared) for _, declared in _declared())


def _declared() -> Iterator[tuple[str, Declaration]]:
    return ((name, each) for name, each in vars(Metrics).items() if isinstance(each, Declaration))
