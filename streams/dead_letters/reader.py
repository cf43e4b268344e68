"""Letters, as they lie in the dead-letter topics."""

from collections.abc import Iterator
from typing import Any

from streams.dead_letters.letter import Letter, LetterId
from streams.kafka.reader import Span, TopicReader


class LetterReader(TopicReader):
    """Reads without a group and commits nothing. Every method raises BrokerUnavailable."""

    def letters(self, span: Span) -> Iterator[Letter]:
        """The letters of a span in their order, one batch in memory at a time."""
        return map(letter_of, self.read(span))


def letter_of(message: Any) -> Letter:
    """A message of a dead-letter topic."""
    _, timestamp = message.timestamp()
    return Letter(
        LetterId(message.topic(), message.partition(), message.offset()),
        timestamp,
        message.key(),
        message.value(),
        [(name, value or b"") for name, value in message.headers() or ()],
    )
