"""Brakes of several workers, and the store that they agree through."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest

from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from streams.delivery.brake.brakes import POLL_SECONDS, Brakes
from streams.delivery.brake.memory import MemoryBrakes
from streams.delivery.brake.rule import BrakeLimits
from streams.delivery.brake.store import BrakeState, Engagement
from tests.streams.fakes import POSTS, FakeClock, Middle, metrics, quiet, sample

LIMITS = BrakeLimits(window=100, first=10, percent=10, consecutive=3)
ROW = [True] * 3
NOW = 1_000


class AwayStore(MemoryBrakes):
    """A store that answers unless it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    async def engage(self, topic: str, engagement: Engagement) -> None:
        self._answer()
        await super().engage(topic, engagement)

    async def load(self, topics: Collection[str]) -> dict[str, BrakeState]:
        self._answer()
        return await super().load(topics)

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("away")


@pytest.fixture
def store() -> AwayStore:
    return AwayStore()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Worker:
    def __init__(self, brakes: Brakes, measured: Metrics) -> None:
        self.brakes = brakes
        self.brake = brakes.of(POSTS)
        self.metrics = measured


@asynccontextmanager
async def worker(store: MemoryBrakes, clock: FakeClock, now: int = NOW) -> AsyncIterator[Worker]:
    measured = metrics()
    brakes = Brakes(store, measured, lambda: now, limits=LIMITS, clock=clock, random=Middle())
    made = Worker(brakes, measured)
    task = asyncio.create_task(brakes.watch())
    await quiet()
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def release(store: MemoryBrakes, tolerated: int = 0) -> None:
    engaged = (await store.load([POSTS]))[POSTS].engaged
    assert engaged is not None
    await store.release(POSTS, engaged.number, tolerated)


async def test_what_one_worker_finds_stops_all(store: AwayStore, clock: FakeClock) -> None:
    """Within a poll; who starts later begins with it."""
    async with worker(store, clock) as alice, worker(store, clock) as bob:
        assert not alice.brake.is_on
        alice.brake.happened(ROW)
        assert alice.brake.is_on
        await quiet()
        assert not bob.brake.is_on
        await clock.advance(POLL_SECONDS)
        assert bob.brake.is_on
        assert bob.brake.problem() == (
            "topic posts is braked: 3 dead letters in a row; "
            "fix the cause, then `mingle dead-letters resume posts`"
        )
    async with worker(store, clock) as carol:
        assert carol.brake.is_on


async def test_a_release_reaches_all(store: AwayStore, clock: FakeClock) -> None:
    """And each counts anew from there."""
    async with worker(store, clock) as alice, worker(store, clock) as bob:
        bob.brake.happened(ROW[:2])
        alice.brake.happened(ROW)
        await clock.advance(POLL_SECONDS)
        await release(store)
        await clock.advance(POLL_SECONDS)
        assert not alice.brake.is_on
        assert not bob.brake.is_on
        assert bob.brake.admits(ROW) == 3
        bob.brake.happened(ROW[:2])
        assert not bob.brake.is_on


async def test_a_release_may_tolerate_what_is_known_to_come(
    store: AwayStore, clock: FakeClock
) -> None:
    """So many dead letters of each worker do not count; who starts afterwards tolerates none."""
    async with worker(store, clock) as alice:
        alice.brake.happened(ROW)
        await clock.advance(POLL_SECONDS)
        await release(store, tolerated=100)
        await clock.advance(POLL_SECONDS)
        assert alice.brake.admits([True] * 200) == 103
        alice.brake.happened([True] * 102)
        assert not alice.brake.is_on
        async with worker(store, clock) as bob:
            assert bob.brake.admits([True] * 200) == 3
        alice.brake.happened([True])
        assert alice.brake.is_on


async def test_it_engages_again_whatever_the_clocks(store: AwayStore, clock: FakeClock) -> None:
    """A worker whose clock is behind counts on from what was released."""
    async with worker(store, clock, now=NOW) as ahead, worker(store, clock, now=1) as behind:
        ahead.brake.happened(ROW)
        await clock.advance(POLL_SECONDS)
        await release(store)
        await clock.advance(POLL_SECONDS)
        behind.brake.happened(ROW)
        await clock.advance(POLL_SECONDS)
        assert behind.brake.is_on
        assert ahead.brake.is_on


async def test_until_the_store_answers_nothing_is_handled(
    store: AwayStore, clock: FakeClock
) -> None:
    """It may hold that the topic is braked."""
    store.away = True
    async with worker(store, clock) as alice:
        assert alice.brake.is_on
        assert alice.brake.problem() == (
            "whether topic posts is braked is not known: the store does not answer"
        )
        assert alice.brake.admits(ROW) == 0
        store.away = False
        await clock.advance(POLL_SECONDS)
        assert alice.brake.problem() is None


async def test_what_is_found_while_the_store_is_away_is_not_lost(
    store: AwayStore, clock: FakeClock
) -> None:
    """The worker itself stops at once; the others when the store has answered again."""
    async with worker(store, clock) as alice, worker(store, clock) as bob:
        store.away = True
        alice.brake.happened(ROW)
        await clock.advance(POLL_SECONDS)
        assert alice.brake.is_on
        assert not bob.brake.is_on
        store.away = False
        await clock.advance(POLL_SECONDS)
        await clock.advance(POLL_SECONDS)
        assert bob.brake.is_on


async def test_what_is_known_stays_while_the_store_is_away(
    store: AwayStore, clock: FakeClock
) -> None:
    """Whether that is on or off."""
    async with worker(store, clock) as alice:
        store.away = True
        await clock.advance(POLL_SECONDS)
        assert not alice.brake.is_on


async def test_the_metric_says_why(store: AwayStore, clock: FakeClock) -> None:
    """One of the reasons is 1 while the brake is on."""

    def shown(of: Worker) -> list[float]:
        return [
            sample(of.metrics, "timeline_topics_braked", topic=POSTS, reason=reason)
            for reason in ("row", "share")
        ]

    async with worker(store, clock) as alice:
        assert shown(alice) == [0, 0]
        alice.brake.handled(8)
        alice.brake.happened([True, True])
        assert shown(alice) == [0, 1]
        assert "2 dead letters among the last 10 messages" in str(alice.brake.problem())
        await quiet()
        await release(store)
        await clock.advance(POLL_SECONDS)
        assert shown(alice) == [0, 0]
