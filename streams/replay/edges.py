"""The snapshot of edges: written from the store, read when `follows` has lost its beginning."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
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
from services.stores import Stores
from streams.kafka.reader import TopicReader
from streams.outbox import Outbox, Outgoing
from streams.pace import Pace
from streams.progress import ProgressCallback
from streams.records import OffsetRange
from streams.replay.erased_edges import SnapshotErasures
from streams.replay.live import committed_of
from streams.routes import ROUTES, group_of

OWNERS_AT_ONCE: Final = 32
"""Users whose edges are read together: one request each, and 32,000 edges at most, some 15 MB."""
EDGES_AT_ONCE: Final = 1_000
"""Of one owner: one store request if following is all that the owner does."""
SENT_AT_ONCE: Final = 5_000
"""Edges in one call, some 1 MB."""


class SnapshotRefused(MingleError):
    """A snapshot that would not hold all edges there were, or has no topic; says what to do."""


def last_written(reader: TopicReader, spans: Iterable[OffsetRange]) -> EdgesWritten | None:
    """Return the record that completes the newest snapshot; None where there is none.

    Reads these spans to their ends, for that record may be anywhere. Raises BrokerUnavailable.
    """
    newest = None
    for record in reader.read_all(spans):
        try:
            message = decode(FOLLOW_EDGES, record.key, record.value, record.timestamp)
        except SchemaViolation:
            continue
        if isinstance(message, EdgesWritten):
            newest = message
    return newest


async def handled_follows(brokers: Brokers) -> tuple[int, ...]:
    """Return the offset up to which workers have handled each partition of `follows`."""

    def look() -> list[OffsetRange]:
        with TopicReader(brokers) as reader:
            return reader.spans(["follows"])

    (role,) = (route.role for route in ROUTES if route.topic == "follows")
    ends = {each.partition: each.end for each in await asyncio.to_thread(look)}
    committed = await committed_of(brokers, group_of(role), list(ends))
    # Offsets committed for a topic that was created anew may be beyond its end.
    return tuple(min(committed.get(place, 0), end) for place, end in ends.items())


async def write_snapshot(  # noqa: PLR0913 - from where, to where, how
    stores: Stores,
    outbox: Outbox,
    brokers: Brokers,
    *,
    rate: float | None,
    accept_loss: bool,
    on_progress: ProgressCallback[int],
) -> EdgesWritten:
    """Write a snapshot of all edges. Return the record that completes it.

    Raises SnapshotRefused, StoreUnavailable and BrokerUnavailable.
    """
    began_at, handled = now_ms(), await handled_follows(brokers)
    last = await asyncio.to_thread(_last_snapshot, brokers)
    erased = SnapshotErasures(brokers, stores.relations, stores.erasures)

    async def taken(missing: int) -> int:
        return 0 if last is None else await erased.count(last, missing)

    return await EdgeSnapshot(stores.relations, outbox, rate, on_progress).write(
        began_at, handled, 0 if last is None or accept_loss else last.edges, taken
    )


def _last_snapshot(brokers: Brokers) -> EdgesWritten | None:
    with TopicReader(brokers) as reader:
        spans = reader.spans([FOLLOW_EDGES])
        if not spans:
            raise SnapshotRefused(f"topic {FOLLOW_EDGES} does not exist: run `mingle topics apply`")
        return last_written(reader, spans)


async def nothing_taken(_missing: int) -> int:
    """Return that no erasure took any edge."""
    return 0


class EdgeSnapshot:
    """Writes the snapshot. After an interruption, write it again: of each edge the newest wins."""

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
        self,
        began_at: int,
        handled: tuple[int, ...],
        at_least: int = 0,
        taken: Callable[[int], Awaitable[int]] = nothing_taken,
    ) -> EdgesWritten:
        """Write every edge, then the record that completes the snapshot and holds `handled`.

        Raises SnapshotRefused where there are fewer than `at_least` and erasures took fewer than
        are missing, which `taken` counts up to that number: what was written stays, and does not
        count as a snapshot. Raises StoreUnavailable and BrokerUnavailable.
        """
        edges = 0
        async for facts in every_edge(self._relations):
            async for some in self._pace.portions(facts, SENT_AT_ONCE):
                await self._outbox.send([Outgoing(*encode_edge(each)) for each in some])
                self._on_progress(len(some))
            edges += len(facts)
        missing = at_least - edges
        if missing > 0 and (erased := await taken(missing)) < missing:
            raise SnapshotRefused(
                f"the store has {edges:,} edges, the last snapshot {at_least:,}, and erasures that "
                f"are done took {erased:,}: has it lost any? The last snapshot still counts; "
                "replay from it. While an erasure is under way, run this again once it is done"
            )
        written = EdgesWritten(began_at=began_at, edges=edges, handled=handled)
        await self._outbox.send([Outgoing(*encode(written))])
        return written


async def every_edge(relations: RelationStore) -> AsyncIterator[list[FollowFact]]:
    """Yield the newest fact of every edge, also of ended ones. Raises StoreUnavailable."""
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
