"""A dead letter as its topic holds it. Pure."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, get_args

from schemas import topics
from schemas.topics import dead_letter_topic
from streams.delivery.cut import CUT_HEADERS, Cut
from streams.delivery.dead_letters import FAILURE_HEADERS, Header, cut_of, failure_history
from streams.outbox import Outgoing
from streams.records import Unreadable

MOST_DIGITS: Final = 18
"""Digits of numbers that surely fit into 64 bits."""
UNREADABLE: Final[frozenset[str]] = frozenset(get_args(Unreadable))


class DeadLetterId(NamedTuple):
    """The position of a dead letter: dead-letter topic, partition and offset."""

    topic: str
    number: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.number}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "DeadLetterId":
        """Return the id that the text is. Raises ValueError where it is none."""
        topic, number, offset = text.rsplit(":", 2)
        partition, place = bounded_number(number), bounded_number(offset)
        if topic not in origins() or partition is None or place is None:
            raise ValueError(text)
        return cls(topic, partition, place)


class DeadLetterKey(NamedTuple):
    """Identifies a dead letter for good: a topic that is created again reuses offsets."""

    id: DeadLetterId
    written_at: int


class Failure(NamedTuple):
    """One failure of a message, from the headers of its dead letter; `?` where one is missing."""

    topic: str
    partition: str
    offset: str
    error: str
    message: str
    field: str
    reason: str
    accepted_at: str


class StoredDeadLetter(NamedTuple):
    """A message of a dead-letter topic. Times are milliseconds since the Unix epoch."""

    id: DeadLetterId
    written_at: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]

    @property
    def resolution_key(self) -> DeadLetterKey:
        """The key under which its resolution is recorded."""
        return DeadLetterKey(self.id, self.written_at)

    @property
    def topic(self) -> str:
        """The topic that the message came from and is redriven to."""
        return origins()[self.id.topic]

    def failures(self) -> list[Failure]:
        """Return the failures of the message, the oldest first; at least one."""
        _, failures = failure_history(self.headers)
        return [_failure(each) for each in failures] or [_failure(())]

    def holds_message(self) -> bool:
        """Whether there is a message to redrive: what could not be read has left none."""
        return self.value is not None or self.failures()[-1].reason not in UNREADABLE

    def own_headers(self) -> list[Header]:
        """Return the headers that its producer gave the message."""
        own, _ = failure_history(self.headers)
        return own if self.cut() is None else own[: -len(CUT_HEADERS)]

    def cut(self) -> Cut | None:
        """Return what was cut of the message as it was too large for its topic, or None."""
        return cut_of(self.headers)

    def original_message(self) -> Outgoing:
        """Return the message as it was, with its own time and the history of its failures.

        Not to be called for one that was cut.
        """
        timestamp = bounded_number(self.failures()[-1].accepted_at)
        return Outgoing(self.topic, self.key, self.value, self.headers, timestamp)


def bounded_number(text: str) -> int | None:
    """Return the number that a text is, or None if it is none or longer than MOST_DIGITS."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None


def _failure(headers: Sequence[Header]) -> Failure:
    values = {name: value.decode(errors="replace") for name, value in headers}
    return Failure(*(values.get(name, "?") for name in FAILURE_HEADERS))


@cache
def origins() -> Mapping[str, str]:
    """Map each dead-letter topic to the topic whose messages it takes."""
    declared = topics.load_topics()
    return {dead_letter_topic(name): name for name, topic in declared.items() if topic.dead_letters}
