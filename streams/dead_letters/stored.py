"""A dead letter as it lies in its topic. Pure."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from schemas import topics
from schemas.topics import dead_letter_topic
from streams.delivery.dead_letters import SAID, Header, failure_history
from streams.outbox import Outgoing


class DeadLetterId(NamedTuple):
    """Where a letter lies: the dead-letter topic, the partition and the offset in it."""

    topic: str
    number: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.number}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "DeadLetterId":
        """Raises ValueError for what is no letter's id."""
        topic, number, offset = text.rsplit(":", 2)
        if topic not in origins() or not (number.isdecimal() and offset.isdecimal()):
            raise ValueError(text)
        return cls(topic, int(number), int(offset))


class DeadLetterKey(NamedTuple):
    """A letter for good: offsets count anew in a topic that was deleted and made again."""

    id: DeadLetterId
    buried_at: int


class Failure(NamedTuple):
    """What was said of a message when it was buried; `?` for what was not said."""

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
    buried_at: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]

    @property
    def place(self) -> DeadLetterKey:
        return DeadLetterKey(self.id, self.buried_at)

    @property
    def topic(self) -> str:
        """Where it came from, and goes when it is sent back."""
        return origins()[self.id.topic]

    def burials(self) -> list[Failure]:
        """The oldest first; at least one."""
        _, said = failure_history(self.headers)
        return [_burial(each) for each in said] or [_burial(())]

    def own_headers(self) -> list[Header]:
        """Those that its producer gave it."""
        return failure_history(self.headers)[0]

    def sent_back(self) -> Outgoing:
        """The message as it was, with its own time and all that was said of it."""
        accepted_at = self.burials()[-1].accepted_at
        timestamp = int(accepted_at) if accepted_at.isdecimal() else None
        return Outgoing(self.topic, self.key, self.value, self.headers, timestamp)


def _burial(said: Sequence[Header]) -> Failure:
    values = {name: value.decode(errors="replace") for name, value in said}
    return Failure(*(values.get(name, "?") for name in SAID))


@cache
def origins() -> Mapping[str, str]:
    """By dead-letter topic, the topic whose messages it takes."""
    declared = topics.load_topics()
    return {dead_letter_topic(name): name for name, topic in declared.items() if topic.dead_letters}
