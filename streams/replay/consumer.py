"""A replay's own consumer group: who shares a replay, and how far each partition is."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.dead_letters.reader import stored_dead_letter
from streams.dead_letters.stored import origins
from streams.kafka.contact import expect_brokers
from streams.records import Partition, Record
from streams.replay.plan import Source

T = TypeVar("T")

TIMEOUT: Final = 15.0
"""Seconds for an answer of the brokers."""
REVOKE_SECONDS: Final = 10.0
"""For what is in flight when partitions go to another process."""
SESSION_MS: Final = 30_000
"""A process that is silent for longer loses its share to the others."""
FETCHED_KBYTES: Final = 65_536
"""What waits in the client, besides what the replay holds."""


class ReplayRecord(NamedTuple):
    """A record of a partition, as confluent-kafka's messages say it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class PolledRecords(NamedTuple):
    """What one poll brought. `ended` are partitions that were read to where they end."""

    records: Mapping[Partition, Sequence[Record]]
    ended: frozenset[Partition]


class ReplayConsumer:
    """Reads a plan's partitions in a consumer group. Blocking calls run in a thread.

    `on_assigned` is awaited when this process is assigned partitions, before it receives any of
    their records. `on_revoked` is awaited before they go to others, and returns the offsets to
    commit. Every method raises BrokerUnavailable.
    """

    def __init__(
        self,
        brokers: Brokers,
        group: str,
        sources: Iterable[Source],
        on_assigned: Callable[[set[Partition]], Coroutine[Any, Any, None]],
        on_revoked: Callable[[], Coroutine[Any, Any, Mapping[Partition, int]]],
    ) -> None:
        expect_brokers(brokers, TIMEOUT)
        self._sources = {each.place: each for each in sources}
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._loop = asyncio.get_running_loop()
        self._assigned: set[Partition] = set()
        self._paused: set[Partition] = set()
        self._consumer: Any = Consumer(_configuration(brokers, group))
        # A member that is asked for offsets while it polls may leave the question unanswered.
        self._offset_client: Any = Consumer(_configuration(brokers, group))
        topics = sorted({each.topic for each in self._sources})
        self._consumer.subscribe(topics, on_assign=self._assign, on_revoke=self._revoke)

    async def poll(self, most: int, seconds: float, closed: set[Partition]) -> PolledRecords:
        """Up to so many records, none of partitions that are closed."""
        received: PolledRecords = await self._call(self._poll, most, seconds, closed)
        return received

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether the group has these now; not where the share has gone to others."""
        has: bool = await self._call(self._commit, offsets)
        return has

    async def committed(self) -> dict[Partition, int]:
        """Of every partition of the plan, also those of other processes."""
        found: dict[Partition, int] = await self._call(self._committed)
        return found

    def extend(self, sources: Iterable[Source]) -> None:
        """These partitions are read to later ends."""
        self._sources.update({each.place: each for each in sources})

    async def close(self) -> None:
        await self._call(self._consumer.close)
        await self._call(self._offset_client.close)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(function, *arguments)
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].str()) from error

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
                ended.add(at)
            elif error.fatal():
                raise KafkaException(error)
        return PolledRecords(records, frozenset(ended))

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
            if error.args[0].code() in _SHARE_IS_GONE:
                return False
            raise
        return True

    def _committed(self) -> dict[Partition, int]:
        wanted = [TopicPartition(*each) for each in self._sources]
        found = self._offset_client.committed(wanted, timeout=TIMEOUT)
        return {_partition(each): each.offset for each in found if each.offset >= 0}

    def _assign(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """A share of the plan: from what is committed on, else from where the plan begins."""
        mine = [each for each in partitions if _partition(each) in self._sources]
        wanted = []
        for each in consumer.committed(mine, timeout=TIMEOUT) if mine else ():
            source = self._sources[_partition(each)]
            first = source.first if each.offset < 0 else max(each.offset, source.first)
            wanted.append(TopicPartition(each.topic, each.partition, first))
        self._assigned = set(map(_partition, wanted))
        self._run_in_loop(self._on_assigned(self._assigned))
        consumer.assign(wanted)
        consumer.pause(wanted)  # this very poll may still bring records: the next one opens
        self._paused = set(self._assigned)

    def _revoke(self, _consumer: Any, _partitions: Sequence[Any]) -> None:
        """Called in the poll's thread; what is done by now is committed while it is ours."""
        offsets = self._run_in_loop(self._on_revoked())
        if offsets:
            self._commit(offsets)
        self._assigned = set()

    def _run_in_loop(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What it returns; None where that takes too long: whoever is next does it again."""
        done = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return done.result(REVOKE_SECONDS)
        except TimeoutError:
            return None


def _partition(partition: Any) -> Partition:
    return Partition(partition.topic, partition.partition)


_SHARE_IS_GONE: Final = {
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
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": SESSION_MS,
        "max.poll.interval.ms": 600_000,
        "queued.max.messages.kbytes": FETCHED_KBYTES,
        "log_level": 0,
    }


def _read(message: Any) -> ReplayRecord:
    """A dead letter is read with the time at which its message was accepted."""
    _, timestamp = message.timestamp()
    if message.topic() in origins():
        timestamp = stored_dead_letter(message).original_message().timestamp or timestamp
    return ReplayRecord(
        message.offset(),
        timestamp,
        message.key(),
        message.value(),
        [(name, value or b"") for name, value in message.headers() or ()],
    )
