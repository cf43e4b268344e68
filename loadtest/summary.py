"""From what was measured to the report. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from loadtest.figures import median
from loadtest.graph import TAIL_EXPONENT, Graph
from loadtest.phases import median_repetition
from loadtest.report import PhaseResult, Repetition, Report, Series, ratio
from loadtest.sampler import MetricsSample, Sampler
from loadtest.scenario import Scenario
from loadtest.verification import ComparedHomes, ShownHomes

LOADED = (
    "The follow graph was loaded through the product's own graph store, not through Kafka: "
    "{edges:,} edges in {seconds:.1f} s. Only lists of authors who post are loaded."
)
LATENCY = (
    "Delivery latency runs from when a post was meant to be sent until an observer could read it "
    "in a follower's home; at most 10 posts a second are watched. By lane it is what the workers "
    "count themselves (from Kafka's acceptance on), an estimate within the buckets of a histogram."
)
LATE_SECONDS = 0.05
LATE = (
    "The machine was too busy for the run itself: one post in a hundred was sent {late:.2f} s late "
    "or more. That is part of the delivery latencies, for they count from the intended time."
)
NO_REDIS = "Redis was not measured: neither redis-server nor valkey-server is installed."


class Measurements(NamedTuple):
    """What a run found."""

    graph: Graph
    load_seconds: float
    phases: list[PhaseResult]
    references: dict[str, float]
    sampler: Sampler
    kept: ComparedHomes
    homes: ShownHomes
    unwatched: int
    never: int
    refused_reads: int
    unsettled: int


class RunStart(NamedTuple):
    """What is known when a run begins."""

    scenario: Scenario
    name: str
    scale: float
    began_at: str
    machine: dict[str, Any]


def summarize(begun: RunStart, facts: Measurements) -> Report:
    """The headline is the median repetition of the first maximum phase, else the first phase."""
    head = next((each for each in facts.phases if each.repetitions), facts.phases[0])
    best = median_repetition(head.repetitions) or _of_open(head)
    latency = next((each for each in reversed(facts.phases) if each.kind == "open"), head)
    kept, samples = facts.kept, facts.sampler.samples
    return Report(
        scenario=begun.name,
        claim=begun.scenario.claim,
        scale=begun.scale,
        seed=begun.scenario.seed,
        began_at=begun.began_at,
        machine=begun.machine,
        graph=_described(begun.scenario, facts.graph),
        deliveries=best.deliveries,
        seconds=best.seconds,
        deliveries_per_second=best.per_second,
        **_ratios(head, best.per_second, facts.references),
        delivery_latency_seconds=latency.delivery_latency_seconds,
        read_latency_seconds=latency.read_latency_seconds,
        lag_seconds_max=max(each.lag_seconds_max for each in facts.phases),
        lost=kept.difference.lost,
        extra=kept.difference.extra,
        entries_checked=kept.entries,
        homes_checked=facts.homes.read,
        homes_wrong=facts.homes.wrong,
        dead_letters=round(facts.sampler.dead_letters()),
        cpu_seconds=best.cpu_seconds,
        cpu_microseconds_per_delivery={
            who: None if spent is None or not best.deliveries else spent / best.deliveries * 1e6
            for who, spent in best.cpu_seconds.items()
        },
        rss_max_bytes=max((each.rss_bytes for each in samples), default=0) or None,
        rows_per_request=best.rows_per_request,
        rows_per_partition=kept.rows_per_shard,
        phases=facts.phases,
        series=_series(samples),
        notes=_notes(facts),
    )


def _ratios(
    head: PhaseResult, rate: float, references: dict[str, float]
) -> dict[str, float | None]:
    """What else wrote the rows of the headline's phase, and how the whole path stands to it."""
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


def _of_open(phase: PhaseResult) -> Repetition:
    seconds = phase.deliveries / phase.deliveries_per_second if phase.deliveries else 1.0
    return Repetition(
        posts=phase.posts,
        deliveries=phase.deliveries,
        seconds=seconds,
        per_second=phase.deliveries_per_second,
        cpu_seconds={},
        rows_per_request=None,
    )


def _described(scenario: Scenario, graph: Graph) -> dict[str, Any]:
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
                "followers_median": float(sorted(counts.tolist())[len(counts) // 2]),
                "followers_max": int(counts.max()),
            }
            for name, counts in groups.items()
        },
    }


def _notes(facts: Measurements) -> list[str]:
    notes = [
        LOADED.format(edges=len(facts.graph.followees), seconds=facts.load_seconds),
        LATENCY,
    ]
    if "naive" in facts.references and "redis" not in facts.references:
        notes.append(NO_REDIS)
    late = [each.sent_late_seconds["p99"] for each in facts.phases if each.sent_late_seconds]
    if late and max(late) > LATE_SECONDS:
        notes.append(LATE.format(late=max(late)))
    if facts.unsettled:
        notes.append(
            f"{facts.unsettled:,} measurements began while Cassandra still compacted what was "
            "written before them."
        )
    if facts.unwatched:
        notes.append(f"{facts.unwatched:,} posts were not watched: too many were waited for.")
    if facts.never:
        notes.append(f"{facts.never:,} entries that were watched were never seen.")
    if facts.refused_reads:
        notes.append(f"{facts.refused_reads:,} reads failed or were not made.")
    return notes
