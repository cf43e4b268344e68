"""A topic whose messages die is braked, on a broker in this process."""

import asyncio
import time

import pytest

from streams.delivery.backlog import BatchBounds
from streams.delivery.brake.brakes import Brakes
from streams.delivery.brake.memory import MemoryBrakes
from streams.delivery.brake.rule import BrakeLimits
from streams.embedded.mock_broker import MockBroker
from streams.outbox import Outgoing
from tests.streams.conftest import PATIENCE, Log, Workers, eventually, numbers, until
from tests.streams.fakes import BAD, POSTS, Handler, metrics

TOGETHER = b"bob"
"""A key: all messages with it are in one partition."""
ONE_AT_A_TIME = BatchBounds(batches=1)
"""Batches in the order of the log, so that a row in the log is a row as it is handled."""


@pytest.fixture
def store() -> MemoryBrakes:
    return MemoryBrakes()


def brakes_on(store: MemoryBrakes, limits: BrakeLimits | None = None) -> Brakes:
    return Brakes(store, metrics(), lambda: time.time_ns() // 1_000_000, limits=limits)


async def release(store: MemoryBrakes) -> None:
    engaged = (await store.load([POSTS]))[POSTS].engaged
    assert engaged is not None
    await store.release(POSTS, engaged.number)


async def test_the_500th_in_a_row_is_the_last(
    workers: Workers, log: Log, store: MemoryBrakes
) -> None:
    """Buried in the middle of a batch; those after it wait, through a restart, for a release.

    A worker that is braked is alive and not ready, says why, and ends when it is told to.
    """
    handler = Handler()
    brakes = brakes_on(store)
    await log.publish(*numbers(7), *[BAD] * 700, b"last", key=TOGETHER)
    async with workers(handler, bounds=ONE_AT_A_TIME, brakes=brakes) as app:
        await eventually(log.committed, {0: 507})
        await until(lambda: brakes.of(POSTS).unsaved is None)
        assert app.intake.stuck() == []
        await until(lambda: len(app.intake.missing()) == 1)  # it knows that its topic exists
        (why,) = app.intake.missing()
        assert why.startswith("topic posts is braked: 500 dead letters in a row; ")
        assert app.intake.open_partitions() == set()
        async with asyncio.timeout(PATIENCE):
            await app.stop()
    async with workers(handler, brakes=brakes_on(store)) as app:
        await until(lambda: app.intake.missing() == [why])
        await log.outbox.send([Outgoing("posts-dlq", None, b"mark")])
        assert await log.read_until("posts-dlq", b"mark") == [BAD] * 500 + [b"mark"]
        await release(store)
        await eventually(log.committed, {0: 708})
        assert app.intake.missing() == []
    assert handler.handled == [*map(str, range(7)), "last"]
    assert len(await log.read("posts-dlq", 701)) == 701  # the mark among them


async def test_a_row_is_broken_by_one_good_message(
    workers: Workers, log: Log, store: MemoryBrakes
) -> None:
    """Its sender is not altogether mad."""
    brakes = brakes_on(store, BrakeLimits(window=10_000, first=1_000, consecutive=20))
    bad = [BAD] * 19
    await log.publish(*bad, b"0", *bad, b"1", *bad, key=TOGETHER)
    async with workers(Handler(), bounds=ONE_AT_A_TIME, brakes=brakes):
        await eventually(log.committed, {0: 59})
    assert not brakes.of(POSTS).is_on


async def test_too_large_a_share_stops_it(workers: Workers, log: Log, store: MemoryBrakes) -> None:
    """However they are spread; what is handled meanwhile is not handled again."""
    handler = Handler()
    brakes = brakes_on(store, BrakeLimits(window=100, first=50, percent=10, consecutive=50))
    messages = [value for n in range(20) for value in (*[str(n).encode()] * 4, BAD)]
    async with workers(handler, bounds=BatchBounds(messages=7, batches=1), brakes=brakes):
        await log.publish(*messages, key=TOGETHER)
        await until(lambda: brakes.of(POSTS).is_on)
        await eventually(log.committed, {0: 54})
        await log.outbox.send([Outgoing("posts-dlq", None, b"mark")])
        assert len(await log.read_until("posts-dlq", b"mark")) == 10 + 1
        await until(lambda: brakes.of(POSTS).unsaved is None)
        await release(store)
        await eventually(log.committed, {0: 100})
    assert sorted(handler.handled) == sorted(str(n) for n in range(20) for _ in range(4))


async def test_other_topics_go_on(
    workers: Workers, log: Log, broker: MockBroker, store: MemoryBrakes
) -> None:
    """In the same worker."""
    broker.create_topic("replies", 2)
    handler = Handler()
    brakes = brakes_on(store, BrakeLimits(consecutive=20))
    small = BatchBounds(messages=10, batches=1)
    async with workers(handler, bounds=small, brakes=brakes, topics=(POSTS, "replies")):
        await log.publish(*[BAD] * 50, b"held", key=TOGETHER)
        await until(lambda: brakes.of(POSTS).is_on)
        await log.outbox.send([Outgoing("replies", b"bob", b"goes on")])
        await until(lambda: "goes on" in handler.handled)
        assert not brakes.of("replies").is_on
    assert "held" not in handler.handled


@pytest.mark.usefixtures("unhurried_leader")
async def test_a_rebalance_gives_back_what_waits(
    workers: Workers, log: Log, store: MemoryBrakes
) -> None:
    """To whoever has the partitions then: after a release each message is handled."""
    handler = Handler()
    limits = BrakeLimits(consecutive=20)
    await log.publish(*[BAD] * 30, b"held", key=TOGETHER)
    async with workers(handler, brakes=brakes_on(store, limits)):
        await eventually(log.committed, {0: 20})
        async with workers(handler, "worker-2", brakes=brakes_on(store, limits)) as second:
            await until(lambda: len(second.intake.acks.partitions()) == 1)
            await release(store)
            await eventually(log.committed, {0: 31})
    assert set(handler.handled) == {"held"}
