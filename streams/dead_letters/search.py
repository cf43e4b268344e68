"""Finds dead letters, and how they were resolved."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from typing import NamedTuple

from streams.dead_letters.reader import DeadLetterReader
from streams.dead_letters.store import DeadLetterResolutions, Resolution
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter, origins
from streams.kafka.reader import MESSAGES_AT_ONCE, in_batches
from streams.records import OffsetRange


class DeadLetterFilter(NamedTuple):
    """Selects all dead letters that nothing here excludes. Times are milliseconds."""

    ids: tuple[DeadLetterId, ...] = ()
    topic: str | None = None
    reason: str | None = None
    field: str | None = None
    since: int | None = None
    """Written at this time or later, since the Unix epoch."""
    until: int | None = None
    """Written before."""
    limit: int | None = None
    include: Collection[Resolution] = ()
    """Also those that were resolved so."""
    redrivable: bool = False
    """Only those that hold a message."""

    def topics(self) -> list[str]:
        """Return the dead-letter topics that may hold matches."""
        named = {each.topic for each in self.ids}
        return [
            dead
            for dead, origin in origins().items()
            if self.topic in {None, origin} and (not named or dead in named)
        ]

    def within(self, span: OffsetRange) -> Iterator[OffsetRange]:
        """Yield the parts of a span that may hold matches."""
        if not self.ids:
            yield span
            return
        here = {at.offset for at in self.ids if (at.topic, at.number) == span.partition}
        for offset in sorted(here):
            if span.first <= offset < span.end:
                yield span._replace(first=offset, end=offset + 1)

    def matches(self, dead_letter: StoredDeadLetter) -> bool:
        """Whether the dead letter is selected, whatever its id."""
        last = dead_letter.failures()[-1]
        return (
            (not self.redrivable or dead_letter.holds_message())
            and self.reason in {None, last.reason}
            and self.field in {None, last.field}
            and (self.since is None or dead_letter.written_at >= self.since)
            and (self.until is None or dead_letter.written_at < self.until)
        )


class FoundDeadLetter(NamedTuple):
    """A dead letter that matches, and how it was resolved, if at all."""

    dead_letter: StoredDeadLetter
    resolution: Resolution | None


async def search_dead_letters(
    reader: DeadLetterReader,
    wanted: DeadLetterFilter,
    resolutions: DeadLetterResolutions,
    on_resolved: Callable[[Resolution], None] = lambda _: None,
) -> AsyncIterator[list[FoundDeadLetter]]:
    """Yield the dead letters that match, some at a time, in the order of their topics.

    What is written meanwhile is not among them. `on_resolved` is called for each that is left out
    because it is resolved. Raises BrokerUnavailable and StoreUnavailable.
    """
    left = wanted.limit
    async for batch in _batches(reader, wanted):
        known = await resolutions.load([each.resolution_key for each in batch])
        some: list[FoundDeadLetter] = []
        for each in batch:
            resolution = known.get(each.resolution_key)
            if resolution is None or resolution in wanted.include:
                some.append(FoundDeadLetter(each, resolution))
            else:
                on_resolved(resolution)
        some = some[:left]
        if some:
            yield some
        if left is not None:
            left -= len(some)
            if not left:
                return


async def _batches(
    reader: DeadLetterReader, wanted: DeadLetterFilter
) -> AsyncIterator[list[StoredDeadLetter]]:
    """Batches of one partition each, so that one store request finds their resolutions."""
    for whole in await asyncio.to_thread(reader.spans, wanted.topics()):
        matches = (
            each
            for span in wanted.within(whole)
            for each in reader.dead_letters(span)
            if wanted.matches(each)
        )
        async for batch in in_batches(matches, MESSAGES_AT_ONCE):
            yield batch
