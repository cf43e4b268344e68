"""The thread of aiokafka's consumer. With `fetching`, `batches`, `ownership`: all that knows it."""
# ruff: noqa: SLF001 - Faust's driver does so too; tests/streams/test_upstream.py watches it

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from typing import Any, NamedTuple

import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams.delivery.intake import Standstill
from streams.kafka.fetching import BrokerErrors, FetchedRecords
from streams.kafka.leaving import leave
from streams.kafka.ownership import GroupWatch, Unowned, new_assignor
from streams.kafka.worker_names import NameWatch
from streams.records import Partition, Record

COMMIT_SECONDS = 1.5
"""For a commit, retries included; the next commit repeats what failed. A process that ends may have
to wait for one under way before its last."""
ANSWER_SECONDS = 0.3
"""For the thread to report the result of a commit."""
FETCH_WAIT_MS = 100
"""For a broker to answer that there is nothing new. A partition that is not part of the fetch under
way waits as long: upstream's 1,500 would show in every latency."""
MOST_RECORDS = 2_000
"""At a time, where upstream has no bound."""
BEGIN_SECONDS = 0.01
"""Between two checks whether a started thread has begun; it does within milliseconds."""
RECONNECT_SECONDS = 1.0
"""Between two attempts to reach any broker at the start."""

log = structlog.get_logger(__name__)


class Fetched(NamedTuple):
    """Records, and aiokafka's assignment under which they were fetched.

    `positions` are the next offsets to fetch after these records: control records, and records of
    aborted transactions, are passed without being returned.
    """

    assignment: object
    records: Mapping[TopicPartition, Sequence[Record]]
    positions: Mapping[TopicPartition, int]


NOTHING = Fetched(None, {}, {})


class Extent(NamedTuple):
    """The position in a partition, and the end of what may be read there."""

    position: int
    end: int


class ConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc] # untyped upstream
    """Upstream's thread; each override says why."""

    _leaving = False
    _group: GroupWatch | None = None
    _watching: asyncio.Task[None] | None = None
    _name: NameWatch | None = None
    _context: Context

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fetched = FetchedRecords()

    async def start(self) -> None:
        """Start with the context of the app, by which logs say its role. Upstream has a new one."""
        self._context = copy_context()
        await super().start()

    def _start_thread(self) -> None:
        self._context.run(super()._start_thread)

    async def on_start(self) -> None:
        """Wait for a broker to answer. Upstream gives up."""
        while not self.should_stop:
            consumer = self._create_consumer(loop=self.thread_loop)
            consumer._fetch_max_wait_ms = FETCH_WAIT_MS
            consumer._isolation_level = "read_committed"  # upstream's driver reads uncommitted
            assignor = new_assignor(self.app.birth)
            consumer._partition_assignment_strategy = [assignor]
            try:
                await consumer.start()
            except KafkaConnectionError as error:
                log.warning("no broker answers", error=str(error))
                await leave(consumer)
                await self.sleep(RECONNECT_SECONDS)
            else:
                self.time_started = time.monotonic()
                self._consumer = consumer
                metadata_seconds = self.app.conf.consumer_metadata_max_age_ms / 1000
                self._group = GroupWatch(consumer, assignor, metadata_seconds)
                self._watching = asyncio.create_task(self._group())
                BrokerErrors(consumer, self._count_lost)
                if name := self.app.worker_name:
                    self._name = NameWatch(consumer, name, self.app.birth, self._may_join)
                return

    def _count_lost(self, partition: Partition, count: int) -> None:
        metrics = self.app.transport.metrics
        metrics.log_lost.labels(self.app.conf.id, partition.topic).inc(count)

    def _may_join(self) -> bool:
        return not self.app.should_stop

    async def on_thread_stop(self) -> None:
        """Leave the group in bounded time. Upstream waits as long as the broker takes."""
        self._leaving = True
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._watching is not None:
            self._watching.cancel()
        if self._consumer is not None:
            await leave(self._consumer)

    async def stop(self) -> None:
        """Stop a thread that has not begun yet, too. Upstream would let it run."""
        # Its events belong to its own loop, so they are polled, not awaited.
        while self._is_beginning():  # noqa: ASYNC110
            await asyncio.sleep(BEGIN_SECONDS)
        await super().stop()

    def _is_beginning(self) -> bool:
        begun = self._started.is_set() or self._shutdown.is_set() or self.thread_loop.is_closed()
        return self._thread_started.is_set() and not begun

    def _stopped_set(self) -> None:
        """Allow a thread that has already crashed. Upstream fails to stop it."""
        if not self.thread_loop.is_closed():
            super()._stopped_set()

    def close(self) -> None:
        """Do nothing. Upstream closes connections from the wrong loop while it rebalances."""

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[Partition],
        timeout: float | None = None,  # noqa: ASYNC109 - upstream's signature
        max_records: int | None = None,
    ) -> Fetched:
        """Return records of these partitions, with the assignment they belong to.

        Must be called even for no partitions: if aiokafka's fetcher is not called within the
        longest poll interval, it considers the consumer dead and leaves the group.
        """
        with consumer._fetcher._subscriptions.fetch_context():
            if not active_partitions or not self.consumer.flow_active:
                await asyncio.sleep(timeout or 0)
                return NOTHING
            records = await self._fetched.take(
                consumer._fetcher, active_partitions, timeout or 0, max_records or MOST_RECORDS
            )
        subscription = consumer._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return NOTHING
        if not self.consumer.flow_active:
            # The flow has stopped meanwhile: nobody takes the records, so fetch them again.
            for partition, run in records.items():
                consumer._fetcher.seek_to(partition, run[0].offset)
            return NOTHING
        return Fetched(subscription.assignment, records, _positions(subscription.assignment))

    async def commit_in_time(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether the broker has the offsets. A thread that has ended would never answer."""
        if self._consumer is None or self._leaving:
            return False
        try:
            async with asyncio.timeout(COMMIT_SECONDS + ANSWER_SECONDS):
                return bool(await self.commit(offsets))
        except TimeoutError:
            return False

    async def _commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Return whether the commit succeeded. Upstream ends the process if it fails."""
        consumer = self._ensure_consumer()
        ready = {TopicPartition(*each): OffsetAndMetadata(n, "") for each, n in offsets.items()}
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await consumer.commit(ready)
        except (TimeoutError, KafkaError) as error:
            log.warning("not committed", error=repr(error.__cause__ or error))
            return False
        return True

    def assignment_now(self) -> object:
        """Return aiokafka's assignment; a new object after each rebalance."""
        return self._ensure_consumer()._subscription.subscription.assignment

    def failure(self) -> BaseException | None:
        """Return the pending error of the group's coordinator, if any.

        Or that of a task without which aiokafka makes no progress.
        """
        if self._consumer is None:
            return None
        if self._name is not None and self._name.taken is not None:
            return self._name.taken
        coordinator, client = self._consumer._coordinator, self._consumer._client
        pending: BaseException | None = coordinator._pending_exception
        fetching = self._consumer._fetcher._fetch_task
        tasks = (coordinator._coordination_task, client._sync_task, fetching, self._watching)
        for task in tasks:
            if pending is None and task is not None and task.done() and not task.cancelled():
                pending = task.exception()
        return pending

    def known_topics(self) -> set[str]:
        """Return the topics that have partitions in the brokers' metadata."""
        if self._consumer is None:
            return set()
        cluster = self._consumer._client.cluster
        return {topic for topic in cluster.topics() if cluster.partitions_for_topic(topic)}

    def unreadable(self) -> dict[Partition, Standstill]:
        """Return the partitions that stand still, and why."""
        if self._consumer is None:
            return {}
        return self._fetched.unreadable(self._consumer._fetcher)

    def unowned(self) -> Mapping[Partition, Unowned]:
        """Return the partitions of the app's topics that no member of the group owns."""
        return {} if self._group is None else self._group.unowned

    def extents(self) -> dict[Partition, Extent]:
        """Return the extent of each assigned partition, where known."""
        if self._consumer is None or self._consumer._subscription.subscription is None:
            return {}
        assignment = self._consumer._subscription.subscription.assignment
        states = {} if assignment is None else assignment._tp_state
        return {
            Partition(*tp): Extent(state._position, end)
            for tp, state in states.items()
            if state._position is not None and (end := _end(state)) is not None
        }


def _positions(assignment: Any) -> dict[TopicPartition, int]:
    states = assignment._tp_state.items()
    return {tp: state._position for tp, state in states if state._position is not None}


def _end(state: Any) -> int | None:
    """Return the last stable offset, where the broker knows of one. None while nothing is known."""
    end: int | None = state.highwater if state.lso in (None, -1) else state.lso
    return end
