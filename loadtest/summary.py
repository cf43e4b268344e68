"""Makes the report from what was measured. Pure."""

from collections.abc import Sequence
from statistics import median, median_high
from typing import Any, NamedTuple

from loadtest.graph import TAIL_EXPONENT, Graph
from loadtest.phases import median_repetition
from loadtest.report import PhaseResult, Repetition, Report, Series, ratio, with_verdict
from loadtest.sampler import MetricsSample, Sampler
from loadtest.scenario import Scenario
from loadtest.verification import ComparedHomes, ShownHomes

LOADED = (
    "The follow graph was loaded through the product's own graph store, not through Kafka: "
    "{edges:,} edges in {seconds:.1f} s. Only lists of authors who post are loaded."
)
LATENCY = (
    "Delivery latency runs from when a post was meant to be sent until an observer could read it "
    "in a follower's home; at most 10 posts per second are watched. By lane it is what the workers "
    "measured, from the message's time in Kafka on, estimated within the buckets of a histogram."
)
LATE_SECONDS = 0.05
LATE = (
    "The machine was too busy for the run itself: one post in a hundred was sent {late:.2f} s late "
    "or more. Delivery latencies include that, since they count from the intended time."
)
NO_REDIS = "Redis was not measured: neither redis-server nor valkey-server is installed."


class Measurements(NamedTuple):
    """Everything that a run measured."""

    graph: Graph
    load_seconds: float
    phases: list[PhaseResult]
    references: dict[str, float]
    sampler: Sampler
    stored: ComparedHomes
    shown: ShownHomes
    unwatched: int
    never_seen: int
    failed_reads: int
    unsettled: int


class RunStart(NamedTuple):
    """Everything that is known when a run begins."""

    scenario: Scenario
    name: str
    scale: float
    began_at: str
    machine: dict[str, Any]


def summarize(start: RunStart, measured: Measurements) -> Report:
    """Return the report of a run.

    Its headline is the median repetition of the first maximum phase, else the first phase.
    """
    head = next((each for each in measured.phases if each.repetitions), measured.phases[0])
    middle = median_repetition(head.repetitions) or _as_repetition(head)
    latency = next((each for each in reversed(measured.phases) if each.kind == "open"), head)
    stored, samples = measured.stored, measured.sampler.samples
    report = Report(
        scenario=start.name,
        claim=start.scenario.claim,
        scale=start.scale,
        seed=start.scenario.seed,
        began_at=start.began_at,
        machine=start.machine,
        graph=_describe_graph(start.scenario, measured.graph),
        deliveries=middle.deliveries,
        seconds=middle.seconds,
        deliveries_per_second=middle.per_second,
        **_ratios(head, middle.per_second, measured.references),
        delivery_latency_seconds=latency.delivery_latency_seconds,
        read_latency_seconds=latency.read_latency_seconds,
        lag_seconds_max=max(each.lag_seconds_max for each in measured.phases),
        lost=stored.difference.lost,
        extra=stored.difference.extra,
        entries_checked=stored.entries,
        homes_checked=measured.shown.read,
        homes_wrong=measured.shown.wrong,
        dead_letters=round(measured.sampler.dead_letters()),
        cpu_seconds=middle.cpu_seconds,
        cpu_microseconds_per_delivery=_per_delivery(middle),
        rss_max_bytes=max((each.rss_bytes for each in samples), default=0) or None,
        rows_per_request=middle.rows_per_request,
        rows_per_partition=stored.rows_per_shard,
        phases=measured.phases,
        series=_series(samples),
        notes=_notes(measured),
        rss_growth_ratio=_growth([each.rss_bytes for each in samples]),
    )
    return with_verdict(report, start.scenario.expect)


def _per_delivery(repetition: Repetition) -> dict[str, float | None]:
    """Return the CPU of a delivery in each process, in microseconds."""
    return {
        process: seconds / repetition.deliveries * 1e6
        if seconds is not None and repetition.deliveries
        else None
        for process, seconds in repetition.cpu_seconds.items()
    }


def _growth(sizes: Sequence[int]) -> float | None:
    """Return the median of the last quarter to that of the second: the first is a start."""
    quarter = len(sizes) // 4
    if not quarter:
        return None
    return ratio(median(sizes[-quarter:]), median(sizes[quarter : 2 * quarter]))


def _ratios(head: PhaseResult, rate: float, references: dict[str, float]) -> dict[str, Any]:
    """Return the rates of the other ways to write the rows, and the ratios of the path to them."""
    limits = [each.store_limit_per_second for each in head.repetitions]
    known = [each for each in limits if each is not None]
    limit = median(known) if known else None
    naive, per_user, redis = map(references.get, ("naive", "per_user", "redis"))
    return {
        "store_limit_per_second": limit,
        "ratio_to_store_limit": ratio(rate, limit),
        "naive_per_second": naive,
        "ratio_to_naive": ratio(rate, naive),
        "per_user_layout_per_second": per_user,
        "ratio_to_per_user_layout": ratio(rate, per_user),
        "redis_per_second": redis,
        "ratio_to_redis": ratio(rate, redis),
    }


def _series(samples: Sequence[MetricsSample]) -> Series:
    return Series(
        at=[round(each.at, 3) for each in samples],
        entries=[each.entries for each in samples],
        lag_seconds=[round(each.lag_seconds, 3) for each in samples],
        requests=[each.requests for each in samples],
        rss_bytes=[each.rss_bytes for each in samples],
    )


def _as_repetition(phase: PhaseResult) -> Repetition:
    seconds = phase.deliveries / phase.deliveries_per_second if phase.deliveries else 1.0
    return Repetition(
        posts=phase.posts,
        deliveries=phase.deliveries,
        seconds=seconds,
        per_second=phase.deliveries_per_second,
        cpu_seconds={},
        rows_per_request=None,
    )


def _describe_graph(scenario: Scenario, graph: Graph) -> dict[str, Any]:
    lists = graph.lists()
    groups = {name: lists.counts(authors) for name, authors in graph.groups.items()}
    return {
        "users": scenario.users,
        "edges": len(graph.followees),
        "readers": len(graph.readers),
        "tail_exponent": TAIL_EXPONENT,
        "groups": {
            name: {
                "authors": len(counts),
                "followers_mean": float(counts.mean()),
                "followers_median": float(median_high(counts.tolist())),
                "followers_max": int(counts.max()),
            }
            for name, counts in groups.items()
        },
    }


def _notes(measured: Measurements) -> list[str]:
    notes = [
        LOADED.format(edges=len(measured.graph.followees), seconds=measured.load_seconds),
        LATENCY,
    ]
    if "naive" in measured.references and "redis" not in measured.references:
        notes.append(NO_REDIS)
    late = [each.sent_late_seconds["p99"] for each in measured.phases if each.sent_late_seconds]
    if late and max(late) > LATE_SECONDS:
        notes.append(LATE.format(late=max(late)))
    if measured.unsettled:
        notes.append(f"{measured.unsettled:,} measurements began while Cassandra still compacted.")
    if measured.unwatched:
        notes.append(f"{measured.unwatched:,} posts were not watched: too many others were.")
    if measured.never_seen:
        notes.append(f"{measured.never_seen:,} watched entries were never seen.")
    if measured.failed_reads:
        notes.append(f"{measured.failed_reads:,} reads failed or were not made.")
    return notes
