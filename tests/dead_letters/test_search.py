"""Which letters are found, and that a deed that was interrupted goes on."""

from collections.abc import Iterator

import pytest

from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.redrive import redrive
from streams.dead_letters.search import DeadLetterFilter, search_dead_letters
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.kafka.publisher import NotPublished
from streams.kafka.reader import MESSAGES_AT_ONCE, OffsetRange
from streams.outbox import Outgoing
from tests.dead_letters.fakes import letter

COUNT = 2 * MESSAGES_AT_ONCE + 20


class Shelf:
    """A reader of one partition; notes what was read."""

    def __init__(self, letters: list[StoredDeadLetter]) -> None:
        self._letters = letters
        self.read_spans: list[OffsetRange] = []

    def spans(self, topics: list[str]) -> list[OffsetRange]:
        return [OffsetRange("posts-dlq", 0, 0, len(self._letters))] if "posts-dlq" in topics else []

    def letters(self, span: OffsetRange) -> Iterator[StoredDeadLetter]:
        self.read_spans.append(span)
        yield from self._letters[span.first : span.end]


class DyingSender:
    """Is killed instead of acknowledging for the `deaths`-th time."""

    def __init__(self, death: int | None = None) -> None:
        self.sent: list[bytes | None] = []
        self._left = death

    def send(self, message: Outgoing) -> None:
        self.sent.append(message.value)

    def finish(self) -> None:
        if self._left is not None:
            self._left -= 1
            if not self._left:
                raise NotPublished("killed")


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf([await letter(offset) for offset in range(COUNT)])


async def offsets(shelf: Shelf, wanted: DeadLetterFilter, settled: MemoryResolutions) -> list[int]:
    return [
        each.letter.id.offset
        async for some in search_dead_letters(shelf, wanted, settled)
        for each in some
    ]


async def test_what_was_interrupted_goes_on(shelf: Shelf) -> None:
    """Only what was not yet acknowledged is sent again, and in the end nothing is left."""
    settled, first, second = MemoryResolutions(), DyingSender(death=2), DyingSender()
    with pytest.raises(NotPublished):
        await redrive(
            search_dead_letters(shelf, DeadLetterFilter(), settled), first, settled, lambda _: None
        )
    assert len(first.sent) == 2 * MESSAGES_AT_ONCE
    await redrive(
        search_dead_letters(shelf, DeadLetterFilter(), settled), second, settled, lambda _: None
    )
    assert len(second.sent) == COUNT - MESSAGES_AT_ONCE
    assert await offsets(shelf, DeadLetterFilter(), settled) == []
    assert len(await offsets(shelf, DeadLetterFilter(settled_too=True), settled)) == COUNT


async def test_a_limit_is_of_what_is_not_settled(shelf: Shelf) -> None:
    """The next call takes the next ones."""
    settled = MemoryResolutions()
    few = DeadLetterFilter(limit=MESSAGES_AT_ONCE + 5)
    await redrive(search_dead_letters(shelf, few, settled), DyingSender(), settled, lambda _: None)
    left = await offsets(shelf, DeadLetterFilter(limit=2), settled)
    assert left == [MESSAGES_AT_ONCE + 5, MESSAGES_AT_ONCE + 6]


async def test_ids_are_read_where_they_lie(shelf: Shelf) -> None:
    """And nothing else is; what is not there any more is not found."""
    ids = (
        DeadLetterId("posts-dlq", 0, 7),
        DeadLetterId("posts-dlq", 0, COUNT),
        DeadLetterId("posts-dlq", 1, 7),
    )
    assert await offsets(shelf, DeadLetterFilter(ids), MemoryResolutions()) == [7]
    assert shelf.read_spans == [OffsetRange("posts-dlq", 0, 7, 8)]


async def test_other_topics_are_not_read(shelf: Shelf) -> None:
    """Whether a topic is named, or ids in it."""
    assert await offsets(shelf, DeadLetterFilter(topic="follows"), MemoryResolutions()) == []
    other = DeadLetterFilter((DeadLetterId("follows-dlq", 0, 7),))
    assert await offsets(shelf, other, MemoryResolutions()) == []
    assert shelf.read_spans == []
