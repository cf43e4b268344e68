"""Every metric, declared once: name, type, labels from closed sets and a description."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Bucket bounds in seconds for one request or one batch."""
SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600)
"""Bucket bounds in seconds for delivery: from at once to after an outage."""


class Declaration(NamedTuple):
    """A metric's name, labels, description and, for a histogram, bucket bounds."""

    name: str
    labels: tuple[str, ...]
    description: str
    buckets: tuple[float, ...] | None = None


class Metrics:
    """The metrics of one process, on the given registry."""

    events_handled: Annotated[
        Counter,
        Declaration(
            "timeline_events_handled_total",
            ("agent", "outcome"),
            "Messages by outcome: handled, postponed to a later attempt, dead_letter, or skipped "
            "because another role writes their dead letter.",
        ),
    ]
    handle_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_handle_seconds",
            ("agent",),
            "Time to handle one batch, failed attempts included.",
            FAST,
        ),
    ]
    delivery_latency_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_delivery_latency_seconds",
            ("lane",),
            "Time from when Kafka accepted a post until its timeline entries are readable.",
            SLOW,
        ),
    ]
    fanout_entries_written: Annotated[
        Counter,
        Declaration(
            "timeline_fanout_entries_written_total",
            ("lane",),
            "Timeline entries written by fan-out.",
        ),
    ]
    fanout_entries_left_out: Annotated[
        Counter,
        Declaration(
            "timeline_fanout_entries_left_out_total",
            ("lane",),
            "Timeline entries that fan-out skipped because their users are inactive.",
        ),
    ]
    fanout_pages_pending: Annotated[
        Gauge,
        Declaration(
            "timeline_fanout_pages_pending",
            ("lane",),
            "Fan-out pages not yet written, in the partitions assigned to this worker.",
        ),
    ]
    consumer_lag_seconds: Annotated[
        Gauge,
        Declaration(
            "timeline_consumer_lag_seconds",
            ("topic", "partition"),
            "Age of the oldest unhandled message in the partition.",
        ),
    ]
    consumer_lag_messages: Annotated[
        Gauge,
        Declaration(
            "timeline_consumer_lag_messages",
            ("topic", "partition"),
            "Unhandled messages in the partition.",
        ),
    ]
    search_lag_seconds: Annotated[
        Gauge,
        Declaration(
            "timeline_search_lag_seconds",
            ("topic", "partition"),
            "Age of the oldest message in the partition that search has not indexed.",
        ),
    ]
    search_lag_messages: Annotated[
        Gauge,
        Declaration(
            "timeline_search_lag_messages",
            ("topic", "partition"),
            "Messages in the partition that search has not indexed.",
        ),
    ]
    dead_letters: Annotated[
        Counter,
        Declaration(
            "timeline_dead_letters_total",
            ("topic", "reason"),
            "Messages that can never be handled, by the topic they came from and the reason.",
        ),
    ]
    partitions_unreadable: Annotated[
        Gauge,
        Declaration(
            "timeline_partitions_unreadable",
            ("group", "topic", "partition"),
            "1 while a group stands still in the partition, because what is there cannot be read "
            "and nobody knows how much to skip.",
        ),
    ]
    topics_braked: Annotated[
        Gauge,
        Declaration(
            "timeline_topics_braked",
            ("topic", "reason"),
            "1 while intake of the topic is paused: too large a share of its latest messages, or "
            "too many in a row, became dead letters.",
        ),
    ]
    stale_versions: Annotated[
        Counter,
        Declaration(
            "timeline_stale_versions_total",
            ("topic",),
            "Events whose version is lower than that of an earlier event about the same thing.",
        ),
    ]
    store_request_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_store_request_seconds",
            ("table", "operation"),
            "Time until the store answered a request, by table and operation.",
            FAST,
        ),
    ]
    store_inflight: Annotated[
        Gauge,
        Declaration(
            "timeline_store_inflight",
            (),
            "Store requests in flight.",
        ),
    ]
    rebalances: Annotated[
        Counter,
        Declaration(
            "timeline_rebalances_total",
            (),
            "Rebalances of the consumer group, the first assignment included.",
        ),
    ]
    partitions_unowned: Annotated[
        Gauge,
        Declaration(
            "timeline_partitions_unowned",
            ("group", "topic"),
            "Partitions of the topic that no worker of the consumer group owns.",
        ),
    ]
    partitions_in_retry: Annotated[
        Gauge,
        Declaration(
            "timeline_partitions_in_retry",
            ("agent",),
            "Partitions paused while a message whose handling failed is retried.",
        ),
    ]
    api_request_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_api_request_seconds",
            ("route", "status"),
            "Time until the API answered a request; for a stream, until it began.",
            FAST,
        ),
    ]
    api_streams_open: Annotated[
        Gauge,
        Declaration("timeline_api_streams_open", (), "Open streams of home timelines."),
    ]
    api_streams_ended: Annotated[
        Counter,
        Declaration(
            "timeline_api_streams_ended_total",
            ("reason",),
            "Streams that ended, by reason: left, slow, token (no longer valid), lifetime, "
            "stopping (the process ends) or failed.",
        ),
    ]
    api_stream_events: Annotated[
        Counter,
        Declaration(
            "timeline_api_stream_events_total",
            ("event",),
            "Events sent to clients of streams.",
        ),
    ]
    api_stream_looks: Annotated[
        Counter,
        Declaration(
            "timeline_api_stream_looks_total",
            ("outcome",),
            "Reads of a home timeline by its stream, by outcome: different, same or failed.",
        ),
    ]
    homes_returning: Annotated[
        Gauge,
        Declaration(
            "timeline_homes_returning",
            (),
            "Home timelines being rebuilt for users who read again after a long time.",
        ),
    ]
    conversation_orphans_pending: Annotated[
        Gauge,
        Declaration(
            "conversation_orphans_pending",
            (),
            "Replies waiting for a parent that has not arrived.",
        ),
    ]
    verified: Annotated[
        Counter,
        Declaration(
            "timeline_verified_total",
            ("listing",),
            "Home timelines and posts of threads compared with what the log requires.",
        ),
    ]
    verify_differences: Annotated[
        Gauge,
        Declaration(
            "timeline_verify_differences",
            ("listing", "kind"),
            "Missing or extra entries found by the last comparison.",
        ),
    ]
    replay_progress_ratio: Annotated[
        Gauge,
        Declaration(
            "timeline_replay_progress_ratio",
            ("replay",),
            "Share of a replay that is done, from 0 to 1.",
        ),
    ]

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        for attribute, kind, declared in _declared():
            options: dict[str, Any] = {"buckets": declared.buckets} if declared.buckets else {}
            metric = kind(
                declared.name, declared.description, declared.labels, registry=registry, **options
            )
            setattr(self, attribute, metric)


def declarations() -> Iterator[tuple[str, Declaration]]:
    """Yield the type and declaration of each metric, in their order here."""
    return ((kind.__name__.lower(), declared) for _, kind, declared in _declared())


def _declared() -> Iterator[tuple[str, type[Any], Declaration]]:
    for attribute, hint in get_type_hints(Metrics, include_extras=True).items():
        kind, declared = get_args(hint)
        yield attribute, kind, declared
