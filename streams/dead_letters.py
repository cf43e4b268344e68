"""Messages that can never be handled: where they go, and what is said of them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from schemas.errors import Reason, SchemaViolation
from schemas.topics import dead_letter_topic
from services.errors import Permanent
from streams.outbox import Outbox, Outgoing
from streams.records import Partition, Record

Cause = Reason | Literal["refused", "bug"]
"""Why, from a closed set: the schemas' reasons, a handler's Permanent, or any other error."""


class DeadLetter(NamedTuple):
    """A record and the error that it alone, by itself, leads to."""

    partition: Partition
    record: Record
    error: Exception

    @property
    def reason(self) -> Cause:
        if isinstance(self.error, SchemaViolation):
            return self.error.reason
        return "refused" if isinstance(self.error, Permanent) else "bug"

    @property
    def field(self) -> str:
        """The path of what is wrong in the message; never a value from it."""
        return self.error.field if isinstance(self.error, SchemaViolation) else "value"


class DeadLetters(Protocol):
    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Returns when every letter is kept for as long as dead letters are kept.

        Raises Transient when that is uncertain: all are then to be buried again.
        """


class OutboxDeadLetters:
    """Dead letters as messages of `<topic>-dlq`, key and value untouched.

    Their own timestamp is that of the burial, since retention counts from it.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        await self._outbox.send([_message(letter) for letter in letters])


def _message(letter: DeadLetter) -> Outgoing:
    record = letter.record
    topic = dead_letter_topic(letter.partition.topic)
    # A letter that was sent back and failed again keeps what was said of it before.
    headers = (*record.headers, *_headers(letter))
    return Outgoing(topic, record.key, record.value, headers)


def _headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """Kafka Connect's names for what it has names for, then our own."""
    kind = type(letter.error)
    said = {
        "__connect.errors.topic": letter.partition.topic,
        "__connect.errors.partition": letter.partition.number,
        "__connect.errors.offset": letter.record.offset,
        "__connect.errors.exception.class.name": f"{kind.__module__}.{kind.__qualname__}",
        "__connect.errors.exception.message": f"{letter.field}: {letter.reason}",
        "mingle.field": letter.field,
        "mingle.reason": letter.reason,
        "mingle.timestamp": letter.record.timestamp,
    }
    return [(name, str(value).encode()) for name, value in said.items()]
