"""Records as they pass from Kafka to the delivery loop, in runs of one partition."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol


class Partition(NamedTuple):
    """Equal to, and hashed like, Faust's and aiokafka's pairs of topic and partition."""

    topic: str
    number: int


def numbers_by_topic(partitions: Iterable[Partition]) -> dict[str, str]:
    """Return the numbers of partitions by their topic, runs of numbers as `0-15`."""
    runs: dict[str, list[list[int]]] = {}
    for topic, number in sorted(partitions):
        of_topic = runs.setdefault(topic, [])
        if of_topic and number == of_topic[-1][-1] + 1:
            of_topic[-1][1:] = [number]
        else:
            of_topic.append([number])
    return {
        topic: ",".join("-".join(map(str, run)) for run in of_topic)
        for topic, of_topic in runs.items()
    }


class OffsetRange(NamedTuple):
    """Offsets of a partition, `end` excluded."""

    topic: str
    number: int
    first: int
    end: int

    @property
    def partition(self) -> Partition:
        return Partition(self.topic, self.number)


class Record(Protocol):
    """A message as Kafka holds it; aiokafka's ConsumerRecord is one."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since the Unix epoch, -1 where the record has none."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class PlacedRecord(Record, Protocol):
    """A record that knows its partition; aiokafka's ConsumerRecord is one."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


Unreadable = Literal[
    "unreadable_codec", "unreadable_batch", "unreadable_record", "too_large_unpacked"
]
"""Why something in the log cannot be read: a closed set, as it labels metrics."""


class UnreadableRecord(NamedTuple):
    """A Record that stands for the offsets from its own to the last one, none of them readable.

    `key` and `value` are known where only the rest of a single record is unreadable.
    """

    offset: int
    last_offset: int
    timestamp: int
    reason: Unreadable
    detail: str
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def offset_after(record: Record) -> int:
    """Return the offset at which to read on behind a record."""
    last = record.last_offset if isinstance(record, UnreadableRecord) else record.offset
    return last + 1


class RecordRun(NamedTuple):
    """Consecutive records of one partition, received while it was held as `generation`."""

    partition: Partition
    generation: int
    records: Sequence[Record]


RECORD_OVERHEAD = 500
"""Bytes that a record takes in memory besides its key and value, measured on aiokafka's."""


def size_of(record: Record) -> int:
    """Return roughly the bytes that a record takes in memory, as bounds count them."""
    key, value = record.key, record.value
    size = RECORD_OVERHEAD + (len(key) if key else 0) + (len(value) if value else 0)
    for name, held in record.headers:
        size += len(name) + (len(held) if held else 0)
    return size
