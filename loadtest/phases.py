"""Runs the phases of a scenario, one after the other, each with its figures."""

import asyncio
import time
from statistics import median

import msgspec

from loadtest import redis
from loadtest.bench import Bench, ProgressSink, SentEvents
from loadtest.burst import Burst
from loadtest.figures import Figures, percentiles
from loadtest.open_loop import OpenLoop
from loadtest.references import ReferenceBatch, flatten_batch, reference_batches
from loadtest.report import Outage, PhaseResult, Repetition
from loadtest.sampler import latency_by_lane
from loadtest.scenario import Maximum, Open, Phase, Scenario
from loadtest.settling import background_tasks, wait_until_settled
from loadtest.store import to_entries
from loadtest.traffic import Writer, posting_order

WARM_UP_POSTS = 200
"""In a burst, where a scenario does not begin with a maximum phase."""


class PhaseRunner:
    """Runs phases on a bench, and keeps what was published."""

    def __init__(self, bench: Bench, scenario: Scenario, progress: ProgressSink) -> None:
        self.sent = SentEvents(bench.graph)
        self.references: dict[str, float] = {}
        """Rows per second of the other ways to write them, by name."""
        self.unsettled = 0
        """Measurements that began while the store was still compacting earlier writes."""
        self._bench = bench
        self._scenario = scenario
        self._progress = progress
        self._writer = Writer(bench.random, scenario.words, bench.settings.epoch)
        self._burst = Burst(bench, self.sent, self._writer)
        self._posts_per_second: dict[str, float] = {}
        self._workers = 1

    async def warm_up(self) -> None:
        """Publish bursts of the first phase until the time is over, so that code is compiled."""
        await self._bench.start_workers(self._workers)
        seconds = self._scenario.warm_up_seconds
        first = self._scenario.phases[0]
        posts = first.posts if isinstance(first, Maximum) else WARM_UP_POSTS
        self._progress.step("warming up", seconds)
        began = time.monotonic()
        reported = 0.0
        while (elapsed := time.monotonic() - began) < seconds:
            self._progress.advance(elapsed - reported)
            reported = elapsed
            await self._publish_burst(first.of, posts)
            if isinstance(first, Maximum) and first.references:
                await self._bench.references.store_limit(self._rows(posts))

    async def run(self, phase: Phase) -> PhaseResult:
        """Run a phase until everything it published is handled."""
        bench = self._bench
        if isinstance(phase, Maximum):
            self._workers = phase.workers
        await bench.start_workers(self._workers)
        lanes, began = bench.sampler.latencies(), bench.elapsed()
        posts = len(self.sent.posts)
        repetitions: list[Repetition] = []
        outage: Outage | None = None
        lateness: Figures | None = None
        if isinstance(phase, Maximum):
            repetitions = await self._run_maximum(phase)
        else:
            outage, lateness = await self._run_open(phase)
        ended = bench.elapsed()
        posts = len(self.sent.posts) - posts
        middle = median_repetition(repetitions)
        seconds = ended - began if isinstance(phase, Maximum) else phase.seconds
        latest_authors = self.sent.authors[len(self.sent.authors) - posts :]
        deliveries = sum(len(self.sent.lists.of(each)) for each in latest_authors)
        latest = [each for each in bench.sampler.samples if each.at >= began]
        return PhaseResult(
            kind="maximum" if isinstance(phase, Maximum) else "open",
            of=phase.of,
            workers=self._workers,
            began=began,
            ended=ended,
            posts=posts,
            deliveries=deliveries,
            posts_per_second=middle.posts / middle.seconds if middle else posts / seconds,
            deliveries_per_second=middle.per_second if middle else deliveries / seconds,
            lag_seconds_max=max((each.lag_seconds for each in latest), default=0.0),
            delivery_latency_seconds=_latency(
                bench.observer.figures(began, ended),
                bench.observer.by_group(began, ended),
                latency_by_lane(lanes, bench.sampler.latencies()),
            ),
            read_latency_seconds=bench.reader.figures(began, ended) if bench.reader else None,
            sent_late_seconds=lateness,
            repetitions=repetitions,
            outage=outage,
        )

    async def _run_maximum(self, phase: Maximum) -> list[Repetition]:
        repetitions = []
        self._progress.step(f"maximum of {phase.of}, {phase.posts:,} posts", phase.repetitions)
        for _ in range(phase.repetitions):
            await self._settle()
            repetition = await self._publish_burst(phase.of, phase.posts)
            if phase.references:
                await self._settle()
                limit = await self._bench.references.store_limit(self._rows(phase.posts))
                repetition = msgspec.structs.replace(repetition, store_limit_per_second=limit)
            repetitions.append(repetition)
            self._progress.advance()
        if phase.references:
            await self._measure_references(phase.posts)
        rates = [each.posts / each.seconds for each in repetitions]
        self._posts_per_second[phase.of] = median(rates)
        return repetitions

    async def _measure_references(self, posts: int) -> None:
        """Write the rows of the latest posts in other ways."""
        rows, references = self._rows(posts), self._bench.references
        self._progress.step("the same rows in a partition for each user, and one by one")
        await self._settle()
        self.references["per_user"] = await references.per_user_layout(rows)
        await self._settle()
        self.references["naive"] = await references.naive(rows)
        server = redis.program()
        if server:
            await self._settle()
            self._progress.step("the same rows in Redis")
            with redis.run_redis(server) as port:
                pairs = map(flatten_batch, rows)
                self.references["redis"] = await asyncio.to_thread(redis.redis_rate, port, pairs)

    async def _run_open(self, phase: Open) -> tuple[Outage | None, Figures | None]:
        share = phase.share_of_maximum
        rate = phase.per_second or self._posts_per_second[phase.of] * (share or 0.0)
        self._progress.step(f"open loop of {phase.of}, {rate:,.1f} posts/s for {phase.seconds:g} s")
        await self._settle()
        loop = OpenLoop(self._bench, self.sent, self._writer, self._workers)
        outage = await loop.run(phase, rate)
        return outage, percentiles(loop.lateness_seconds)

    async def _settle(self) -> None:
        store = self._bench.store.store
        self.unsettled += not await wait_until_settled(
            lambda: background_tasks(store), self._scenario.settle_seconds
        )

    async def _publish_burst(self, group: str, posts: int) -> Repetition:
        authors = posting_order(self._bench.graph.groups[group], posts, self._bench.random)
        return await self._burst.publish(group, authors)

    def _rows(self, posts: int) -> list[ReferenceBatch]:
        """Return the entries of the latest posts, in the batches of a worker."""
        latest = to_entries(self.sent.authors[-posts:], self.sent.posts[-posts:])
        return reference_batches(self.sent.lists, latest, self._scenario.reference_rows)


def median_repetition(repetitions: list[Repetition]) -> Repetition | None:
    """Return the one with the median rate, the slower middle one of an even number."""
    ordered = sorted(repetitions, key=lambda each: each.per_second)
    return ordered[(len(ordered) - 1) // 2] if ordered else None


def _latency(
    observed: Figures | None, groups: dict[str, Figures], lanes: dict[str, Figures]
) -> dict[str, object] | None:
    """Return what the observer saw, and what the workers' own histograms say of each lane."""
    if observed is None:
        return None
    return {**observed, "by_group": groups, "by_lane": lanes}
