"""Makes a plan: where the events are, how many there are, what is lost. Changes nothing."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from schemas.codec import decode
from schemas.errors import SchemaViolation
from schemas.events import Creation, FollowCreated, FollowFact
from schemas.ids import UserId
from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from schemas.topics import dead_letter_topic
from streams.dead_letters.reader import stored_dead_letter
from streams.dead_letters.stored import origins
from streams.kafka.reader import TopicReader, in_batches
from streams.progress import ProgressCallback
from streams.records import OffsetRange, Partition, PlacedRecord
from streams.replay.edges import last_written
from streams.replay.plan import (
    FACTS,
    LIVE,
    Lost,
    Plan,
    PlanRefused,
    Source,
    check_topics,
    order_sources,
)
from streams.replay.selection import Conversation, Selection

SAMPLED: Final = 50_000
"""Events to read for an estimate of what a plan delivers, spread over all partitions."""

Followers = Callable[[Collection[UserId]], Awaitable[dict[UserId, int]]]


class RequestedPart(NamedTuple):
    """Requested offsets of one partition; None is the beginning or the end of the log."""

    topic: str
    partition: int
    first: int | None = None
    end: int | None = None

    @property
    def place(self) -> Partition:
        return Partition(self.topic, self.partition)


class PlanRequest(NamedTuple):
    """Requests everything that nothing here excludes. Times are Kafka's, in milliseconds."""

    topics: tuple[str, ...] = ()
    parts: tuple[RequestedPart, ...] = ()
    since: int | None = None
    until: int | None = None
    choice: Selection = Selection()
    dead_letters: bool = False

    @property
    def is_all(self) -> bool:
        """Whether nothing of the log is left out."""
        return self._replace(topics=()) == PlanRequest() and set(self.topics) in (set(), set(FACTS))

    def names(self) -> tuple[str, ...]:
        """Return the topics to read. Raises PlanRefused for options that contradict each other."""
        parts = dict.fromkeys(part.topic for part in self.parts)
        named = self.topics or tuple(parts) or self.choice.topics
        if not self.choice.is_all and not set(named) <= set(self.choice.topics):
            raise PlanRefused(f"--topic: what is selected is in {', '.join(self.choice.topics)}")
        if not self.dead_letters:
            check_topics(named)
        return tuple(map(dead_letter_topic, named)) if self.dead_letters else named


async def make_plan(  # noqa: PLR0913 - what is requested, where it is, how progress is reported
    request: PlanRequest,
    reader: TopicReader,
    followers: Followers,
    *,
    name: str,
    made_at: int,
    epoch: int,
    into: str,
    on_progress: ProgressCallback[int] = lambda _: None,
) -> Plan:
    """Return the plan. Raises PlanRefused, BrokerUnavailable and StoreUnavailable."""
    if into != LIVE and not request.is_all:
        raise PlanRefused("--into: a new generation is empty: expected all of the log")
    spans = await asyncio.to_thread(reader.spans, request.names())
    missing = set(request.names()) - {each.topic for each in spans}
    if missing:
        raise PlanRefused(f"topic {min(missing)} does not exist: run `mingle topics apply`")
    sources = await asyncio.to_thread(_sources, request, spans, reader)
    lost = tuple(_lost(request, spans))
    edges = None
    if any(each.topic == "follows" for each in lost):
        snapshot, edges = await asyncio.to_thread(_snapshot, reader)
        sources = order_sources((*snapshot, *sources))
    plan = Plan(
        name=name,
        made_at=made_at,
        into=into,
        sources=sources,
        choice=request.choice,
        whole=request.is_all,
        lost=lost,
        edges=edges,
    )
    plan = await _with_posts(plan, reader, epoch, on_progress)
    return await _counted(plan, reader, followers, epoch, on_progress)


def _sources(
    request: PlanRequest, spans: Sequence[OffsetRange], reader: TopicReader
) -> tuple[Source, ...]:
    parts = {part.place: part for part in request.parts}
    known = {span.partition for span in spans}
    for place in parts:
        if place not in known:
            raise PlanRefused(f"--part: {place[0]} has no partition {place[1]}")
    wanted = [
        span if part is None else _cut(span, part)
        for span in spans
        if (part := parts.get(span.partition)) is not None or not parts
    ]
    if request.since is not None:
        wanted = reader.at(wanted, request.since)
    if request.until is not None:
        ends = {each.partition: each.first for each in reader.at(wanted, request.until)}
        wanted = [each._replace(end=ends[each.partition]) for each in wanted]
    return order_sources(Source(*each) for each in wanted)


