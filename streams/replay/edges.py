"""The snapshot of edges: written from the store, read where `follows` has lost its beginning."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

from schemas.codec import decode, encode, encode_edge
from schemas.errors import SchemaViolation
from schemas.events import FollowFact
from schemas.ids import UserId
from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from services.clock import now_ms
from services.errors import MingleError
from services.relations.store import RelationStore
from services.scan import MIN_TOKEN
from services.settings.brokers import Brokers
from streams.kafka.reader import OffsetRange, TopicReader
from streams.outbox import Outbox, Outgoing
from streams.pace import Pace
from streams.progress import ProgressCallback
from streams.replay.live import committed_of
from streams.routes import ROUTES, group_of

OWNERS_AT_ONCE: Final = 32
"""Whose edges are read together: as many requests, and 32,000 edges at most, some 15 MB."""
EDGES_AT_ONCE: Final = 1_000
"""Of one owner: one request of the store where he says nothing but whom he follows."""
SENT_AT_ONCE: Final = 5_000
"""Edges in a call, some 1 MB; at a rate, no more than a second's."""


class SnapshotRefused(MingleError):
    """A snapshot that would not hold all edges there were, or has no topic; says what to do."""


def last_written(reader: TopicReader, spans: Iterable[OffsetRange]) -> EdgesWritten | None:
    """What the newest whole snapshot says of itself; None where there is none.

    It reads these spans to their ends, for the one record may be anywhere. Raises
    BrokerUnavailable.
    """
    found = None
    for record in reader.read_all(spans):
        try:
            said = decode(FOLLOW_EDGES, record.key(), record.value(), record.timestamp()[1])
        except SchemaViolation:
            continue
        if isinstance(said, EdgesWritten):
            found = said
    return found


async def handled_follows(brokers: Brokers) -> tuple[int, ...]:
    """Up to where live workers have recorded `follows`, by partition. Raises BrokerUnavailable."""

    def look() -> list[OffsetRange]:
        with TopicReader(brokers) as reader:
            return reader.spans(["follows"])

    (role,) = (route.role for route in ROUTES if route.topic == "follows")
    ends = {each.partition: each.end for each in await asyncio.to_thread(look)}
    committed = await committed_of(brokers, group_of(role), list(ends))
    # What was committed of a topic that was made anew lies beyond its end.
    return tuple(min(committed.get(place, 0), end) for place, end in ends.items())


async def write_snapshot(  # noqa: PLR0913 - from where, to where, how
    relations: RelationStore,
    outbox: Outbox,
    brokers: Brokers,
    *,
    rate: float | None,
    accept_loss: bool,
    on_progress: ProgressCallback[int],
) -> EdgesWritten:
    """Write a snapshot of all edges. Return what it says of itself.

    Raises SnapshotRefused, StoreUnavailable and BrokerUnavailable.
    """
    began_at, handled = now_ms(), await handled_follows(brokers)
    last = await asyncio.to_thread(_last_snapshot, brokers)
    at_least = 0 if last is None or accept_loss else last.edges
    return await EdgeSnapshot(relations, outbox, rate, on_progress).write(
        began_at, handled, at_least
    )


def _last_snapshot(brokers: Brokers) -> EdgesWritten | None:
    with TopicReader(brokers) as reader:
        spans = reader.spans([FOLLOW_EDGES])
        if not spans:
            raise SnapshotRefused(f"topic {FOLLOW_EDGES} does not exist: run `mingle topics apply`")
        return last_written(reader, spans)


class EdgeSnapshot:
    """Writes the snapshot. Whoever was interrupted begins again: each edge is newest-wins."""

    def __init__(
        self,
        relations: RelationStore,
        outbox: Outbox,
        rate: float | None,
        on_progress: ProgressCallback[int],
    ) -> None:
        self._relations = relations
        self._outbox = outbox
        self._pace = Pace(rate)
        self._on_progress = on_progress

    async def write(
        self, began_at: int, handled: tuple[int, ...], at_least: int = 0
    ) -> EdgesWritten:
        """Every edge of the store, then that it is whole, with the offsets handled before it began.

        Raises SnapshotRefused where there are fewer than `at_least`: what was written stays, and is
        not said to be whole. Raises StoreUnavailable and BrokerUnavailable.
        """
        edges = 0
        async for facts in every_edge(self._relations):
            async for some in self._pace.portions(facts, SENT_AT_ONCE):
                await self._outbox.send([Outgoing(*encode_edge(each)) for each in some])
                self._on_progress(len(some))
            edges += len(facts)
        if edges < at_least:
            raise SnapshotRefused(
                f"the store has {edges:,} edges, the last snapshot {at_least:,}: has it lost any? "
                "The last snapshot still counts; replay from it, or give --accept-loss"
            )
        written = EdgesWritten(began_at=began_at, edges=edges, handled=handled)
        await self._outbox.send([Outgoing(*encode(written))])
        return written


async def every_edge(relations: RelationStore) -> AsyncIterator[list[FollowFact]]:
    """The newest fact of each edge there ever was, some at a time. Raises StoreUnavailable."""
    token: int | None = MIN_TOKEN
    while token is not None:
        found = await relations.owners(token, OWNERS_AT_ONCE)
        token = found.token
        waiting = dict.fromkeys(found.ids, UserId(0))
        while waiting:
            pages = await asyncio.gather(
                *(
                    relations.edge_facts(owner, after=after, limit=EDGES_AT_ONCE)
                    for owner, after in waiting.items()
                )
            )
            yield [fact for page in pages for fact in page]
            waiting = {
                owner: UserId(page[-1].followee_id)
                for owner, page in zip(waiting, pages, strict=True)
                if len(page) == EDGES_AT_ONCE
            }
