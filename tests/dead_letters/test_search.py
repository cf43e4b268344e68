"""Which dead letters are found, and that a redrive that was interrupted goes on."""

from collections.abc import Iterator

import pytest

from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.redrive import redrive
from streams.dead_letters.search import DeadLetterFilter, search_dead_letters
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.kafka.publisher import NotPublished
from streams.kafka.reader import MESSAGES_AT_ONCE
from streams.outbox import Outgoing
from streams.records import OffsetRange
from tests.dead_letters.fakes import stored

COUNT = 2 * MESSAGES_AT_ONCE + 20


class Shelf:
    """A reader of one partition; notes what was read."""

    def __init__(self, dead_letters: list[StoredDeadLetter]) -> None:
        self._dead_letters = dead_letters
        self.read_spans: list[OffsetRange] = []

    def spans(self, topics: list[str]) -> list[OffsetRange]:
        return (
            [OffsetRange("posts-dlq", 0, 0, len(self._dead_letters))]
            if "posts-dlq" in topics
            else []
        )

    def dead_letters(self, span: OffsetRange) -> Iterator[StoredDeadLetter]:
        self.read_spans.append(span)
        yield from self._dead_letters[span.first : span.end]


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
    return Shelf([await stored(offset) for offset in range(COUNT)])


async def offsets(
    shelf: Shelf, wanted: DeadLetterFilter, resolutions: MemoryResolutions
) -> list[int]:
    return [
        each.dead_letter.id.offset
        async for some in search_dead_letters(shelf, wanted, resolutions)
        for each in some
    ]


async def test_what_was_interrupted_goes_on(shelf: Shelf) -> None:
    """Only what was not yet acknowledged is sent again, and in the end nothing is left."""
    resolutions, first, second = MemoryResolutions(), DyingSender(death=2), DyingSender()
    with pytest.raises(NotPublished):
        await redrive(
            search_dead_letters(shelf, DeadLetterFilter(), resolutions),
            first,
            resolutions,
            lambda _: None,
        )
    assert len(first.sent) == 2 * MESSAGES_AT_ONCE
    await redrive(
        search_dead_letters(shelf, DeadLetterFilter(), resolutions),
        second,
        resolutions,
        lambda _: None,
    )
    assert len(second.sent) == COUNT - MESSAGES_AT_ONCE
    assert await offsets(shelf, DeadLetterFilter(), resolutions) == []
    whole = DeadLetterFilter(include=("redriven",))
    assert len(await offsets(shelf, whole, resolutions)) == COUNT
    assert await offsets(shelf, DeadLetterFilter(include=("dropped",)), resolutions) == []


async def test_a_limit_is_of_what_is_not_settled(shelf: Shelf) -> None:
    """The next call takes the next ones."""
    resolutions = MemoryResolutions()
    few = DeadLetterFilter(limit=MESSAGES_AT_ONCE + 5)
    await redrive(
        search_dead_letters(shelf, few, resolutions), DyingSender(), resolutions, lambda _: None
    )
    left = await offsets(shelf, DeadLetterFilter(limit=2), resolutions)
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
