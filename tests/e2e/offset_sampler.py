"""Watches the committed offsets all along: nothing below them may be unhandled.

The sampler reads every topic itself and judges each message once, when a sample of the committed
offsets first covers it, by what the store holds then. The sample is taken first: what is
handled between the two is no excuse, for it was not handled when its offset was committed.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import uvloop
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from schemas.codec import Message, decode
from schemas.events import FollowCreated, FollowDeleted, PostCreated, ReplyCreated
from schemas.ids import slot
from schemas.requests import BackfillFollow, DeliverPage
from services.errors import StoreUnavailable
from streams.bootstrap import cassandra_stores, connect_store, create_metrics
from tests.e2e.background import BackgroundThread
from tests.e2e.effects import Effects
from tests.e2e.pipeline import FIRST, Pipeline, Place, places

SAMPLE_SECONDS = 0.2
READ_AT_ONCE = 5_000
JUDGED_AT_ONCE = 2_000
"""Messages that one look at the store covers."""
FINISH_SECONDS = 180.0
"""For all that the topics hold, also when the brokers were away meanwhile."""
SOME = 20
"""Objections that are kept word for word."""


class OffsetSample(NamedTuple):
    """A message as it stands in its topic."""

    place: Place
    offset: int
    timestamp: int
    message: Message


class Edge(NamedTuple):
    """A follower's slot, and when the edge was found, in milliseconds since 1970."""

    slot: int
    since: int


class KnownEffects:
    """What was found in the store, and since when: what a request had to take into account."""

    def __init__(self) -> None:
        self.edges: defaultdict[int, dict[int, Edge]] = defaultdict(dict)
        """By author and follower."""
        self.ended: set[tuple[int, int]] = set()
        """Edges that some message ends: follower, author."""
        self.posts: defaultdict[int, dict[int, int]] = defaultdict(dict)
        """By author and post, when the author's entry was found."""
        self.pages: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        """The slot ranges that were asked for, by post."""
        self.backfills: dict[tuple[int, int], int] = {}
        """When a backfill was last asked for, by follower and author."""

    def appended(self, seen: OffsetSample) -> None:
        match seen.message:
            case DeliverPage() as page:
                self.pages[page.post_id].add((page.slot_from, page.slot_to))
            case BackfillFollow() as wanted:
                edge = wanted.follower_id, wanted.followee_id
                self.backfills[edge] = max(seen.timestamp, self.backfills.get(edge, 0))
            case FollowDeleted() as fact:
                self.ended.add((fact.follower_id, fact.followee_id))

    def found(self, seen: OffsetSample, now: int) -> None:
        match seen.message:
            case FollowCreated() as fact:
                edge = Edge(slot(fact.follower_id), now)
                self.edges[fact.followee_id].setdefault(fact.follower_id, edge)
            case PostCreated() | ReplyCreated() as fact:
                self.posts[fact.author_id].setdefault(fact.post_id, now)

    def owed(self, seen: OffsetSample) -> Iterator[tuple[int, int]]:
        """The entries (user, post) that a message which counts as handled has written.

        Of a post those for which no page was asked.
        """
        match seen.message:
            case DeliverPage() as page:
                for user, edge in self._followers(page.author_id, seen):
                    if page.slot_from <= edge.slot < page.slot_to:
                        yield user, page.post_id
            case PostCreated() | ReplyCreated() as fact:
                asked = self.pages[fact.post_id]
                for user, edge in self._followers(fact.author_id, seen):
                    if not any(start <= edge.slot < end for start, end in asked):
                        yield user, fact.post_id
            case BackfillFollow() as wanted:
                for post, since in self.posts[wanted.followee_id].items():
                    if since < seen.timestamp:
                        yield wanted.follower_id, post

    def _followers(self, author: int, seen: OffsetSample) -> Iterator[tuple[int, Edge]]:
        for user, edge in self.edges[author].items():
            if edge.since < seen.timestamp and (user, author) not in self.ended:
                yield user, edge

    def has_ended(self, seen: OffsetSample) -> bool:
        fact = seen.message
        return (
            isinstance(fact, FollowCreated) and (fact.follower_id, fact.followee_id) in self.ended
        )

    def unasked(self, seen: OffsetSample) -> str | None:
        """The request that a fact which counts as handled has not led to."""
        fact = seen.message
        if not isinstance(fact, FollowCreated):
            return None
        edge = fact.follower_id, fact.followee_id
        return None if self.backfills.get(edge, -1) >= seen.timestamp else "no backfill"


def merged(parts: Iterable[Mapping[Place, int]]) -> dict[Place, int]:
    return {place: offset for part in parts for place, offset in part.items()}


