"""Records as they pass from Kafka to the delivery loop, in runs of one partition."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """Equal to, and hashed like, Faust's and aiokafka's pairs of topic and partition."""

    topic: str
    number: int


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
    return RECORD_OVERHEAD + (len(key) if key else 0) + (len(value) if value else 0)
