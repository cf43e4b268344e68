"""The real handlers and readers on memory stores, and ways to deliver a history to them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Self, TypeAlias

from prometheus_client import CollectorRegistry

from schemas.codec import KINDS
from schemas.ids import DAY_MS, PostId, UserId
from services.erasures.store import ErasureProgress, Hold
from services.errors import Transient
from services.handlers.delivery import ActiveFollowers, everyone_active
from services.handlers.erasure import Eraser
from services.handlers.handler import Accepted
from services.handlers.inboxes import PUSHED_PARTICIPANTS
from services.handlers.outbox import MemoryRequestOutbox
from services.handlers.pages import FanOutPolicy
from services.metrics.metrics import Metrics
from services.readers.home import Home
from services.readers.inbox import InboxReader
from services.readers.mentions import MentionsReader
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.readers.thread import Threads
from services.readers.thread_shape import ThreadShape, ThreadSort
from services.readers.unanswered import Unanswered
from services.retention import Retention
from services.stores import Stores
from streams.bootstrap import memory_stores
from streams.routes import ROUTES, create_handlers
from tests.histories import NOW, POSTS, RETENTION_DAYS, VIEWERS, Fact, log
from tests.model import Model
from tests.shown import placed, shown

REGISTRY = CollectorRegistry()
METRICS = Metrics(REGISTRY)
READERS_OF_FACTS = ("ingest", "search")
"""Roles that read what is said, each in its own time."""

Shown: TypeAlias = dict[Any, list[dict[str, Any]] | None]
"""Homes by user, threads by viewer and post."""


class World:
    """One Mingle in memory, on these stores or new ones.

    `between` may wrap its ports as the handlers see them; each batch is handled by a worker with
    any of the policies and of the `pushed_participants` of conversations, and leaves out users who
    are not among the `active_followers` now.
    """

    def __init__(  # noqa: PLR0917 - what worlds differ in
        self,
        days: float = RETENTION_DAYS,
        between: Callable[[Any], Any] = lambda port: port,
        policies: Sequence[FanOutPolicy] = (FanOutPolicy(), FanOutPolicy(entries_at_once=3)),
        stores: Stores | None = None,
        active_followers: Sequence[ActiveFollowers] = (everyone_active,),
        pushed_participants: Sequence[int] = (PUSHED_PARTICIPANTS,),
    ) -> None:
        self.now = NOW
        self.outbox = MemoryRequestOutbox()
        self.retention = Retention(days)
        stores = stores or memory_stores()
        self.reader = Reader(stores, self.clock)
        self.home = Home(self.reader, self.retention, pulled_age_ms=0)
        self.threads = Threads(self.reader)
        self.mentions = MentionsReader(self.reader, self.retention)
        self.unanswered = Unanswered(self.mentions)
        self.inbox = InboxReader(self.reader, self.retention)
        ports = Stores(*map(between, stores))
        requests = between(self.outbox)
        self._chance = Random(0)
        self._erasures = ports.erasures
        self._asked = stores.erasures
        self._eraser = Eraser(ports, rows_at_once=2)
        self._workers = [
            create_handlers(
                ports,
                requests,
                METRICS,
                self.retention,
                self.clock,
                policy=policy,
                active_followers=active,
                pushed_participants=most,
            )
            for policy in policies
            for active in active_followers
            for most in pushed_participants
        ]

    def clock(self) -> int:
        return self.now

    async def handle(self, batch: Sequence[Any], role: str | None = None) -> None:
        """A batch of messages, each to the handlers of its topic; or only to that of a role."""
        topics: dict[str, list[Accepted[Any]]] = {}
        for message in batch:
            topic = KINDS[str(type(message).__struct_config__.tag)].topic
            topics.setdefault(topic, []).append(Accepted(message, NOW))
        for topic, messages in topics.items():
            for agent in _agents(topic, role):
                left = messages
                while left:
                    done = await self._chance.choice(self._workers)[agent](left)
                    left = [] if done is None else left[done:]

    async def erase(self, chance: Random, share: float = 1) -> None:
        """Works on what is to be erased, some of it in pages between other messages."""
        for each in await self._erasures.pending(100):
            progress: ErasureProgress | None = each.progress
            while progress is not None and chance.random() < share:
                _, progress = await self._eraser.advance(each.erasure.user_id, progress)
            hold = Hold("", each.hold.until + 1)
            if progress is None:
                await self._erasures.finish(each.erasure)
            else:
                await self._erasures.save(each.erasure, progress, hold)

    async def deliver(self, facts: Sequence[Fact], chance: Random) -> Self:
        """The facts in any order, some of them twice, in any batches, requests in between.

        To each role in an order of its own.
        """
        for role, batch in turns(facts, chance):
            await self.handle(batch, role)
            while self.outbox.sent and chance.random() < 0.5:
                await self.handle(some(self.outbox.sent, chance))
            await self.erase(chance, share=0.5)
        while self.outbox.sent:
            await self.handle(some(self.outbox.sent, chance))
        await self.erase(chance)
        return self

    async def deliver_by(self, workers: int, facts: Sequence[Fact], chance: Random) -> Self:
        """The facts by several workers at once; what fails is tried again by whoever is free."""
        waiting: list[tuple[str | None, list[Any]]] = turns(facts, chance)
        busy = 0

        async def work() -> None:
            nonlocal busy
            while waiting or self.outbox.sent or busy:
                if self.outbox.sent and chance.random() < 0.5:
                    waiting.append((None, some(self.outbox.sent, chance)))
                if not waiting:
                    await asyncio.sleep(0)
                    continue
                role, batch = waiting.pop(chance.randrange(len(waiting)))
                busy += 1
                try:
                    await self.handle(batch, role)
                except Transient:
                    waiting.append((role, batch))
                finally:
                    busy -= 1

        async def erase() -> None:
            while waiting or self.outbox.sent or busy or await self._asked.pending(1):
                with suppress(Transient):
                    await self.erase(chance, share=0.9)
                await asyncio.sleep(0)

        await asyncio.gather(*(work() for _ in range(workers)), erase())
        return self

    async def shows(self, sort: ThreadSort = "conversation") -> Shown:
        """Every home and every thread, its replies in this order."""
        found: Shown = {}
        for viewer in VIEWERS:
            reader = None if viewer is None else UserId(viewer)
            if reader is not None:
                page = await self.home.page(reader, PageRequest(limit=100))
                found[viewer] = [shown(item) for item in page.items]
            for post in POSTS:
                thread = await self.threads.read(PostId(post), reader, ThreadShape(sort=sort))
                found[viewer, post] = None if thread is None else [placed(each) for each in thread]
        return found


def says(
    facts: Sequence[Fact],
    sort: ThreadSort = "conversation",
    *,
    days: int = RETENTION_DAYS,
    now: int = NOW,
) -> Shown:
    """Every home and every thread as the model has them."""
    model = Model(log(facts), now, days * DAY_MS)
    homes: Shown = {viewer: model.home(viewer) for viewer in VIEWERS if viewer is not None}
    return homes | {
        (viewer, post): model.thread(viewer, post, sort) for viewer in VIEWERS for post in POSTS
    }


def assert_same(found: Shown, expected: Shown) -> None:
    """Fails with the first listing that differs."""
    for listing, rows in expected.items():
        assert found[listing] == rows, listing


def turns(facts: Sequence[Fact], chance: Random) -> list[tuple[str | None, list[Any]]]:
    """Batches of the facts for each role, mixed."""
    mixed: list[tuple[str | None, list[Any]]] = [
        (role, batch) for role in READERS_OF_FACTS for batch in batches(facts, chance)
    ]
    return chance.sample(mixed, len(mixed))


def _agents(topic: str, role: str | None) -> list[str]:
    return [each.agent for each in ROUTES if each.topic == topic and role in (None, each.role)]


def batches(facts: Sequence[Fact], chance: Random) -> list[list[Fact]]:
    """The facts in any order, some of them twice, cut anywhere."""
    again = [fact for fact in facts if chance.random() < 0.2]
    cut: list[list[Fact]] = []
    for fact in chance.sample([*facts, *again], len(facts) + len(again)):
        if cut and chance.random() < 0.5:
            cut[-1].append(fact)
        else:
            cut.append([fact])
    return cut


def some(waiting: list[Any], chance: Random) -> list[Any]:
    """Takes up to three of what waits, from anywhere."""
    count = chance.randint(1, min(3, len(waiting)))
    return [waiting.pop(chance.randrange(len(waiting))) for _ in range(count)]
