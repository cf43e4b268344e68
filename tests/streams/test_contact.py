"""A store that is away when a process starts."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from services.errors import StoreUnavailable
from streams.background import run_in_background
from streams.process.store_contact import StoreContact
from streams.retry import RetryPolicy
from tests.streams.fakes import FakeClock, Middle, quiet

AWAY = "Cassandra at nowhere: NoHostAvailable"


class Away:
    """Cannot be connected to while there is an error."""

    def __init__(self) -> None:
        self.error: Exception | None = StoreUnavailable(f"{AWAY}: ('every attempt', {{}})")
        self.attempts = 0

    async def connect(self) -> None:
        self.attempts += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def store() -> Away:
    return Away()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def contact(store: Away, clock: FakeClock) -> StoreContact:
    return StoreContact(store.connect, RetryPolicy(first=4.0, longest=15.0), clock, Middle())


@pytest.fixture
async def making(contact: StoreContact) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(contact.make())
    await quiet()
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_is_tried_until_it_succeeds(
    store: Away, clock: FakeClock, contact: StoreContact, making: asyncio.Task[None]
) -> None:
    """Ever more seldom, and what is in the way is said, without the driver's list."""
    for seconds, attempts in [(2.9, 1), (0.2, 2), (5.8, 2), (0.3, 3), (12.0, 4), (12.0, 5)]:
        await clock.advance(seconds)
        assert store.attempts == attempts
    assert contact.missing() == [f"waiting for the store: {AWAY}"]
    assert contact.stuck() == []
    store.error = None
    await clock.advance(12.0)
    assert making.done()
    assert contact.missing() == []


async def test_it_is_missing_before_the_first_answer(contact: StoreContact) -> None:
    assert contact.missing() == ["waiting for the store: no answer yet"]


async def test_an_outage_is_one_line_of_the_log(
    store: Away, clock: FakeClock, contact: StoreContact
) -> None:
    """Another one when what is in the way changes, and one at the end."""
    with capture_logs() as logged:
        making = asyncio.create_task(contact.make())
        await quiet()
        for _ in range(5):
            await clock.advance(15.0)
        store.error = StoreUnavailable("there is no such keyspace: run `mingle migrate`")
        for _ in range(5):
            await clock.advance(15.0)
        store.error = None
        await clock.advance(15.0)
        await making
    said = [each["event"] for each in logged if each["log_level"] != "debug"]
    assert said == ["waiting for the store", "waiting for the store", "the store answers"]


async def test_what_never_passes_is_raised(store: Away, contact: StoreContact) -> None:
    store.error = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        await contact.make()


async def test_work_in_the_background_ends_with_the_process() -> None:
    """Cancelled, which is no failure."""
    stop, forever = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def work() -> None:
        try:
            await forever.wait()
        finally:
            ended.append("work")

    async with run_in_background(stop, [work()]) as running:
        await quiet()
        assert not ended
    assert ended == ["work"]
    assert not running.failed
    assert not stop.is_set()


async def test_a_failure_in_the_background_stops_the_process() -> None:
    """Rather than leave it without what nobody else does."""
    stop = asyncio.Event()

    async def work() -> None:
        raise ValueError("a bug")

    async with run_in_background(stop, [work()]) as running:
        await asyncio.wait_for(stop.wait(), 5)
    assert running.failed
