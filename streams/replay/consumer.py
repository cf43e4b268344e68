"""A replay's own consumer group: shares a plan among processes, and keeps its progress."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple, Self, TypeVar, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.dead_letters.reader import stored_dead_letter
from streams.dead_letters.stored import origins
from streams.kafka.contact import broker_errors, expect_brokers
from streams.kafka.partition_reader import PartitionReader
from streams.records import Partition, PlacedRecord, Record, UnreadableRecord
from streams.replay.plan import Source

T = TypeVar("T")

TIMEOUT: Final = 15.0
"""Seconds for an answer of the brokers."""
REVOKE_SECONDS: Final = 10.0
"""For what is in flight when partitions are revoked."""
SESSION_MS: Final = 30_000
"""A process that is silent for longer loses its partitions to the others."""


class ReplayRecord(NamedTuple):
    """A dead letter, with the time at which its message was accepted."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class PolledRecords(NamedTuple):
    """The records of one poll. `ended` are partitions that were read to their ends."""

    records: Mapping[Partition, Sequence[Record]]
    ended: frozenset[Partition]


class ReplayConsumer(AbstractAsyncContextManager["ReplayConsumer"]):
    """Reads a plan's partitions in a consumer group.

    librdkafka's consumer is the member of the group, which shares partitions out and commits; it
    fetches nothing. A PartitionReader reads, as workers do. Blocking calls run in a thread.

    `on_assigned` is awaited when this process is assigned partitions, before it receives any of
    their records. `on_revoked` is awaited before they go to others, and returns the offsets to
    commit. Entering the context connects. Every method raises BrokerUnavailable.
    """

    _consumer: Any
    _offset_client: Any
    """A member that is asked for offsets while it polls may never answer."""

    def __init__(
        self,
        brokers: Brokers,
        group: str,
        sources: Iterable[Source],
        on_assigned: Callable[[set[Partition]], Coroutine[Any, Any, None]],
        on_revoked: Callable[[], Coroutine[Any, Any, Mapping[Partition, int]]],
    ) -> None:
        self._brokers = brokers
        self._group = group
        self._sources = {each.place: each for each in sources}
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._assigned: set[Partition] = set()
        self._ended: set[Partition] = set()
        self._reader = PartitionReader(brokers)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._call(expect_brokers, self._brokers, TIMEOUT)
        await self._reader.__aenter__()
        options = _configuration(self._brokers, self._group)
        self._consumer, self._offset_client = Consumer(options), Consumer(options)
        topics = sorted({each.topic for each in self._sources})
        self._consumer.subscribe(topics, on_assign=self._assign, on_revoke=self._revoke)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._call(self._consumer.close)
        await self._call(self._offset_client.close)
        await self._reader.__aexit__()

    async def poll(self, most: int, seconds: float, closed: set[Partition]) -> PolledRecords:
        """Return up to `most` records, none of closed partitions."""
        await self._call(self._attend)
        wanted = self._assigned - closed - self._ended
        taken = await self._reader.take(wanted, seconds, most)
        records = {
            at: [_record(at, each) for each in some if each.offset < self._sources[at].end]
            for at, some in taken.items()
        }
        ended = {at for at in wanted if await self._is_at_end(at)}
        for at in ended:
            self._reader.pause(at)
        self._ended |= ended
        return PolledRecords({at: some for at, some in records.items() if some}, frozenset(ended))

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether the group has these now; it has not where the partitions went to others."""
        is_committed: bool = await self._call(self._commit, offsets)
        return is_committed

    async def committed(self) -> dict[Partition, int]:
        """Return the offsets of all of the plan's partitions, also those of other processes."""
        found: dict[Partition, int] = await self._call(self._committed)
        return found

    def extend(self, sources: Iterable[Source]) -> None:
        """Read these partitions to later ends."""
        for each in sources:
            if each.end > self._sources[each.place].end:
                self._ended.discard(each.place)
                self._reader.resume(each.place)
            self._sources[each.place] = each

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with broker_errors(TIMEOUT):
            return await asyncio.to_thread(function, *arguments)

    def _attend(self) -> None:
        """Take part in the group: this may call `_assign` and `_revoke`."""
        message = self._consumer.poll(0)
        error = None if message is None else message.error()
        if error and (error.fatal() or error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED):
            raise KafkaException(error)

    async def _is_at_end(self, at: Partition) -> bool:
        """Whether it was read to the plan's end, or the log ends below that.

        An open transaction may hold the rest.
        """
        end = self._sources[at].end
        if self._reader.position(at) >= end or not self._reader.is_drained(at):
            return self._reader.position(at) >= end
        try:
            return bool(await self._call(self._end_of_log, at) < end)
        except BrokerUnavailable:
            return False  # it is asked again with the next poll

    def _end_of_log(self, at: Partition) -> int:
        _, end = self._offset_client.get_watermark_offsets(TopicPartition(*at), timeout=TIMEOUT)
        return int(end)

    def _commit(self, offsets: Mapping[Partition, int]) -> bool:
        wanted = [TopicPartition(*place, offset) for place, offset in offsets.items()]
        try:
            self._consumer.commit(offsets=wanted, asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() in _REVOKED:
                return False
            raise
        return True

    def _committed(self) -> dict[Partition, int]:
        wanted = [TopicPartition(*each) for each in self._sources]
        found = self._offset_client.committed(wanted, timeout=TIMEOUT)
        return {_partition(each): each.offset for each in found if each.offset >= 0}

    def _assign(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Begin where the group has committed, else where the plan begins."""
        planned = [each for each in partitions if _partition(each) in self._sources]
        wanted = []
        for each in consumer.committed(planned, timeout=TIMEOUT) if planned else ():
            source = self._sources[_partition(each)]
            first = source.first if each.offset < 0 else max(each.offset, source.first)
            wanted.append(TopicPartition(each.topic, each.partition, first))
        firsts = {_partition(each): each.offset for each in wanted}
        self._run_in_loop(self._begin(firsts))
        consumer.assign([])  # its own fetching would be without the bounds

    async def _begin(self, firsts: Mapping[Partition, int]) -> None:
        self._assigned, self._ended = set(firsts), set()
        await self._on_assigned(self._assigned)
        self._reader.assign(firsts)

    def _revoke(self, _consumer: Any, _partitions: Sequence[Any]) -> None:
        """Commit what is done while the partitions are still ours. In the poll's thread."""
        offsets = self._run_in_loop(self._on_revoked())
        if offsets:
            self._commit(offsets)
        self._assigned = set()

    def _run_in_loop(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return the result of the work, None where it takes too long: the next owner redoes it."""
        done = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return done.result(REVOKE_SECONDS)
        except TimeoutError:
            return None


def _partition(partition: Any) -> Partition:
    return Partition(partition.topic, partition.partition)


_REVOKED: Final = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001 - its name
    KafkaError._STATE,  # noqa: SLF001 - its name
    KafkaError._NO_OFFSET,  # noqa: SLF001 - its name
}


def _configuration(brokers: Brokers, group: str) -> dict[str, Any]:
    return brokers.librdkafka() | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "session.timeout.ms": SESSION_MS,
        "max.poll.interval.ms": 600_000,
        "log_level": 0,
    }


def _record(at: Partition, record: Any) -> Record:
    """Return the record; a dead letter with the time at which its message was accepted."""
    if at.topic not in origins() or isinstance(record, UnreadableRecord):
        return cast("Record", record)
    letter = stored_dead_letter(cast("PlacedRecord", record))
    accepted_at = letter.original_message().timestamp or letter.written_at
    return ReplayRecord(record.offset, accepted_at, letter.key, letter.value, letter.headers)
