"""Draws the charts of a report."""

from collections.abc import Mapping
from itertools import pairwise

from loadtest.figures import QUANTILES
from loadtest.report import PhaseResult, Report, Series
from loadtest.svg import Band, Line, bar_chart, line_chart

CHART_NAMES = (*QUANTILES, "max")


def draw_charts(report: Report) -> Mapping[str, str]:
    """Return SVG by file name. What was not measured has no chart."""
    series = report.series
    memory = [(at, b / 2**20) for at, b in zip(series.at, series.rss_bytes, strict=True)]
    bands = [Band(_name(each), each.began, each.ended) for each in report.phases]
    drawn = {
        "rate.svg": line_chart(
            "Entries written per second", [Line("", entries_per_second(series))], bands=bands
        ),
        "lag.svg": line_chart(
            "Age of the oldest message not handled, in seconds",
            [Line("", list(zip(series.at, series.lag_seconds, strict=True)))],
            bands=bands,
        ),
        "rows.svg": line_chart(
            "Rows in a request to home_timeline", [Line("", rows_per_request(series))], bands=bands
        ),
        "memory.svg": line_chart(
            "Memory of the largest worker so far, in MiB", [Line("", memory)], bands=bands
        ),
        "rates.svg": bar_chart("Entries per second, by way of writing", _rates(report), "/s"),
    }
    cost = {
        process: each
        for process, each in report.cpu_microseconds_per_delivery.items()
        if each and process not in {"elsewhere", "worker"}  # which is shown by role
    }
    if cost:
        drawn["cpu.svg"] = bar_chart("CPU per delivery, by process", cost, "µs")
    latencies = _latencies(report)
    if latencies:
        title = "Latency in seconds, by percentile"
        drawn["latency.svg"] = line_chart(title, latencies, names=CHART_NAMES, log=True)
    return drawn


def entries_per_second(series: Series) -> list[tuple[float, float]]:
    """Return the entries per second between two samples."""
    samples = list(zip(series.at, series.entries, strict=True))
    return [
        (at, (entries - before) / (at - earlier))
        for (earlier, before), (at, entries) in pairwise(samples)
        if at > earlier
    ]


def rows_per_request(series: Series) -> list[tuple[float, float]]:
    """Return the entries per request between two samples, where there were requests."""
    samples = list(zip(series.at, series.entries, series.requests, strict=True))
    return [
        (at, (entries - before) / (requests - earlier))
        for (_, before, earlier), (at, entries, requests) in pairwise(samples)
        if requests > earlier
    ]


def _name(phase: PhaseResult) -> str:
    return phase.kind if phase.workers == 1 else f"{phase.kind}, {phase.workers} workers"


def _rates(report: Report) -> dict[str, float]:
    known = {
        "the whole path": report.deliveries_per_second,
        "the store's limit": report.store_limit_per_second,
        "a partition per user": report.per_user_layout_per_second,
        "Redis, as Mastodon": report.redis_per_second,
        "an INSERT per follower": report.naive_per_second,
    }
    return {name: each for name, each in known.items() if each}


def _latencies(report: Report) -> list[Line]:
    latencies = []
    delivery = report.delivery_latency_seconds
    if delivery:
        groups = delivery["by_group"]
        latencies = [Line(f"delivery, {name}", _points(each)) for name, each in groups.items()]
    if report.read_latency_seconds:
        latencies.append(Line("read", _points(report.read_latency_seconds)))
    return latencies


def _points(figures: Mapping[str, float]) -> list[tuple[float, float]]:
    return [(float(place), figures[name]) for place, name in enumerate(CHART_NAMES)]
