"""Messages that can never be handled: where they go, and what is said of them."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from schemas.errors import SchemaViolation, ViolationReason
from schemas.topics import dead_letter_topic
from services.errors import Permanent
from streams.outbox import Outbox, Outgoing
from streams.records import Partition, Record

Cause = ViolationReason | Literal["refused", "bug"]
"""Why, from a closed set: the schemas' reasons, a handler's Permanent, or any other error."""


Header: TypeAlias = tuple[str, bytes]
SAID: Final = (
    "__connect.errors.topic",
    "__connect.errors.partition",
    "__connect.errors.offset",
    "__connect.errors.exception.class.name",
    "__connect.errors.exception.message",
    "mingle.field",
    "mingle.reason",
    "mingle.timestamp",
)
"""What is said at a burial, in this order: Kafka Connect's names for what it has names for, then
our own."""
NEWEST_FAILURES: Final = 9
"""Of a message that was sent back and failed again, besides the first one: together some 3 KB of
headers, however often somebody tries."""


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


class DeadLetterWriter(Protocol):
    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Returns when every letter is kept for as long as dead letters are kept.

        Raises Transient when that is uncertain: all are then to be buried again.
        """


class OutboxDeadLetterWriter:
    """Dead letters as messages of `<topic>-dlq`, key and value untouched.

    One that was sent back and failed again keeps what was said of it: at first, and lately.
    Their own timestamp is that of the burial, since retention counts from it.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        await self._outbox.send([_message(letter) for letter in letters])


def failure_history(headers: Sequence[Header]) -> tuple[list[Header], list[list[Header]]]:
    """What came with the message itself, and what each burial said of it, the oldest first."""
    own: list[Header] = []
    burials: list[list[Header]] = []
    for header in headers:
        name = header[0]
        if name not in SAID:
            own.append(header)
        elif name == SAID[0] or not burials:
            burials.append([header])
        else:
            burials[-1].append(header)
    return own, burials


def _message(letter: DeadLetter) -> Outgoing:
    record = letter.record
    topic = dead_letter_topic(letter.partition.topic)
    own, burials = failure_history(record.headers)
    kept = burials[:1] + burials[1:][-(NEWEST_FAILURES - 1) :]
    said = (header for burial in kept for header in burial)
    return Outgoing(topic, record.key, record.value, (*own, *said, *_headers(letter)))


def _headers(letter: DeadLetter) -> list[Header]:
    kind = type(letter.error)
    values = (
        letter.partition.topic,
        letter.partition.number,
        letter.record.offset,
        f"{kind.__module__}.{kind.__qualname__}",
        f"{letter.field}: {letter.reason}",
        letter.field,
        letter.reason,
        letter.record.timestamp,
    )
    return [(name, str(value).encode()) for name, value in zip(SAID, values, strict=True)]
