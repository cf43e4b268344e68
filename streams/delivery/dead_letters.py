"""Messages that can never be handled: where they are written, and why they failed."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from schemas.errors import SchemaViolation, ViolationReason
from schemas.topics import dead_letter_topic
from services.errors import MessageTooLarge, Permanent
from streams.delivery.cut import LARGEST_BODY, SMALLER, Body, Cut, cut_described_by, cut_to
from streams.outbox import Outbox, Outgoing
from streams.records import Partition, Record, Unreadable, UnreadableRecord

Cause = ViolationReason | Unreadable | Literal["refused", "bug"]
"""The closed set of reasons: the schemas' own, what cannot be read, a handler's Permanent, or any
other error."""


Header: TypeAlias = tuple[str, bytes]
FAILURE_HEADERS: Final = (
    "__connect.errors.topic",
    "__connect.errors.partition",
    "__connect.errors.offset",
    "__connect.errors.exception.class.name",
    "__connect.errors.exception.message",
    "mingle.field",
    "mingle.reason",
    "mingle.timestamp",
)
"""The headers that describe a failure, in this order: Kafka Connect's names where it has names,
then our own."""
NEWEST_FAILURES: Final = 9
"""Kept of a message that was redriven and failed again, besides the first one: together some 3 KB
of headers, however often it is tried."""


class NotReadable(Exception):
    """Raised where unreadable offsets are to be decoded; the text says which, and why."""

    def __init__(self, record: UnreadableRecord) -> None:
        first, last = record.offset, record.last_offset
        offsets = f"offset {first}" if first == last else f"offsets {first} to {last}"
        super().__init__(f"{offsets}: {record.detail}")
        self.reason: Unreadable = record.reason
        self.field = "record" if record.reason == "unreadable_record" else "batch"


class DeadLetter(NamedTuple):
    """A record and the error that it causes by itself."""

    partition: Partition
    record: Record
    error: Exception

    @property
    def reason(self) -> Cause:
        if isinstance(self.error, SchemaViolation | NotReadable):
            return self.error.reason
        return "refused" if isinstance(self.error, Permanent) else "bug"

    @property
    def field(self) -> str:
        """The path of what is wrong in the message; never a value from it."""
        if isinstance(self.error, SchemaViolation | NotReadable):
            return self.error.field
        return "value"

    @property
    def message(self) -> str:
        """Field and reason, and of what cannot be read the offsets, its size and its digest."""
        detail = f", {self.error}" if isinstance(self.error, NotReadable) else ""
        return f"{self.field}: {self.reason}{detail}"


class DeadLetterWriter(Protocol):
    async def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when all are stored for as long as dead letters are kept.

        Raises Transient when that is uncertain: all of them must then be written again. So they
        are after MessageTooLarge, where the topic takes not even the least of one.
        """


class OutboxDeadLetterWriter:
    """Writes dead letters as messages of `<topic>-dlq`, key, value and headers untouched.

    What is too large for its topic is cut, and says so (`streams.delivery.cut`). A message that was
    redriven and failed again keeps the history of its failures: the first one and the newest. Its
    timestamp is the time of writing, since retention counts from it.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        small: list[DeadLetter] = []
        large: list[DeadLetter] = []
        for each in dead_letters:
            (small if _body(each.record).size() <= SMALLER[0] else large).append(each)
        try:
            await self._outbox.send([_message(each) for each in small])
        except MessageTooLarge:
            large = list(dead_letters)
        for each in large:
            await self._write_alone(each)

    async def _write_alone(self, dead_letter: DeadLetter) -> None:
        """Write as much of it as its topic takes. Raises MessageTooLarge where that is nothing."""
        for most in (LARGEST_BODY, *SMALLER[:-1]):
            with suppress(MessageTooLarge):
                return await self._outbox.send([_message(dead_letter, most)])
        return await self._outbox.send([_message(dead_letter, SMALLER[-1])])


def failure_history(headers: Sequence[Header]) -> tuple[list[Header], list[list[Header]]]:
    """Return the message's own headers, and those of each of its failures, the oldest first."""
    own: list[Header] = []
    failures: list[list[Header]] = []
    for header in headers:
        name = header[0]
        if name not in FAILURE_HEADERS:
            own.append(header)
        elif name == FAILURE_HEADERS[0] or not failures:
            failures.append([header])
        else:
            failures[-1].append(header)
    return own, failures


def cut_of(headers: Sequence[Header]) -> Cut | None:
    """Return what was cut of the dead letter with these headers; None where it is whole.

    Looks behind the latest failure alone: what stands before it may be a producer's.
    """
    names = [name for name, _ in headers]
    if FAILURE_HEADERS[0] not in names:
        return None
    latest = len(names) - 1 - names[::-1].index(FAILURE_HEADERS[0])
    return cut_described_by(headers[latest:])


def _message(dead_letter: DeadLetter, most: int = LARGEST_BODY) -> Outgoing:
    """Return the message of a dead letter, of whose record at most so many bytes are kept."""
    topic = dead_letter_topic(dead_letter.partition.topic)
    (key, value, earlier), cut = cut_to(_body(dead_letter.record), most)
    return Outgoing(topic, key, value, (*earlier, *_headers(dead_letter), *cut))


def _body(record: Record) -> Body:
    own, failures = failure_history(record.headers)
    kept = failures[:1] + failures[1:][-(NEWEST_FAILURES - 1) :]
    return Body(record.key, record.value, (*own, *(each for failure in kept for each in failure)))


def _headers(dead_letter: DeadLetter) -> list[Header]:
    kind = type(dead_letter.error)
    values = (
        dead_letter.partition.topic,
        dead_letter.partition.number,
        dead_letter.record.offset,
        f"{kind.__module__}.{kind.__qualname__}",
        dead_letter.message,
        dead_letter.field,
        dead_letter.reason,
        dead_letter.record.timestamp,
    )
    return [
        (name, str(value).encode()) for name, value in zip(FAILURE_HEADERS, values, strict=True)
    ]
