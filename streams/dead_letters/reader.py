"""Reads dead letters from the dead-letter topics."""

from collections.abc import Iterator

from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.kafka.reader import TopicReader
from streams.records import OffsetRange, PlacedRecord


class DeadLetterReader(TopicReader):
    """Reads without a group and commits nothing. Every method raises BrokerUnavailable."""

    def dead_letters(self, span: OffsetRange) -> Iterator[StoredDeadLetter]:
        """Yield the dead letters of a span in their order, some in memory at a time."""
        return map(stored_dead_letter, self.read(span))


def stored_dead_letter(record: PlacedRecord) -> StoredDeadLetter:
    """Return the dead letter that a record of a dead-letter topic is."""
    return StoredDeadLetter(
        DeadLetterId(record.topic, record.partition, record.offset),
        record.timestamp,
        record.key,
        record.value,
        [(name, value or b"") for name, value in record.headers],
    )
