"""Samples the workers' /metrics twice a second, as Prometheus would."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import httpx

from loadtest.figures import Figures, RunningCount, histogram_percentiles
from loadtest.machine import usage
from loadtest.processes import Program

EVERY_SECONDS = 0.5
ANSWER_SECONDS = 5.0
ENTRIES = "timeline_fanout_entries_written_total"
LATENCY = "timeline_delivery_latency_seconds_bucket"
LAG = "timeline_consumer_lag_seconds"
WAITING = "timeline_consumer_lag_messages"
REQUESTS = "timeline_store_request_seconds_count"
DEAD_LETTERS = "timeline_dead_letters_total"
NAMES = (ENTRIES, LATENCY, LAG, WAITING, REQUESTS, DEAD_LETTERS)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


LaneHistograms: TypeAlias = Mapping[str, Mapping[float, float]]


class MetricValue(NamedTuple):
    """A line of /metrics."""

    name: str
    labels: Mapping[str, str]
    value: float


class MetricsSample(NamedTuple):
    """Metrics of all workers together; `at` is in seconds of the run."""

    at: float
    entries: float
    lag_seconds: float
    waiting: float
    requests: float
    rss_bytes: int
    complete: bool
    """Whether every worker answered; the counters of one that did not are as before."""


def parse_metrics(text: str) -> list[MetricValue]:
    """Return the lines whose metrics are in NAMES."""
    found = []
    for line in text.splitlines():
        name, _, rest = line.partition("{")
        if name in NAMES:
            labels, _, value = rest.rpartition("} ")
            found.append(MetricValue(name, dict(_LABEL.findall(labels)), float(value)))
    return found


def sum_values(values: Sequence[MetricValue], name: str, **labels: str) -> float:
    """Return the sum of the values with this name and these labels."""
    wanted = labels.items()
    return sum(each.value for each in values if each.name == name and wanted <= each.labels.items())


def latency_by_lane(before: LaneHistograms, after: LaneHistograms) -> dict[str, Figures]:
    """Return the latency between two readings, estimated within the buckets of the histograms."""
    lanes = {}
    for lane, buckets in sorted(after.items()):
        earlier = before.get(lane, {})
        figures = histogram_percentiles({le: n - earlier.get(le, 0.0) for le, n in buckets.items()})
        if figures:
            lanes[lane] = figures
    return lanes


class Sampler:
    """Samples metrics. Keeps the counters of workers that ended, so that sums only rise."""

    def __init__(self, workers: Callable[[], Sequence[Program]], began: float) -> None:
        """`began` is the run's start on the monotonic clock."""
        self.samples: list[MetricsSample] = []
        self._workers = workers
        self._began = began
        self._latest: dict[int, list[MetricValue]] = {}

    async def run(self) -> None:
        """Sample until it is cancelled."""
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
            while True:
                await self.take_sample(client)
                await asyncio.sleep(EVERY_SECONDS)

    async def take_sample(self, client: httpx.AsyncClient) -> None:
        """Add a sample."""
        answering = {}
        for each in self._workers():
            try:
                answer = await client.get(f"{each.url}/metrics")
            except httpx.HTTPError:
                continue
            answering[each.process.pid] = parse_metrics(answer.text)
        self._latest |= answering
        self.samples.append(self._sample(answering))

    def entries(self) -> list[RunningCount]:
        """Return how many entries the workers had written at each sample."""
        return [RunningCount(each.at, each.entries) for each in self.samples]

    def dead_letters(self) -> float:
        return sum(sum_values(values, DEAD_LETTERS) for values in self._latest.values())

    def latencies(self) -> LaneHistograms:
        """Return cumulative counts of the workers' histograms, by lane and upper bound."""
        buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        for values in self._latest.values():
            for each in values:
                if each.name == LATENCY:
                    buckets[each.labels["lane"]][float(each.labels["le"])] += each.value
        return buckets

    def _sample(self, answering: Mapping[int, Sequence[MetricValue]]) -> MetricsSample:
        at = time.monotonic() - self._began
        known = [each for values in answering.values() for each in values]
        ever = [each for values in self._latest.values() for each in values]
        used = usage(*(each.process.pid for each in self._workers()))
        return MetricsSample(
            at,
            sum_values(ever, ENTRIES),
            self._lag(at, known, silent=not answering),
            sum_values(known, WAITING),
            sum_values(ever, REQUESTS, table="home_timeline", operation="write"),
            used.rss_max_bytes if used else 0,
            len(answering) == len(self._workers()),
        )

    def _lag(self, at: float, known: Sequence[MetricValue], *, silent: bool) -> float:
        """Return the lag; while no worker answers, it grows with the time."""
        before = self.samples[-1].lag_seconds if self.samples else 0.0
        if silent:
            return before + (at - self.samples[-1].at if self.samples else 0.0)
        return max((each.value for each in known if each.name == LAG), default=0.0)
