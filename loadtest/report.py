"""The result of a run, report.json. Every ratio is between two figures of the same run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from loadtest.figures import Figures
from loadtest.scenario import Expectation
from loadtest.verdict import Judged, is_met, judge_claim

FILE = "report.json"


class Repetition(msgspec.Struct, frozen=True, kw_only=True):
    """A burst until every entry was written, and the rate of a bare loop with the same rows."""

    posts: int
    deliveries: int
    seconds: float
    per_second: float
    cpu_seconds: dict[str, float | None]
    rows_per_request: float | None
    store_limit_per_second: float | None = None


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """The workers were stopped while posts kept arriving."""

    away_seconds: float
    posts_waiting: int
    drain_seconds: float
    drained_posts_per_second: float
    ratio_to_live_rate: float


class PhaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """One phase; `began` and `ended` are seconds of the run."""

    kind: str
    of: str
    workers: int
    began: float
    ended: float
    posts: int
    deliveries: int
    posts_per_second: float
    deliveries_per_second: float
    lag_seconds_max: float
    delivery_latency_seconds: dict[str, Any] | None
    read_latency_seconds: Figures | None
    sent_late_seconds: Figures | None = None
    """How late the run itself was in an open phase; latencies, from intended times, include it."""
    repetitions: list[Repetition] = []
    outage: Outage | None = None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Samples, two per second, as columns; `at` is in seconds of the run."""

    at: list[float]
    entries: list[float]
    lag_seconds: list[float]
    requests: list[float]
    rss_bytes: list[int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report. Users rely on its field names; figures are null where they were not measured."""

    scenario: str
    claim: str
    scale: float
    seed: int
    began_at: str
    machine: dict[str, Any]
    graph: dict[str, Any]
    deliveries: int
    seconds: float
    deliveries_per_second: float
    store_limit_per_second: float | None
    ratio_to_store_limit: float | None
    naive_per_second: float | None
    ratio_to_naive: float | None
    per_user_layout_per_second: float | None
    ratio_to_per_user_layout: float | None
    redis_per_second: float | None
    ratio_to_redis: float | None
    delivery_latency_seconds: dict[str, Any] | None
    read_latency_seconds: Figures | None
    lag_seconds_max: float
    lost: int
    extra: int
    entries_checked: int
    homes_checked: int
    homes_wrong: int
    dead_letters: int
    cpu_seconds: dict[str, float | None]
    cpu_microseconds_per_delivery: dict[str, float | None]
    rss_max_bytes: int | None
    rows_per_request: float | None
    rows_per_partition: Figures | None
    phases: list[PhaseResult]
    series: Series
    notes: list[str]
    rss_growth_ratio: float | None = None
    """Memory of the workers in the last quarter of the run to that in its second quarter."""
    expectations: list[Judged] = []
    """The claim in figures, judged."""
    claim_met: bool | None = None
    """Null where a figure was not measured, or the scenario states none."""

    @property
    def is_correct(self) -> bool:
        """Whether homes hold everything that was published, and nothing else."""
        return not (self.lost or self.extra or self.homes_wrong or self.dead_letters)


class NoReport(ValueError):
    """A folder without a readable report."""


def save_report(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def load_report(folder: Path) -> Report:
    """Return the report of a folder. Raises NoReport."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError) as error:
        raise NoReport(f"{folder}: {error}") from error


def with_verdict(report: Report, expected: Sequence[Expectation]) -> Report:
    """Return the report with its claim judged by its own figures."""
    judged = judge_claim(expected, msgspec.to_builtins(report))
    return msgspec.structs.replace(report, expectations=judged, claim_met=is_met(judged))


def ratio(figure: float, to: float | None) -> float | None:
    """Return the ratio, or None where there is nothing to compare with."""
    return figure / to if to else None
