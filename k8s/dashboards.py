"""Grafana's dashboards.

`python -m k8s.dashboards` writes `k8s/components/monitoring/dashboards/`; tests hold the files to
it, and every query to a running worker and API.
"""

from pathlib import Path
from typing import Final

from k8s.grafana import Dashboard, Panel, Query, render_dashboard

FOLDER: Final = Path(__file__).parent / "components" / "monitoring" / "dashboards"


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def _quantiles(metric: str, by: str, legend: str) -> tuple[Query, ...]:
    """Return queries for the median and the 99th percentile of a histogram."""
    rate = _rate(f"{metric}_bucket", f"le, {by}")
    return tuple(
        Query(f"histogram_quantile({share}, {rate})", f"{legend} {name}")
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    )


ROLE: Final = "{{job}} {{role}}"


def _of_roles(expression: str, aggregation: str = "sum") -> str:
    """Return a query over the processes of Mingle alone; every process has such metrics."""
    ours = "max by (job, instance) (timeline_build_info)"
    return f"{aggregation} by (job, role) ({expression} * on (job, instance) group_left () {ours})"


OVERVIEW: Final = Dashboard(
    "overview",
    "Mingle: overview",
    (
        Panel(
            "Delivered within 5 s",
            "percentunit",
            "The objective is 99 % over 30 days.",
            (
                Query(
                    'sum(rate(timeline_delivery_latency_seconds_bucket{le="5.0"}[$__rate_interval]))'
                    " / sum(rate(timeline_delivery_latency_seconds_count[$__rate_interval]))",
                    "within 5 s",
                ),
            ),
        ),
        Panel(
            "Delivery latency",
            "s",
            "From a post's time in Kafka until its entries are readable.",
            _quantiles("timeline_delivery_latency_seconds", "lane", "{{lane}}"),
        ),
        Panel(
            "Lag",
            "s",
            "Age of the oldest message that is not handled yet. Grows with too few workers, and "
            "while the store is unavailable.",
            (Query("max by (topic) (timeline_consumer_lag_seconds)", "{{topic}}"),),
        ),
        Panel(
            "Messages by outcome",
            "ops",
            "Postponed messages wait for the store; dead letters need an operator.",
            (
                Query(
                    _rate("timeline_events_handled_total", "agent, outcome"),
                    "{{agent}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            "Dead letters",
            "ops",
            "By their topic and the reason.",
            (Query(_rate("timeline_dead_letters_total", "topic, reason"), "{{topic}} {{reason}}"),),
        ),
        Panel(
            "Braked topics",
            "short",
            "1 while a topic is paused because too many of its messages become dead letters.",
            (Query("max by (topic, reason) (timeline_topics_braked)", "{{topic}} {{reason}}"),),
        ),
        Panel(
            "Unreadable partitions",
            "short",
            "1 while a group stands still in a partition because nobody can read what is there.",
            (
                Query(
                    "max by (group, topic, partition) (timeline_partitions_unreadable)",
                    "{{group}} {{topic}}:{{partition}}",
                ),
            ),
        ),
        Panel(
            "Refused writes",
            "ops",
            "Attempts to write that brokers refused, by topic and reason.",
            (
                Query(
                    _rate("timeline_sends_refused_total", "topic, reason"), "{{topic}} {{reason}}"
                ),
            ),
        ),
        Panel(
            "Search lag, erasures",
            "s",
            "Age of the oldest message whose words are not found yet, of the oldest erasure to do.",
            (
                Query("max by (topic) (timeline_search_lag_seconds)", "{{topic}}"),
                Query("max(timeline_erasure_oldest_seconds)", "erasure"),
            ),
        ),
        Panel(
            "CPU",
            "short",
            "Cores that each role takes.",
            (Query(_of_roles("rate(process_cpu_seconds_total[$__rate_interval])"), ROLE),),
        ),
        Panel(
            "Memory",
            "bytes",
            "Resident memory of the largest process of each role.",
            (Query(_of_roles("process_resident_memory_bytes", "max"), ROLE),),
        ),
        Panel(
            "Orphans",
            "short",
            "Replies whose parent has not arrived.",
            (Query("sum(conversation_orphans_pending)", "orphans"),),
        ),
        Panel(
            "Rebalances",
            "short",
            "Redistributions of partitions. Each stops its consumer group for a moment.",
            (Query("sum by (role) (increase(timeline_rebalances_total[5m]))", "{{role}}"),),
        ),
        Panel(
            "Stale versions",
            "ops",
            "Events older than an earlier one about the same thing: check producers' clocks.",
            (Query(_rate("timeline_stale_versions_total", "topic"), "{{topic}}"),),
        ),
    ),
)
FAN_OUT: Final = Dashboard(
    "fan-out",
    "Mingle: fan-out",
    (
        Panel(
            "Entries written",
            "ops",
            "Timeline entries, by lane.",
            (Query(_rate("timeline_fanout_entries_written_total", "lane"), "{{lane}}"),),
        ),
        Panel(
            "Pages pending",
            "short",
            "Fan-out pages that are not written yet.",
            (Query("sum by (lane) (timeline_fanout_pages_pending)", "{{lane}}"),),
        ),
        Panel(
            "Requests waiting",
            "short",
            "Messages that ingest has sent to fan-out. Grows while fan-out is slower than ingest.",
            (
                Query(
                    "sum by (topic) "
                    '(timeline_consumer_lag_messages{topic=~"fanout-pages|bulk-pages|backfills"})',
                    "{{topic}}",
                ),
            ),
        ),
        Panel(
            "Time per batch",
            "s",
            "Time that a handler takes, failed attempts included.",
            _quantiles("timeline_handle_seconds", "agent", "{{agent}}"),
        ),
        Panel(
            "Partitions in retry",
            "short",
            "Above zero the store is failing.",
            (Query("sum by (agent) (timeline_partitions_in_retry)", "{{agent}}"),),
        ),
        Panel(
            "Lag of the slowest partitions",
            "s",
            "One that stands out is hot, or its worker is stuck.",
            (Query("topk(5, timeline_consumer_lag_seconds)", "{{topic}} {{partition}}"),),
        ),
    ),
)
STORE: Final = Dashboard(
    "store",
    "Mingle: store",
    (
        Panel(
            "Requests",
            "ops",
            "By table and operation.",
            (
                Query(
                    _rate("timeline_store_request_seconds_count", "table, operation"),
                    "{{table}} {{operation}}",
                ),
            ),
        ),
        Panel(
            "Time per request",
            "s",
            "The 99th percentile by table and operation.",
            (
                Query(
                    "histogram_quantile(0.99, "
                    + _rate("timeline_store_request_seconds_bucket", "le, table, operation")
                    + ")",
                    "{{table}} {{operation}}",
                ),
            ),
        ),
        Panel(
            "Requests in flight",
            "short",
            "Bounded by MINGLE_STORE_IN_FLIGHT in each process; at the bound, work waits.",
            (Query("sum by (role, instance) (timeline_store_inflight)", "{{role}} {{instance}}"),),
        ),
        Panel(
            "Time by table",
            "s",
            "Seconds of requests per second, by table: look at the largest first.",
            (Query(_rate("timeline_store_request_seconds_sum", "table"), "{{table}}"),),
        ),
    ),
)
API: Final = Dashboard(
    "api",
    "Mingle: API",
    (
        Panel(
            "Requests",
            "reqps",
            "By route.",
            (Query(_rate("timeline_api_request_seconds_count", "route"), "{{route}}"),),
        ),
        Panel(
            "Time per request",
            "s",
            "By route.",
            _quantiles("timeline_api_request_seconds", "route", "{{route}}"),
        ),
        Panel(
            "Answers",
            "reqps",
            "503 while the store is unavailable; other 5xx are bugs.",
            (Query(_rate("timeline_api_request_seconds_count", "status"), "{{status}}"),),
        ),
        Panel(
            "Refused clients",
            "ops",
            "Clients that were no longer listened to, by reason.",
            (Query(_rate("timeline_http_refusals_total", "reason"), "{{reason}}"),),
        ),
        Panel(
            "Connections and streams",
            "short",
            "Bounded by MINGLE_API_CONNECTIONS and MINGLE_STREAM_LIMIT in each process.",
            (
                Query("sum by (instance) (timeline_http_connections_open)", "{{instance}}"),
                Query("sum by (instance) (timeline_api_streams_open)", "streams, {{instance}}"),
            ),
        ),
        Panel(
            "Events on streams",
            "ops",
            "Events that were sent to readers.",
            (Query(_rate("timeline_api_stream_events_total", "event"), "{{event}}"),),
        ),
        Panel(
            "Reads by streams",
            "ops",
            "Reads of the store for streams, by outcome.",
            (Query(_rate("timeline_api_stream_looks_total", "outcome"), "{{outcome}}"),),
        ),
    ),
)
DASHBOARDS: Final = (OVERVIEW, FAN_OUT, STORE, API)


def dashboard_path(dashboard: Dashboard) -> Path:
    """Return the file of a dashboard."""
    return FOLDER / f"{dashboard.name}.json"


if __name__ == "__main__":
    for each in DASHBOARDS:
        dashboard_path(each).write_text(render_dashboard(each))
