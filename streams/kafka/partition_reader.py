"""Reads partitions as workers read them, outside of any group.

Read committed, with the bounds of `unpack`, and what cannot be read contained as `batches` does.
"""
# ruff: noqa: SLF001 - tests/streams/test_upstream.py watches what is used of aiokafka

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.fetching import BrokerErrors, FetchedRecords
from streams.kafka.leaving import leave
from streams.records import Partition, Record

ANSWER_BYTES: Final = 16 << 20
"""Of one broker's answer; a larger batch comes alone."""
PREFETCHED_BYTES: Final = 32 << 20
"""Fetched and not yet taken, of all partitions, as it was sent. A partition may hold one batch
more, as brokers give a batch as a whole."""
LEAST_PARTITION_BYTES: Final = 64 << 10
MOST_PARTITION_BYTES: Final = 1 << 20
WAIT_MS: Final = 100
"""For a broker to answer that there is nothing new."""


class PartitionReader(AbstractAsyncContextManager["PartitionReader"]):
    """Commits nothing. Entering the context connects, and raises BrokerUnavailable.

    To be used in one event loop.
    """

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._fetched = FetchedRecords(raised=(TopicAuthorizationFailedError,))
        self._consumer: Any = None
        self._assigned = False

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            **self._brokers.aiokafka(),
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_bytes=ANSWER_BYTES,
            fetch_max_wait_ms=WAIT_MS,
        )
        try:
            await self._consumer.start()
        except KafkaError as error:
            await leave(self._consumer)
            raise BrokerUnavailable(f"{self._brokers}: {error}") from error
        BrokerErrors(self._consumer, lambda *_: None)  # which logs what the log has lost
        return self

    async def __aexit__(self, *_: object) -> None:
        await leave(self._consumer)

    def assign(self, firsts: Mapping[Partition, int]) -> None:
        """Read these partitions from these offsets, and no others."""
        self._assigned = bool(firsts)
        if not firsts:
            self._consumer.unsubscribe()
            return
        share = PREFETCHED_BYTES // len(firsts)
        self._consumer._fetcher._max_partition_fetch_bytes = min(
            max(share, LEAST_PARTITION_BYTES), MOST_PARTITION_BYTES
        )
        self._consumer.assign([TopicPartition(*each) for each in firsts])
        for each, first in firsts.items():
            self._consumer.seek(TopicPartition(*each), first)

    async def take(
        self, wanted: AbstractSet[Partition], seconds: float, most: int
    ) -> dict[Partition, Sequence[Record]]:
        """Return the next records of these partitions; wait that long if there are none.

        Raises BrokerUnavailable where a partition stands still until somebody acts, or access is
        refused. While brokers are away it only waits.
        """
        if not (wanted and self._assigned):
            await asyncio.sleep(seconds)
            return {}
        fetcher = self._consumer._fetcher
        self._expect_alive(fetcher._fetch_task, self._consumer._client._sync_task)
        try:
            taken = await self._fetched.take(fetcher, wanted, seconds, most)
        except KafkaError as error:
            raise BrokerUnavailable(str(error)) from error
        for at, standstill in self._fetched.unreadable(fetcher).items():
            if standstill.can_skip and at in wanted and not taken:
                raise BrokerUnavailable(
                    f"{at.topic}:{at.number} cannot be read at offset {standstill.offset}: "
                    f"{standstill.why}"
                )
        return {Partition(*at): records for at, records in taken.items()}

    def pause(self, partition: Partition) -> None:
        """Fetch nothing more of it."""
        self._consumer.pause(TopicPartition(*partition))

    def resume(self, partition: Partition) -> None:
        """Fetch it again, if it is read at all."""
        at = TopicPartition(*partition)
        if at in self._consumer.assignment():
            self._consumer.resume(at)

    def position(self, partition: Partition) -> int:
        """Return the offset that is read next; all before it was taken. -1 while it is sought."""
        position: int | None = self._state(partition)._position
        return -1 if position is None else position

    def is_drained(self, partition: Partition) -> bool:
        """Whether all was taken that could be read when a broker last answered."""
        state = self._state(partition)
        end = state.highwater if state.lso in (None, -1) else state.lso
        return end is not None and state._position is not None and state._position >= end

    def _state(self, partition: Partition) -> Any:
        assignment = self._consumer._subscription.subscription.assignment
        return assignment.state_value(TopicPartition(*partition))

    @staticmethod
    def _expect_alive(*tasks: Any) -> None:
        """Raise BrokerUnavailable where a task has ended without which nothing is fetched."""
        for task in tasks:
            if task is not None and task.done():
                error = None if task.cancelled() else task.exception()
                raise BrokerUnavailable(f"the client has stopped: {error!r}")
