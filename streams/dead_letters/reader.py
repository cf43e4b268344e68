"""Reads dead letters from the dead-letter topics."""

from collections.abc import Iterator
from typing import Any

from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.kafka.reader import TopicReader
from streams.kafka.unreadable import headers_of
from streams.records import OffsetRange


class DeadLetterReader(TopicReader):
    """Reads without a group and commits nothing. Every method raises BrokerUnavailable."""

    def dead_letters(self, span: OffsetRange) -> Iterator[StoredDeadLetter]:
        """Yield the dead letters of a span in their order, one batch in memory at a time."""
        return map(stored_dead_letter, self.read(span))


def stored_dead_letter(message: Any) -> StoredDeadLetter:
    """Return the dead letter that a message of a dead-letter topic is."""
    _, timestamp = message.timestamp()
    return StoredDeadLetter(
        DeadLetterId(message.topic(), message.partition(), message.offset()),
        timestamp,
        message.key(),
        message.value(),
        headers_of(message) or [],
    )
