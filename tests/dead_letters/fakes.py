"""Dead letters as they are written, and as they are found."""

from collections.abc import AsyncIterator, Iterable, Sequence

from schemas.errors import SchemaViolation, ViolationReason
from streams.dead_letters.search import FoundDeadLetter
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.delivery.cut import LARGEST_BODY
from streams.delivery.dead_letters import DeadLetter, OutboxDeadLetterWriter
from streams.outbox import MemoryOutbox, Outgoing
from streams.records import Partition
from tests.streams.fakes import FakeRecord

WRITTEN_AT = 1_760_000_000_000


async def written(
    record: FakeRecord,
    topic: str = "posts",
    field: str = "text",
    reason: ViolationReason = "too_long",
) -> Outgoing:
    """The message of a dead-letter topic that the loop makes of a record."""
    outbox = MemoryOutbox()
    dead_letter = DeadLetter(Partition(topic, 3), record, SchemaViolation(field, reason))
    await OutboxDeadLetterWriter(outbox).write([dead_letter])
    (sent,) = outbox.sent(f"{topic}-dlq")
    return sent


async def stored(
    offset: int, record: FakeRecord | None = None, written_at: int = WRITTEN_AT
) -> StoredDeadLetter:
    """One that lies in the first partition of `posts-dlq`."""
    sent = await written(record or FakeRecord(offset))
    at = DeadLetterId("posts-dlq", 0, offset)
    return StoredDeadLetter(at, written_at, sent.key, sent.value, sent.headers)


async def cut(offset: int) -> StoredDeadLetter:
    """One whose value was larger than its topic takes."""
    record = FakeRecord(offset, bytes(LARGEST_BODY + 1), headers=(("trace", b"1"),))
    return await stored(offset, record)


async def found(
    portions: Iterable[Sequence[StoredDeadLetter]],
) -> AsyncIterator[list[FoundDeadLetter]]:
    for some in portions:
        yield [FoundDeadLetter(each, None) for each in some]
