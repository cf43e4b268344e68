"""Workers work off the list of erasures: bounded, resumable, and late ones are told."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.events import FollowCreated, PostCreated
from schemas.ids import UserId, post_id
from schemas.relations import AccountErased
from services.erasures.memory import MemoryErasures
from services.erasures.store import Erasure, ErasureProgress, Hold
from services.errors import StoreUnavailable
from services.handlers.erased import ErasedAccounts
from services.handlers.erasure import Advance, Eraser
from services.handlers.handler import Accepted
from services.metrics.metrics import Metrics
from services.relations.memory import MemoryRelations
from services.relations.mutation import relation_mutation
from streams.bootstrap import memory_stores
from streams.erasing import HOLD_MS, ErasureWork
from streams.kafka.retention import kept_until
from streams.kafka.topics import ActualTopic

NOW = 1_760_000_000_000
ALICE, BOB = UserId(1), UserId(2)
FIRST = Erasure(ALICE, NOW)
PAGES = 5
ROWS = 100


class Pages(Eraser):
    """An erasure of five pages, which notes them; some fail."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__(memory_stores())
        self.done: list[int] = []
        self._fails_at = fails_at

    async def advance(self, user: UserId, progress: ErasureProgress) -> Advance:
        page = progress.place[0] if progress.place else 0
        assert isinstance(page, int)
        if page == self._fails_at:
            raise StoreUnavailable("for the test")
        self.done.append(page)
        further = None if page + 1 == PAGES else ErasureProgress(0, (page + 1,))
        return Advance(ROWS, further)


class Waits:
    """A clock that notes how long it was asked to wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def now(self) -> float:
        return sum(self.seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        self.seconds.append(seconds)


def work(
    erasures: MemoryErasures, eraser: Eraser, holder: str = "a", now: int = NOW, **named: Any
) -> ErasureWork:
    metrics = named.pop("metrics", None) or Metrics(CollectorRegistry())
    named.setdefault("clock", Waits())
    return ErasureWork(erasures, eraser, metrics, lambda: now, holder=holder, rate=50, **named)


async def test_an_erasure_goes_on_where_a_worker_died() -> None:
    """Once the dead one's hold is over; nobody does again what was done."""
    erasures, first, second = MemoryErasures(), Pages(fails_at=3), Pages()
    await erasures.ask([FIRST])
    with pytest.raises(StoreUnavailable):
        await work(erasures, first).look()
    await work(erasures, second, "b").look()
    assert second.done == []
    await work(erasures, second, "b", now=NOW + HOLD_MS + PAGES).look()
    assert (first.done, second.done) == ([0, 1, 2], [3, 4])
    assert (await erasures.state(ALICE)).is_done


async def test_the_one_who_holds_it_goes_on_at_once() -> None:
    """As after an outage of the store."""
    erasures = MemoryErasures()
    await erasures.ask([FIRST])
    with pytest.raises(StoreUnavailable):
        await work(erasures, Pages(fails_at=3)).look()
    rest = Pages()
    await work(erasures, rest).look()
    assert rest.done == [3, 4]


async def test_load_is_bounded() -> None:
    """A hundred rows at fifty a second are two seconds before the next page."""
    erasures, clock = MemoryErasures(), Waits()
    await erasures.ask([FIRST])
    await work(erasures, Pages(), clock=clock).look()
    assert clock.seconds == [2.0] * (PAGES - 1)


async def test_what_is_done_is_not_done_again() -> None:
    """Its message comes again by a replay; one that is sent anew is worked off."""
    erasures, eraser = MemoryErasures(), Pages()
    await erasures.ask([FIRST])
    await work(erasures, eraser).look()
    await erasures.ask([FIRST])
    await work(erasures, eraser).look()
    assert eraser.done == list(range(PAGES))
    assert await erasures.pending(10) == []
    await erasures.ask([Erasure(ALICE, NOW + 1)])
    await work(erasures, eraser).look()
    assert eraser.done == 2 * list(range(PAGES))


async def test_the_oldest_that_waits_is_told() -> None:
    """In seconds since it was asked for, while another worker holds it, and 0 after it."""
    erasures, metrics = MemoryErasures(), Metrics(CollectorRegistry())
    await erasures.ask([FIRST, Erasure(BOB, NOW + 500_000)])
    for each in (FIRST, Erasure(BOB, NOW + 500_000)):
        await erasures.save(each, ErasureProgress(), Hold("b", NOW + 10_000_000))

    def told(name: str) -> float | None:
        return metrics.registry.get_sample_value(f"timeline_{name}")

    await work(erasures, Pages(), now=NOW + 700_000, metrics=metrics).look()
    assert (told("erasures_pending"), told("erasure_oldest_seconds")) == (2, 700)
    await work(erasures, Pages(), "b", now=NOW + 700_000, metrics=metrics).look()
    assert (told("erasures_pending"), told("erasure_oldest_seconds")) == (0, 0)
    assert told("erased_rows_total") == 2 * PAGES * ROWS


class Recorded:
    """A handler that notes what it is to handle and to erase."""

    def __init__(self) -> None:
        self.handled: list[object] = []
        self.erased: list[object] = []

    async def __call__(self, batch: Sequence[Accepted[Any]]) -> None:
        self.handled += [each.message for each in batch]

    async def erase(self, batch: Sequence[Accepted[Any]]) -> None:
        self.erased += [each.message for each in batch]


async def test_a_replay_writes_nothing_of_an_erased_account() -> None:
    """Not even for a moment: posts of hers, edges from her and to her; others' as ever."""
    relations, handler = MemoryRelations(), Recorded()
    await relations.record([relation_mutation(AccountErased(version=0, owner_id=ALICE))])
    hers = [
        PostCreated(version=0, post_id=post_id(NOW, 1), author_id=ALICE),
        FollowCreated(version=0, follower_id=ALICE, followee_id=BOB),
        FollowCreated(version=0, follower_id=BOB, followee_id=ALICE),
    ]
    others = PostCreated(version=0, post_id=post_id(NOW, 2), author_id=BOB)
    handle = ErasedAccounts(relations).wrap(handler)
    for _ in range(2):
        await handle([Accepted(each, NOW) for each in (*hers, others)])
    assert handler.handled == [others] * 2
    assert handler.erased == hers * 2


def test_the_log_says_until_when() -> None:
    """The retention and a segment on; a compacted topic, and one kept for ever, have no end."""
    day = 86_400_000

    def topic(policy: str, retention: int) -> ActualTopic:
        config = {"cleanup.policy": policy, "retention.ms": str(retention)}
        return ActualTopic(1, config | {"segment.ms": str(7 * day)})

    topics = {"a": topic("delete", 30 * day), "b": topic("delete", -1), "c": topic("compact", day)}
    a, b, c = kept_until(topics, NOW)
    assert (a.topic, a.until) == ("a", NOW + 37 * day)
    assert (b.until, c.until) == (None, None)
    assert "retention.ms is -1" in b.why
    assert "compacted" in c.why
