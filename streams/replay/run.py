"""Runs a replay: reads a share of the plan, has it handled, commits what is done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

import structlog

from services.errors import BrokerUnavailable, StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.brokers import Brokers
from streams.clock import WaitingClock
from streams.delivery.acks import AckTracker
from streams.delivery.loop import DeliveryLoop
from streams.progress import ProgressCallback
from streams.records import Partition, RecordRun
from streams.replay.consumer import ReplayConsumer
from streams.replay.plan import EDGES, Plan, Source
from streams.replay.progress import LiveLag, Progress, measure_progress
from streams.replay.rate_limiter import RateLimiter

POLL_SECONDS: Final = 0.2
POLL_RECORDS: Final = 5_000
WATCH_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 5.0
PARTITION_BYTES: Final = 8 << 20
"""Received and not yet handled, per partition: a batch or two."""
TOTAL_BYTES: Final = 96 << 20
"""For all partitions: two batches that are being handled and two that wait."""

log = structlog.get_logger(__name__)


class Live(Protocol):
    """`streams.replay.live.LiveGroups` is one. Both methods raise BrokerUnavailable."""

    async def look(self) -> tuple[dict[Partition, int], dict[Partition, int]]: ...
    async def ends(self, places: list[Partition]) -> dict[Partition, int]: ...


async def always_there() -> None:
    """Raise nothing: live tables are never retired."""


class ReplayState(NamedTuple):
    """Reported once a second. `waits` says what the replay waits for, "" if it does not."""

    progress: Progress
    seconds_left: float | None
    waits: str


class ReplayLimits(NamedTuple):
    """How much of the machine a replay may take."""

    rate: float | None = None
    """Events a second, read by this process."""
    live_lag: float | None = 5.0
    """Seconds that live workers may be behind while the replay reads; None is no limit."""


class Replay:
    """One process of a replay. `deliveries` are its loops, by the topic that is read.

    Several may share a plan: they are a consumer group, whose committed offsets are its progress.
    """

    def __init__(  # noqa: PLR0913 - a composition, all by keyword
        self,
        plan: Plan,
        *,
        deliveries: Mapping[str, DeliveryLoop[Any]],
        acks: AckTracker,
        live: Live,
        metrics: Metrics,
        clock: WaitingClock,
        expect_target: Callable[[], Awaitable[None]] = always_there,
        limits: ReplayLimits | None = None,
        on_progress: ProgressCallback[ReplayState] = lambda _: None,
    ) -> None:
        """`expect_target` raises an error that ends the replay once its tables are gone."""
        self._plan = plan
        self._sources = {each.place: each for each in plan.sources}
        self._deliveries = deliveries
        self._acks = acks
        self._live = live
        self._clock = clock
        self._expect_target = expect_target
        self._limits = limits or ReplayLimits()
        self._on_progress = on_progress
        self._gauge = metrics.replay_progress_ratio.labels(plan.name)
        self._pace = RateLimiter(self._limits.rate, clock.now())
        self._queues: dict[str, asyncio.Queue[RecordRun]] = {
            each: asyncio.Queue() for each in deliveries
        }
        self._generation = 0
        self._ended: set[Partition] = set()
        self._committed: dict[Partition, int] = {}
        self._edges_wait = plan.edges_first
        self._waits = ""
        self._leaving = asyncio.Event()

    async def __call__(self, brokers: Brokers, stop: asyncio.Event) -> Progress:
        """Run until all of the plan is done, by any process, or `stop`. Return how far it is then.

        Waits for a store that is away, and for brokers as long as the client does. Raises
        BrokerUnavailable where none answers at the start, or one is lost at a rebalance, and
        GenerationRefused once the plan's tables are gone: what is committed stays done.
        """
        async with ReplayConsumer(
            brokers, self._plan.group, self._plan.sources, self._assigned, self._revoked
        ) as consumer:
            await self._run(consumer, stop)
        return self.progress()

    async def _run(self, consumer: ReplayConsumer, stop: asyncio.Event) -> None:
        watching = asyncio.create_task(self._watch(consumer))
        loops = [
            asyncio.create_task(delivery(_runs(self._queues[topic])))
            for topic, delivery in self._deliveries.items()
        ]
        try:
            while not (stop.is_set() or self.progress().is_over):
                for failed in (each for each in (watching, *loops) if each.done()):
                    failed.result()
                await self._turn(consumer)
            await self._commit(consumer, await self._revoked())
        finally:
            self._leaving.set()
            for each in loops:
                each.cancel()
            await asyncio.gather(watching, *loops, return_exceptions=True)

    def progress(self) -> Progress:
        """Return the progress of all processes, by what was last known to be committed."""
        return measure_progress(tuple(self._sources.values()), self._committed)

    async def _turn(self, consumer: ReplayConsumer) -> None:
        most = self._pace.allows(self._clock.now(), POLL_RECORDS)
        closed = set(self._sources) if most < 1 or self._waits else self._closed()
        received = await consumer.poll(max(1, most), POLL_SECONDS, closed)
        for partition, records in received.records.items():
            self._pace.took(len(records))
            run = self._acks.received(partition, self._generation, records)
            if run is not None:
                self._queues[partition.topic].put_nowait(run)
        self._ended |= received.ended
        await self._commit(consumer, self._committable())

    def _closed(self) -> set[Partition]:
        """Return the partitions from which nothing more is received now."""
        held = {each: self._acks.held(each) for each in self._acks.partitions()}
        if sum(held.values()) >= TOTAL_BYTES:
            return set(self._sources)
        full = {each for each, size in held.items() if size >= PARTITION_BYTES}
        later = {each for each in self._sources if self._edges_wait and each.topic not in EDGES}
        return full | later | self._ended

    def _committable(self) -> dict[Partition, int]:
        """Return what is handled; a partition that was read to its end is handled up to there."""
        offsets = self._acks.committable()
        for each in self._ended & self._acks.partitions():
            if self._acks.oldest(each) is None:
                offsets[each] = self._sources[each].end
        place = self._committed
        return {each: offset for each, offset in offsets.items() if place.get(each, -1) != offset}

    async def _commit(self, consumer: ReplayConsumer, offsets: Mapping[Partition, int]) -> None:
        try:
            if offsets and await consumer.commit(offsets):
                self._acks.committed(offsets)
                self._committed.update(offsets.items())
        except BrokerUnavailable as error:
            log.warning("not committed, to be tried later", error=str(error))

    async def _assigned(self, partitions: set[Partition]) -> None:
        """Begin with these partitions, the share of this process."""
        self._generation = self._acks.assign(partitions)
        self._ended.clear()
        for each in self._deliveries.values():
            each.resume()

    async def _revoked(self) -> dict[Partition, int]:
        """Finish what is in flight, forget the rest. Return what may be committed then."""
        await asyncio.gather(*(each.settle(SETTLE_SECONDS) for each in self._deliveries.values()))
        offsets = self._committable()
        self._acks.revoke(self._acks.partitions())
        return offsets

    async def _watch(self, consumer: ReplayConsumer) -> None:
        """Once a second, look at the progress and at live traffic, and report."""
        lag, began, start = LiveLag(), self._clock.now(), None
        while not self._leaving.is_set():
            try:
                await self._expect_target()
                self._committed = await consumer.committed()
                await self._open_posts(consumer)
                self._waits = self._held_up() or await self._reason_to_wait(lag)
            except BrokerUnavailable as error:
                self._waits = f"the brokers: {error}"
            except StoreUnavailable as error:
                self._waits = f"the store: {error}"
            so_far = self.progress()
            start = start or so_far
            self._gauge.set(so_far.ratio)
            left = so_far.left(start, self._clock.now() - began)
            self._on_progress(ReplayState(so_far, left, self._waits))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), WATCH_SECONDS)

    async def _open_posts(self, consumer: ReplayConsumer) -> None:
        """Once all edges are recorded, by any process, read all posts that exist by then.

        A post that arrived meanwhile was delivered to the followers that its own fan-out could see,
        so it has to be delivered to all of them again.
        """
        edges = tuple(each for each in self._plan.sources if each.topic in EDGES)
        if not self._edges_wait or not measure_progress(edges, self._committed).is_over:
            return
        posts = [each for each in self._plan.sources if each.topic not in EDGES]
        ends = await self._live.ends([each.place for each in posts])
        later = [_extended(each, ends.get(each.place, each.end)) for each in posts]
        consumer.extend(later)
        self._sources |= {each.place: each for each in later}
        self._edges_wait = False

    def _held_up(self) -> str:
        """Return why a loop handles nothing: its brake is on."""
        return next((why for each in self._deliveries.values() if (why := each.held_up())), "")

    async def _reason_to_wait(self, lag: LiveLag) -> str:
        most = self._limits.live_lag
        if most is None:
            return ""
        behind = lag.seconds(self._clock.now(), *await self._live.look())
        return f"live traffic, {behind:.0f} s behind" if behind > most else ""


def _extended(source: Source, end: int) -> Source:
    return Source(source.topic, source.partition, source.first, max(source.end, end))


async def _runs(queue: asyncio.Queue[RecordRun]) -> AsyncIterator[RecordRun]:
    while True:
        yield await queue.get()
