"""What travels from Kafka to the delivery loop: records, in runs of one partition."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """Equal to, and hashed like, Faust's and aiokafka's pairs of topic and partition."""

    topic: str
    number: int


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


class Run(NamedTuple):
    """Consecutive records of one partition, received while it was held as `generation`."""

    partition: Partition
    generation: int
    records: Sequence[Record]


RECORD_OVERHEAD = 500
"""Bytes that a record takes in memory besides its key and value, measured on aiokafka's."""


def size_of(record: Record) -> int:
    """What the record takes in memory, roughly: what bounds of bytes count."""
    return len(record.key or b"") + len(record.value or b"") + RECORD_OVERHEAD
