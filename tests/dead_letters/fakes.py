"""Letters as they are written, and as they are found."""

from collections.abc import AsyncIterator, Iterable, Sequence

from schemas.errors import Reason, SchemaViolation
from streams.dead_letters.letter import Letter, LetterId
from streams.dead_letters.search import Found
from streams.delivery.dead_letters import DeadLetter, OutboxDeadLetters
from streams.outbox import MemoryOutbox, Outgoing
from streams.records import Partition
from tests.streams.fakes import FakeRecord

BURIED_AT = 1_760_000_000_000


async def buried(
    record: FakeRecord, topic: str = "posts", field: str = "text", reason: Reason = "too_long"
) -> Outgoing:
    """The message of a dead-letter topic that the loop makes of a record."""
    outbox = MemoryOutbox()
    letter = DeadLetter(Partition(topic, 3), record, SchemaViolation(field, reason))
    await OutboxDeadLetters(outbox).bury([letter])
    (sent,) = outbox.sent(f"{topic}-dlq")
    return sent


async def letter(
    offset: int, record: FakeRecord | None = None, buried_at: int = BURIED_AT
) -> Letter:
    """One that lies in the first partition of `posts-dlq`."""
    sent = await buried(record or FakeRecord(offset))
    at = LetterId("posts-dlq", 0, offset)
    return Letter(at, buried_at, sent.key, sent.value, sent.headers)


async def found(portions: Iterable[Sequence[Letter]]) -> AsyncIterator[list[Found]]:
    for some in portions:
        yield [Found(each, None) for each in some]
