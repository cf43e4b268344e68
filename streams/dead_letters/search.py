"""Which letters are meant, and what became of them."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import NamedTuple

from streams.dead_letters.reader import DeadLetterReader
from streams.dead_letters.store import DeadLetterResolutions, Resolution
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter, origins
from streams.kafka.reader import MESSAGES_AT_ONCE, OffsetRange


class DeadLetterFilter(NamedTuple):
    """Which letters are meant: all that nothing here excludes."""

    ids: tuple[DeadLetterId, ...] = ()
    topic: str | None = None
    reason: str | None = None
    field: str | None = None
    since: int | None = None
    """Buried at this time or later, in milliseconds since the Unix epoch."""
    until: int | None = None
    """Buried before."""
    limit: int | None = None
    settled_too: bool = False
    """Also those that were redriven or dropped."""

    def topics(self) -> list[str]:
        """The dead-letter topics that may hold them."""
        named = {each.topic for each in self.ids}
        return [
            dead
            for dead, origin in origins().items()
            if self.topic in {None, origin} and (not named or dead in named)
        ]

    def within(self, span: OffsetRange) -> Iterator[OffsetRange]:
        """The parts of a span that may hold them."""
        if not self.ids:
            yield span
            return
        here = {at.offset for at in self.ids if (at.topic, at.number) == span[:2]}
        for offset in sorted(here):
            if span.first <= offset < span.end:
                yield span._replace(first=offset, end=offset + 1)

    def admits(self, letter: StoredDeadLetter) -> bool:
        """Whether the letter is meant, wherever it lies."""
        last = letter.burials()[-1]
        return (
            self.reason in {None, last.reason}
            and self.field in {None, last.field}
            and (self.since is None or letter.buried_at >= self.since)
            and (self.until is None or letter.buried_at < self.until)
        )


class FoundDeadLetter(NamedTuple):
    """A letter that is meant, and what became of it."""

    letter: StoredDeadLetter
    how: Resolution | None


async def search_dead_letters(
    reader: DeadLetterReader, wanted: DeadLetterFilter, settled: DeadLetterResolutions
) -> AsyncIterator[list[FoundDeadLetter]]:
    """The letters that are meant, some at a time, in the order in which they lie.

    What is buried meanwhile is not among them. Raises BrokerUnavailable and StoreUnavailable.
    """
    left = wanted.limit
    for some in _portions(reader, wanted):
        known = await settled.settled([each.place for each in some])
        found = [FoundDeadLetter(each, known.get(each.place)) for each in some]
        meant = [each for each in found if wanted.settled_too or each.how is None][:left]
        if meant:
            yield meant
        if left is not None:
            left -= len(meant)
            if not left:
                return


def _portions(
    reader: DeadLetterReader, wanted: DeadLetterFilter
) -> Iterator[list[StoredDeadLetter]]:
    """Of one partition each, so that one request tells what became of them."""
    for whole in reader.spans(wanted.topics()):
        letters = (
            letter
            for span in wanted.within(whole)
            for letter in reader.letters(span)
            if wanted.admits(letter)
        )
        while some := list(islice(letters, MESSAGES_AT_ONCE)):
            yield some
