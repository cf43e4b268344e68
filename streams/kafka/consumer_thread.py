"""The thread in which aiokafka's consumer lives: the only place that looks inside aiokafka."""
# ruff: noqa: SLF001 - Faust's driver does so too; tests/streams/test_upstream.py watches it

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams.records import Partition, Record

COMMIT_SECONDS = 1.5
"""For a commit, retries included; what fails is tried again with the next. A process that ends
may have to wait for one under way before its last."""
ANSWER_SECONDS = 0.3
"""For the thread to say what became of it."""
LEAVE_SECONDS = 0.5
"""For leaving the group, and once more for closing connections where that fails."""
FETCH_WAIT_MS = 100
"""For a broker to answer that there is nothing new. A partition that was not part of the fetch
under way waits as long: upstream's 1,500 would show in every latency."""
BEGIN_SECONDS = 0.01
"""Between two looks whether a thread that was started has begun; it does within milliseconds."""
RECONNECT_SECONDS = 1.0
"""Between two attempts to reach any broker at the start."""

log = structlog.get_logger(__name__)


class Fetched(NamedTuple):
    """Records, and aiokafka's assignment under which they were fetched."""

    assignment: object
    records: Mapping[TopicPartition, Sequence[Record]]


NOTHING = Fetched(None, {})


class Extent(NamedTuple):
    """How far a partition is read, and how far it goes."""

    position: int
    end: int


class ConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc] # untyped upstream
    """Upstream's thread, except where the reason is given."""

    _leaving = False

    async def on_start(self) -> None:
        """Upstream gives up when no broker answers; a worker waits for one."""
        while not self.should_stop:
            consumer = self._create_consumer(loop=self.thread_loop)
            consumer._fetch_max_wait_ms = FETCH_WAIT_MS
            try:
                await consumer.start()
            except KafkaConnectionError as error:
                log.warning("no broker answers", error=str(error))
                await leave(consumer)
                await self.sleep(RECONNECT_SECONDS)
            else:
                self.time_started = time.monotonic()
                self._consumer = consumer
                return

    async def on_thread_stop(self) -> None:
        """Upstream waits for the group and the broker for as long as they take."""
        self._leaving = True
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await leave(self._consumer)

    async def stop(self) -> None:
        """Upstream leaves a thread alone that has not begun yet, which then runs on."""
        # Its events belong to its own loop, so they are looked at, not awaited.
        while self._is_beginning():  # noqa: ASYNC110
            await asyncio.sleep(BEGIN_SECONDS)
        await super().stop()

    def _is_beginning(self) -> bool:
        begun = self._started.is_set() or self._shutdown.is_set() or self.thread_loop.is_closed()
        return self._thread_started.is_set() and not begun

    def _stopped_set(self) -> None:
        """Upstream fails to stop a thread that has already ended because of a crash."""
        if not self.thread_loop.is_closed():
            super()._stopped_set()

    def close(self) -> None:
        """Upstream closes connections from the wrong loop when it rebalances while stopping."""

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[Partition],
        timeout: float | None = None,  # noqa: ASYNC109 - upstream's signature
        max_records: int | None = None,
    ) -> Fetched:
        """Records of these partitions, with the assignment they belong to.

        To be called even for none: what aiokafka's fetcher is not asked for within the longest
        poll interval it takes for dead, and leaves the group.
        """
        with consumer._fetcher._subscriptions.fetch_context():
            if not active_partitions or not self.consumer.flow_active:
                await asyncio.sleep(timeout or 0)
                return NOTHING
            records = await consumer._fetcher.fetched_records(
                active_partitions, timeout=timeout, max_records=max_records
            )
        subscription = consumer._subscription.subscription
        if not records or subscription is None:
            return NOTHING
        if not self.consumer.flow_active:
            # The flow has stopped meanwhile: nobody takes them, so they are to be fetched again.
            for partition, run in records.items():
                consumer._fetcher.seek_to(partition, run[0].offset)
            return NOTHING
        return Fetched(subscription.assignment, records)

    async def commit_in_time(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether the broker has them. A thread that has ended would never answer."""
        if self._consumer is None or self._leaving:
            return False
        try:
            async with asyncio.timeout(COMMIT_SECONDS + ANSWER_SECONDS):
                return bool(await self.commit(offsets))
        except TimeoutError:
            return False

    async def _commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Upstream ends the process when a commit fails; here it is tried again later."""
        consumer = self._ensure_consumer()
        ready = {TopicPartition(*each): OffsetAndMetadata(n, "") for each, n in offsets.items()}
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await consumer.commit(ready)
        except (TimeoutError, KafkaError) as error:
            log.warning("not committed", error=repr(error))
            return False
        return True

    def assignment_now(self) -> object:
        """The assignment as aiokafka has it; a new object after each rebalance."""
        return self._ensure_consumer()._subscription.subscription.assignment

    def failure(self) -> BaseException | None:
        """The error that the group's coordinator waits for somebody to ask for, if any.

        Or that of a task without which aiokafka goes on and gets nowhere.
        """
        if self._consumer is None:
            return None
        coordinator, client = self._consumer._coordinator, self._consumer._client
        pending: BaseException | None = coordinator._pending_exception
        for task in (coordinator._coordination_task, client._sync_task):
            if pending is None and task is not None and task.done() and not task.cancelled():
                pending = task.exception()
        return pending

    def known_topics(self) -> set[str]:
        """Topics of which the brokers' metadata has partitions."""
        if self._consumer is None:
            return set()
        cluster = self._consumer._client.cluster
        return {topic for topic in cluster.topics() if cluster.partitions_for_topic(topic)}

    def extents(self) -> dict[Partition, Extent]:
        """Of each assigned partition, as far as it is known."""
        if self._consumer is None or self._consumer._subscription.subscription is None:
            return {}
        assignment = self._consumer._subscription.subscription.assignment
        states = {} if assignment is None else assignment._tp_state
        return {
            Partition(*tp): Extent(state._position, state.highwater)
            for tp, state in states.items()
            if state._position is not None and state.highwater is not None
        }


async def leave(consumer: Any) -> None:
    """Leave the group and close the connections, in time and whatever the brokers do."""
    sync = consumer._client._sync_task
    if sync is not None and sync.done():
        consumer._client._sync_task = None  # its error would keep the connections open
    if not await _did(consumer.stop()):
        await _did(consumer._client.close())


async def _did(work: Coroutine[Any, Any, None]) -> bool:
    """In a task of its own, for its end must not be the thread's.

    aiokafka's fetcher awaits fetches that it has cancelled, and where no broker is connected the
    cancellation comes back; uvloop refuses to close a connection that has just failed.
    """
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=LEAVE_SECONDS)
    done = not (task.cancel() or task.cancelled() or task.exception())
    if not done:
        log.warning("left without the group's answer", how=repr(task))
    return done
