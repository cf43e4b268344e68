"""Writes report.md, with its charts beside it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from loadtest.charts import CHART_NAMES, draw_charts
from loadtest.figures import Figures
from loadtest.report import Outage, PhaseResult, Report

FILE = "report.md"
CAPTIONS = {
    "rates.svg": "rates of the ways of writing",
    "rate.svg": "rate over time",
    "lag.svg": "lag over time",
    "latency.svg": "latency percentiles",
    "cpu.svg": "CPU per delivery by process",
    "rows.svg": "rows per request over time",
    "memory.svg": "memory over time",
}


def write_markdown(report: Report, folder: Path) -> None:
    """Write report.md and its charts."""
    drawn = draw_charts(report)
    for name, chart in drawn.items():
        (folder / name).write_text(chart)
    (folder / FILE).write_text(
        render_markdown(report, [name for name in CAPTIONS if name in drawn])
    )


def render_markdown(report: Report, drawn: Iterable[str] = ()) -> str:
    """Return the text; `drawn` are the file names of the charts that exist."""
    parts = [
        f"# {report.scenario}",
        f"> {report.claim}",
        _CLAIM[report.claim_met],
        _expectations(report),
        _verdict(report),
        markdown_table(("figure", "value"), headline(report).items()),
        "## Phases",
        _phases(report.phases),
        "## Latency",
        _latency(report),
        *(f"![{CAPTIONS[name]}]({name})" for name in drawn),
        "## How it was measured",
        _machine(report),
        "\n".join(f"* {note}" for note in report.notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def headline(report: Report) -> dict[str, str]:
    """Return the figures by which reports are compared, as they are printed."""
    megabytes = report.rss_max_bytes and f"{report.rss_max_bytes / 2**20:,.0f} MiB"
    return {
        "deliveries": f"{report.deliveries:,} in {report.seconds:,.2f} s",
        "deliveries/s": format_number(report.deliveries_per_second),
        "the store's own limit/s": format_number(report.store_limit_per_second),
        "ratio to the store's limit": format_number(report.ratio_to_store_limit),
        "naive worker/s": format_number(report.naive_per_second),
        "ratio to the naive worker": format_number(report.ratio_to_naive),
        "a partition per user/s": format_number(report.per_user_layout_per_second),
        "ratio to a partition per user": format_number(report.ratio_to_per_user_layout),
        "Redis/s": format_number(report.redis_per_second),
        "ratio to Redis": format_number(report.ratio_to_redis),
        "delivery latency p50 / p99": _p50_p99(report.delivery_latency_seconds),
        "read latency p50 / p99": _p50_p99(report.read_latency_seconds),
        "lag at most": f"{format_number(report.lag_seconds_max)} s",
        "worker CPU per delivery": _cpu_per_delivery(report, "worker"),
        "Cassandra CPU per delivery": _cpu_per_delivery(report, "cassandra"),
        "Kafka CPU per delivery": _cpu_per_delivery(report, "kafka"),
        "cores used by other processes": _other_cores(report),
        "memory of a worker at most": megabytes or "not measured",
        "rows per request": format_number(report.rows_per_request),
        "lost / extra": f"{report.lost:,} / {report.extra:,}",
        "claim": _HOLDS[report.claim_met],
    }


def format_number(value: float | None) -> str:
    """Return readable digits, as many as mean something."""
    if value is None:
        return "not measured"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruled = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


_CLAIM = {
    True: "**The claim holds.**",
    False: "**The claim does NOT hold.**",
    None: "**The claim cannot be judged.**",
}
_HOLDS = {True: "holds", False: "does NOT hold", None: "not judged"}
_MET = {True: "yes", False: "NO", None: "not measured"}


def _expectations(report: Report) -> str:
    rows = [
        (each.expected, ", ".join(map(format_number, each.measured)), _MET[each.met])
        for each in report.expectations
    ]
    return markdown_table(("expected", "measured", "holds"), rows) if rows else ""


def _verdict(report: Report) -> str:
    verdict = "Everything was delivered" if report.is_correct else "NOT everything is right"
    return (
        f"**{verdict}.** {report.entries_checked:,} entries read back: {report.lost:,} lost, "
        f"{report.extra:,} extra; {report.homes_checked} homes read through the API, "
        f"{report.homes_wrong} of them wrong; {report.dead_letters:,} dead letters."
    )


def _phases(phases: Sequence[PhaseResult]) -> str:
    head = ("phase", "posts/s", "deliveries/s", "by repetition", "delivery p50 / p99", "lag")
    rows = [
        (
            f"{each.kind} of {each.of}, workers: {each.workers}",
            format_number(each.posts_per_second),
            format_number(each.deliveries_per_second),
            ", ".join(format_number(one.per_second) for one in each.repetitions) or "none",
            _p50_p99(each.delivery_latency_seconds),
            f"{format_number(each.lag_seconds_max)} s",
        )
        for each in phases
    ]
    outages = [_outage(each.outage) for each in phases if each.outage]
    return "\n\n".join([markdown_table(head, rows), *outages])


def _outage(outage: Outage) -> str:
    times = format_number(outage.ratio_to_live_rate)
    return (
        f"Workers were away for {outage.away_seconds:,.1f} s, while {outage.posts_waiting:,} posts "
        f"arrived. Those, and what arrived meanwhile, were handled in {outage.drain_seconds:,.1f} "
        f"s: {times} times the live rate."
    )


def _latency(report: Report) -> str:
    rows = []
    if report.delivery_latency_seconds:
        delivery = report.delivery_latency_seconds
        rows.append(("delivery, all", delivery))
        rows += [(f"delivery, {group}", each) for group, each in delivery["by_group"].items()]
        rows += [(f"lane {lane}, by workers", each) for lane, each in delivery["by_lane"].items()]
    if report.read_latency_seconds:
        rows.append(("home page of 20 ids", report.read_latency_seconds))
    if not rows:
        return "Not measured."
    head = ("seconds", *CHART_NAMES, "count")
    return markdown_table(head, [(name, *_values(figures)) for name, figures in rows])


def _values(figures: Figures) -> list[str]:
    return [*(f"{figures[name]:.3f}" for name in CHART_NAMES), f"{figures['count']:,.0f}"]


def _machine(report: Report) -> str:
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    groups = "; ".join(
        f"{name}: {each['authors']:,} authors with {each['followers_mean']:,.0f} followers on "
        f"average, {each['followers_max']:,} at most"
        for name, each in report.graph["groups"].items()
    )
    return (
        f"{machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, load "
        f"{machine['load_before']} before; everything on this machine. {versions}. "
        f"{report.graph['users']:,} users; {groups}. "
        f"Seed {report.seed}, scale {report.scale:g}, started {report.began_at}."
    )


def _p50_p99(figures: Mapping[str, float] | None) -> str:
    if not figures:
        return "not measured"
    return f"{figures['p50']:.3f} / {figures['p99']:.3f} s"


def _other_cores(report: Report) -> str:
    spent = report.cpu_seconds.get("elsewhere")
    cores = report.machine["cores"]
    return "not measured" if spent is None else f"{spent / report.seconds:.2f} of {cores}"


def _cpu_per_delivery(report: Report, process: str) -> str:
    spent = report.cpu_microseconds_per_delivery.get(process)
    return "not measured" if spent is None else f"{spent:.2f} µs"
