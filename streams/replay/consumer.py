"""A replay's own consumer group: shares a plan among processes, and keeps its progress."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple, Self, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.settings.brokers import Brokers
from streams.dead_letters.reader import stored_dead_letter
from streams.dead_letters.stored import origins
from streams.kafka.contact import broker_errors, expect_brokers
from streams.kafka.offsets import READ_COMMITTED
from streams.kafka.unreadable import (
    CONTAINED,
    headers_of,
    is_unreadable,
    read_unreadable,
)
from streams.records import Partition, Record, UnreadableRecord
from streams.replay.plan import Source

T = TypeVar("T")

TIMEOUT: Final = 15.0
"""Seconds for an answer of the brokers."""
REVOKE_SECONDS: Final = 10.0
"""For what is in flight when partitions are revoked."""
SESSION_MS: Final = 30_000
"""A process that is silent for longer loses its partitions to the others."""
FETCHED_KBYTES: Final = 65_536
"""Waiting in the client, besides what the replay holds."""


class ReplayRecord(NamedTuple):
    """A record, made from confluent-kafka's message."""

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
    """Reads a plan's partitions in a consumer group. Blocking calls run in a thread.

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
        self._paused: set[Partition] = set()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._call(expect_brokers, self._brokers, TIMEOUT)
        options = _configuration(self._brokers, self._group)
        self._consumer, self._offset_client = Consumer(options), Consumer(options)
        topics = sorted({each.topic for each in self._sources})
        self._consumer.subscribe(topics, on_assign=self._assign, on_revoke=self._revoke)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._call(self._consumer.close)
        await self._call(self._offset_client.close)

    async def poll(self, most: int, seconds: float, closed: set[Partition]) -> PolledRecords:
        """Return up to `most` records, none of closed partitions."""
        received: PolledRecords = await self._call(self._poll, most, seconds, closed)
        return received

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
        self._sources.update({each.place: each for each in sources})

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with broker_errors(TIMEOUT):
            return await asyncio.to_thread(function, *arguments)

    def _poll(self, most: int, seconds: float, closed: set[Partition]) -> PolledRecords:
        self._pause(closed & self._assigned)
        records: dict[Partition, list[Record]] = {}
        ended: set[Partition] = set()
        for message in self._consumer.consume(most, seconds):
            at = Partition(message.topic(), message.partition())
            error = message.error()
            if error is None:
                if message.offset() < self._sources[at].end:
                    records.setdefault(at, []).append(_read(message))
                else:
                    ended.add(at)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                if message.offset() >= self._sources[at].end or self._is_cut(at):
                    ended.add(at)
            elif is_unreadable(message):
                records.setdefault(at, []).append(self._pass_by(at, message.offset()))
            elif error.fatal() or error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise KafkaException(error)
        return PolledRecords(records, frozenset(ended))

    def _pass_by(self, place: Partition, offset: int) -> Record:
        """Go on behind what cannot be read; librdkafka would fetch it again without end."""
        record = read_unreadable(self._brokers, place, offset)
        self._consumer.seek(TopicPartition(*place, record.last_offset + 1))
        return record

    def _is_cut(self, place: Partition) -> bool:
        """Whether the log ends below the plan's end; else an open transaction holds the rest."""
        _, end = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
        return bool(end < self._sources[place].end)

    def _pause(self, closed: set[Partition]) -> None:
        fresh, open_again = closed - self._paused, (self._paused - closed) & self._assigned
        if fresh:
            self._consumer.pause([TopicPartition(*each) for each in fresh])
        if open_again:
            self._consumer.resume([TopicPartition(*each) for each in open_again])
        self._paused = closed

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
        self._assigned = set(map(_partition, wanted))
        self._run_in_loop(self._on_assigned(self._assigned))
        consumer.assign(wanted)
        consumer.pause(wanted)  # this very poll may bring records; the next one resumes
        self._paused = set(self._assigned)

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
    options = brokers.librdkafka() | READ_COMMITTED | CONTAINED
    return options | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": SESSION_MS,
        "max.poll.interval.ms": 600_000,
        "queued.max.messages.kbytes": FETCHED_KBYTES,
        "log_level": 0,
    }


def _read(message: Any) -> Record:
    """Read a dead letter with the time at which its message was accepted."""
    _, timestamp = message.timestamp()
    if message.topic() in origins():
        timestamp = stored_dead_letter(message).original_message().timestamp or timestamp
    place, content = message.offset(), (message.key(), message.value())
    headers = headers_of(message)
    if headers is None:
        why = "the name of a header is not UTF-8"
        return UnreadableRecord(place, place, timestamp, "unreadable_record", why, *content)
    return ReplayRecord(place, timestamp, *content, headers)
