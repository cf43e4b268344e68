"""Every metric, declared once: name, type, labels from closed sets, and one sentence."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds that one request or one batch may take."""
SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600)
"""Seconds until a post is readable: from at once to after an outage."""


class Declaration(NamedTuple):
    """What is to know of a metric besides its type."""

    name: str
    labels: tuple[str, ...]
    description: str
    buckets: tuple[float, ...] | None = None


class Metrics:
    """The metrics of one process, on the registry they are built with."""

    events_handled: Annotated[
        Counter,
        Declaration(
            "timeline_events_handled_total",
            ("agent", "outcome"),
            "Messages by what became of them: handled, postponed to a later try, dead_letter, or "
            "skipped because another role buries them.",
        ),
    ]
    handle_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_handle_seconds",
            ("agent",),
            "Time that a handler took for one batch, failed tries included.",
            FAST,
        ),
    ]
    delivery_latency_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_delivery_latency_seconds",
            ("lane",),
            "Time from a post's acceptance by Kafka to its entries being readable.",
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
            "Timeline entries that fan-out did not write, for users who have not read for long.",
        ),
    ]
    fanout_pages_pending: Annotated[
        Gauge,
        Declaration(
            "timeline_fanout_pages_pending",
            ("lane",),
            "Fan-out pages of the partitions held here that are not written yet.",
        ),
    ]
    consumer_lag_seconds: Annotated[
        Gauge,
        Declaration(
            "timeline_consumer_lag_seconds",
            ("topic", "partition"),
            "Age of the oldest message that is not handled yet.",
        ),
    ]
    consumer_lag_messages: Annotated[
        Gauge,
        Declaration(
            "timeline_consumer_lag_messages",
            ("topic", "partition"),
            "Messages in the partition that are not handled yet.",
        ),
    ]
    search_lag_seconds: Annotated[
        Gauge,
        Declaration(
            "timeline_search_lag_seconds",
            ("topic", "partition"),
            "Age of the oldest message whose words are not found yet.",
        ),
    ]
    search_lag_messages: Annotated[
        Gauge,
        Declaration(
            "timeline_search_lag_messages",
            ("topic", "partition"),
            "Messages in the partition whose words are not found yet.",
        ),
    ]
    dead_letters: Annotated[
        Counter,
        Declaration(
            "timeline_dead_letters_total",
            ("topic", "reason"),
            "Messages that can never be handled, by the topic they came from.",
        ),
    ]
    topics_braked: Annotated[
        Gauge,
        Declaration(
            "timeline_topics_braked",
            ("topic", "reason"),
            "1 while intake of the topic is paused because too many of its messages died: "
            "too large a share of the latest, or too many in a row.",
        ),
    ]
    stale_versions: Annotated[
        Counter,
        Declaration(
            "timeline_stale_versions_total",
            ("topic",),
            "Events with a lower version than an earlier one about the same thing.",
        ),
    ]
    store_request_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_store_request_seconds",
            ("table", "operation"),
            "Time until the store answered a request.",
            FAST,
        ),
    ]
    store_inflight: Annotated[
        Gauge,
        Declaration(
            "timeline_store_inflight",
            (),
            "Store requests that are waiting for their answer.",
        ),
    ]
    rebalances: Annotated[
        Counter,
        Declaration(
            "timeline_rebalances_total",
            (),
            "Times that partitions were handed out anew, the first time included.",
        ),
    ]
    partitions_in_retry: Annotated[
        Gauge,
        Declaration(
            "timeline_partitions_in_retry",
            ("agent",),
            "Partitions that wait for a message whose handling failed and is tried again.",
        ),
    ]
    api_request_seconds: Annotated[
        Histogram,
        Declaration(
            "timeline_api_request_seconds",
            ("route", "status"),
            "Time until the API answered a request.",
            FAST,
        ),
    ]
    api_streams_open: Annotated[
        Gauge,
        Declaration("timeline_api_streams_open", (), "Streams of home timelines that are open."),
    ]
    api_streams_ended: Annotated[
        Counter,
        Declaration(
            "timeline_api_streams_ended_total",
            ("reason",),
            "Streams that ended: left by their reader, who was too slow, whose token is no longer "
            "good, at the end of their or the process's lifetime, or failed by a bug.",
        ),
    ]
    api_stream_events: Annotated[
        Counter,
        Declaration(
            "timeline_api_stream_events_total",
            ("event",),
            "Events that readers of streams have taken.",
        ),
    ]
    api_stream_looks: Annotated[
        Counter,
        Declaration(
            "timeline_api_stream_looks_total",
            ("outcome",),
            "Looks of streams at their timelines: different, the same, or failed for now.",
        ),
    ]
    homes_returning: Annotated[
        Gauge,
        Declaration(
            "timeline_homes_returning",
            (),
            "Homes that are being written anew for users who read again.",
        ),
    ]
    conversation_orphans_pending: Annotated[
        Gauge,
        Declaration(
            "conversation_orphans_pending",
            (),
            "Replies whose parent has not arrived.",
        ),
    ]
    verified: Annotated[
        Counter,
        Declaration(
            "timeline_verified_total",
            ("listing",),
            "Homes and posts of threads that were compared with what must be shown.",
        ),
    ]
    verify_differences: Annotated[
        Gauge,
        Declaration(
            "timeline_verify_differences",
            ("listing", "kind"),
            "Entries that the last comparison found missing or extra.",
        ),
    ]
    replay_progress_ratio: Annotated[
        Gauge,
        Declaration(
            "timeline_replay_progress_ratio",
            ("replay",),
            "How much of a replay is done, from 0 to 1.",
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
    """Type and declaration of each metric: what their page of the documentation is made from."""
    return ((kind.__name__.lower(), declared) for _, kind, declared in _declared())


def _declared() -> Iterator[tuple[str, type[Any], Declaration]]:
    for attribute, hint in get_type_hints(Metrics, include_extras=True).items():
        kind, declared = get_args(hint)
        yield attribute, kind, declared