class OffsetSampler(BackgroundThread):
    """Samples while its context is open; leaving it judges what is left."""

    join_seconds = FINISH_SECONDS * 2

    def __init__(
        self, pipeline: Pipeline, edges: Mapping[int, Iterable[int]] | None = None
    ) -> None:
        """`edges` were recorded before, by author: no message tells of them."""
        super().__init__()
        self._pipeline = pipeline
        self._known = KnownEffects()
        for author, followers in (edges or {}).items():
            self._known.edges[author] = {each: Edge(slot(each), 0) for each in followers}
        self._waiting: defaultdict[Place, deque[OffsetSample]] = defaultdict(deque)
        self._read: dict[Place, int] = {}
        self._committed: dict[Place, int] = {}
        self.samples = self.judged = self.regressions = 0
        self.objections: list[str] = []

    def has_judged_all(self) -> bool:
        """Whether no message was left out; none may be published any more."""
        ends = (self._pipeline.ends(names) for names in FIRST.values())
        return self.judged == sum(sum(each.values()) for each in ends)

    def figures(self) -> dict[str, int]:
        return {"samples": self.samples, "judged": self.judged}

    def work(self) -> None:
        uvloop.run(self._watch())

    async def _watch(self) -> None:
        settings = self._pipeline.settings
        everything = [place for names in FIRST.values() for place in places(names)]
        consumer = Consumer(
            {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "sampler",
             "enable.auto.commit": False}
        )  # fmt: skip
        consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in everything])
        store = await connect_store(settings, create_metrics())
        try:
            stores = cassandra_stores(store, settings)
            await self._sample_until_left(consumer, Effects(store, stores.graph, stores.relations))
        finally:
            consumer.close()
            await store.close()

    async def _sample_until_left(self, consumer: Any, effects: Effects) -> None:
        while not self.leaving.is_set():
            await self._sample(consumer, effects)
            await asyncio.to_thread(self.leaving.wait, SAMPLE_SECONDS)
        deadline = time.monotonic() + FINISH_SECONDS
        while not await self._sample(consumer, effects) or any(self._due()):
            assert time.monotonic() < deadline, "could not judge what was committed"

    async def _sample(self, consumer: Any, effects: Effects) -> bool:
        """Whether Kafka and the store answered; what they did not say is judged later."""
        try:
            self._take(merged(self._pipeline.offsets(role) for role in FIRST))
            self._read_on(consumer)
            await self._judge(consumer, effects)
        except (KafkaException, StoreUnavailable):
            return False
        self.samples += 1
        return True

    def _take(self, offsets: Mapping[Place, int]) -> None:
        for place, offset in offsets.items():
            self.regressions += offset < self._committed.get(place, 0)
            self._committed[place] = max(offset, self._committed.get(place, 0))

    def _read_on(self, consumer: Any) -> None:
        """Reads all topics to where they end now."""
        ends = merged(self._pipeline.ends(names) for names in FIRST.values())
        deadline = time.monotonic() + FINISH_SECONDS
        while any(self._read.get(place, 0) < end for place, end in ends.items()):
            assert time.monotonic() < deadline, "could not read the topics"
            for record in consumer.consume(READ_AT_ONCE, SAMPLE_SECONDS):
                if record.error() is None:
                    self._received(record)

    def _received(self, record: Any) -> None:
        place, offset = (record.topic(), record.partition()), record.offset()
        self._read[place] = offset + 1
        timestamp = record.timestamp()[1]
        message = decode(record.topic(), record.key(), record.value(), timestamp)
        seen = OffsetSample(place, offset, timestamp, message)
        self._known.appended(seen)
        self._waiting[place].append(seen)

    def _due(self) -> Iterator[OffsetSample]:
        """What is below the committed offsets and not judged."""
        for place, waiting in self._waiting.items():
            for seen in waiting:
                if seen.offset >= self._committed.get(place, 0):
                    break
                yield seen

    async def _judge(self, consumer: Any, effects: Effects) -> None:
        due = list(self._due())
        for start in range(0, len(due), JUDGED_AT_ONCE):
            some = due[start : start + JUDGED_AT_ONCE]
            await self._judge_some(consumer, effects, some)
            for seen in some:  # each is the first of its partition by now
                self._waiting[seen.place].popleft()
            self.judged += len(some)

    async def _judge_some(
        self, consumer: Any, effects: Effects, some: Sequence[OffsetSample]
    ) -> None:
        owed = [list(self._known.owed(seen)) for seen in some]
        missing = await effects.missing_entries({each for pairs in owed for each in pairs})
        lacking = await effects.lacking([seen.message for seen in some])
        now = time.time_ns() // 1_000_000
        if any(lacking):
            self._read_on(consumer)  # what ended an edge before it was looked for is there by now
        for seen, entries, lack in zip(some, owed, lacking, strict=True):
            excused = lack is not None and self._known.has_ended(seen)
            self._object(seen, self._known.unasked(seen) if lack is None or excused else lack)
            absent = [each for each in entries if each in missing]
            self._object(seen, f"no entries {absent[:3]}" if absent else None)
            if lack is None:
                self._known.found(seen, now)

    def _object(self, seen: OffsetSample, lack: str | None) -> None:
        if lack is not None and len(self.objections) < SOME:
            committed = self._committed[seen.place]
            self.objections.append(f"{committed} is committed of {seen}: {lack}")
