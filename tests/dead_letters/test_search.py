"""Which letters are found, and that a deed that was interrupted goes on."""

from collections.abc import Iterator

import pytest

from streams.dead_letters.letter import Letter, LetterId
from streams.dead_letters.memory import MemorySettled
from streams.dead_letters.redrive import redrive
from streams.dead_letters.search import Wanted, search
from streams.kafka.publisher import NotPublished
from streams.kafka.reader import MESSAGES_AT_ONCE, Span
from streams.outbox import Outgoing
from tests.dead_letters.fakes import letter

COUNT = 2 * MESSAGES_AT_ONCE + 20


class Shelf:
    """A reader of one partition; notes what was read."""

    def __init__(self, letters: list[Letter]) -> None:
        self._letters = letters
        self.read_spans: list[Span] = []

    def spans(self, topics: list[str]) -> list[Span]:
        return [Span("posts-dlq", 0, 0, len(self._letters))] if "posts-dlq" in topics else []

    def letters(self, span: Span) -> Iterator[Letter]:
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


async def offsets(shelf: Shelf, wanted: Wanted, settled: MemorySettled) -> list[int]:
    return [each.letter.id.offset async for some in search(shelf, wanted, settled) for each in some]


async def test_what_was_interrupted_goes_on(shelf: Shelf) -> None:
    """Only what was not yet acknowledged is sent again, and in the end nothing is left."""
    settled, first, second = MemorySettled(), DyingSender(death=2), DyingSender()
    with pytest.raises(NotPublished):
        await redrive(search(shelf, Wanted(), settled), first, settled, lambda _: None)
    assert len(first.sent) == 2 * MESSAGES_AT_ONCE
    await redrive(search(shelf, Wanted(), settled), second, settled, lambda _: None)
    assert len(second.sent) == COUNT - MESSAGES_AT_ONCE
    assert await offsets(shelf, Wanted(), settled) == []
    assert len(await offsets(shelf, Wanted(settled_too=True), settled)) == COUNT


async def test_a_limit_is_of_what_is_not_settled(shelf: Shelf) -> None:
    """The next call takes the next ones."""
    settled = MemorySettled()
    few = Wanted(limit=MESSAGES_AT_ONCE + 5)
    await redrive(search(shelf, few, settled), DyingSender(), settled, lambda _: None)
    left = await offsets(shelf, Wanted(limit=2), settled)
    assert left == [MESSAGES_AT_ONCE + 5, MESSAGES_AT_ONCE + 6]


async def test_ids_are_read_where_they_lie(shelf: Shelf) -> None:
    """And nothing else is; what is not there any more is not found."""
    ids = (
        LetterId("posts-dlq", 0, 7),
        LetterId("posts-dlq", 0, COUNT),
        LetterId("posts-dlq", 1, 7),
    )
    assert await offsets(shelf, Wanted(ids), MemorySettled()) == [7]
    assert shelf.read_spans == [Span("posts-dlq", 0, 7, 8)]


async def test_other_topics_are_not_read(shelf: Shelf) -> None:
    """Whether a topic is named, or ids in it."""
    assert await offsets(shelf, Wanted(topic="follows"), MemorySettled()) == []
    other = Wanted((LetterId("follows-dlq", 0, 7),))
    assert await offsets(shelf, other, MemorySettled()) == []
    assert shelf.read_spans == []