def _snapshot(reader: TopicReader) -> tuple[list[Source], EdgesWritten | None]:
    """Return the sources of the snapshot of edges, and the record that completes it.

    An incomplete snapshot is read as well: what it has is better than nothing.
    """
    spans = reader.spans([FOLLOW_EDGES])
    sources = [Source(*each) for each in spans if each.first < each.end]
    return sources, last_written(reader, spans)


def _cut(span: OffsetRange, part: RequestedPart) -> OffsetRange:
    """Return the requested part of a span."""
    first = span.first if part.first is None else max(span.first, part.first)
    end = span.end if part.end is None else min(span.end, part.end)
    return span._replace(first=min(first, end), end=end)


def _lost(request: PlanRequest, spans: Iterable[OffsetRange]) -> Iterator[Lost]:
    """Yield where the log begins later than requested. The times of lost events are not known."""
    if request.dead_letters:
        return
    parts = {part.place: part for part in request.parts}
    for span in spans:
        part = parts.get(span.partition)
        if parts and part is None:
            continue
        if span.first > (part.first if part and part.first is not None else 0):
            yield Lost(span.topic, span.number, before=span.first)


async def _with_posts(
    plan: Plan, reader: TopicReader, epoch: int, on_progress: ProgressCallback[int]
) -> Plan:
    """Add the posts of the selected conversation, found by reading all sources."""
    if plan.choice.conversation is None:
        return plan
    found = Conversation(plan.choice.conversation)
    try:
        async for batch in in_batches(_messages(plan.sources, reader, epoch, on_progress)):
            for message in batch:
                found.add(message)
        return replace(plan, choice=replace(plan.choice, posts=found.posts()))
    except ValueError as error:
        raise PlanRefused(f"--conversation: {error}") from error


async def _counted(
    plan: Plan,
    reader: TopicReader,
    followers: Followers,
    epoch: int,
    on_progress: ProgressCallback[int],
) -> Plan:
    """Add how much is applied and delivered; estimated from a sample if everything is applied."""
    share, size = 1.0, _size(plan.sources)
    sources: Sequence[Source] = plan.sources
    if plan.choice.is_all and size > SAMPLED:
        share = SAMPLED / size
        sources = [_some(each, share) for each in plan.sources]
    read, chosen, written, listed = 0, 0, Counter[UserId](), Counter[UserId]()

    def count(events: int) -> None:
        nonlocal read
        read += events
        on_progress(events)

    async for batch in in_batches(_messages(sources, reader, epoch, count)):
        for message in batch:
            if plan.choice.takes(message):
                chosen += 1
                if isinstance(message, Creation):
                    written[UserId(message.author_id)] += 1
            if isinstance(message, FollowFact):
                listed[UserId(message.followee_id)] += isinstance(message, FollowCreated) or -1
    counts = await followers(list(written)) if written else {}
    scale = 1 / share
    deliveries = sum(  # a store that has lost its edges counts too few
        posts * (1 + max(counts.get(author, 0), round(scale * listed[author])))
        for author, posts in written.items()
    )
    return replace(
        plan,
        events=round(size * read / max(1, _size(sources))),
        chosen=round(chosen * scale),
        deliveries=round(deliveries * scale),
        estimated=share < 1,
    )


def _size(sources: Iterable[Source]) -> int:
    """Return the number of offsets, those of control records and of aborted events included."""
    return sum(each.end - each.first for each in sources)


def _some(source: Source, share: float) -> Source:
    """Return the middle of a source."""
    most = source.end - source.first
    kept = max(1, round(most * share))
    first = source.first + (most - kept) // 2
    return Source(source.topic, source.partition, first, first + kept)


def _messages(
    sources: Iterable[Source], reader: TopicReader, epoch: int, on_progress: ProgressCallback[int]
) -> Iterator[Any]:
    for record in reader.read_all(
        [OffsetRange(*each.place, each.first, each.end) for each in sources]
    ):
        on_progress(1)
        message = message_of(record, epoch)
        if message is not None:
            yield message


def message_of(record: PlacedRecord, epoch: int) -> Any:
    """Return the message in a record of facts, edges or dead letters; None where there is none."""
    topic, timestamp = record.topic, record.timestamp
    if topic in origins():
        dead_letter = stored_dead_letter(record)
        topic, timestamp = dead_letter.topic, dead_letter.original_message().timestamp or timestamp
    try:
        if topic not in (FOLLOW_EDGES, *FACTS):
            return None
        message = decode(topic, record.key, record.value, timestamp, epoch)
    except SchemaViolation:
        return None
    return None if isinstance(message, EdgesWritten) else message
