"""Records, time and neighbours for tests of the delivery loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from schemas.errors import SchemaViolation
from services.clock import now_ms
from services.handlers.handler import Accepted
from services.metrics.metrics import Metrics
from streams.delivery.acks import AckTracker
from streams.delivery.brake.brakes import Brakes
from streams.delivery.brake.memory import MemoryBrakes
from streams.delivery.dead_letters import DeadLetter
from streams.records import Partition, RecordRun

POSTS = "posts"
P0, P1 = Partition(POSTS, 0), Partition(POSTS, 1)
ACCEPTED_AT = 1_700_000_000_000
BAD = b"bad"
"""What `decode` refuses."""


@dataclass(frozen=True)
class FakeRecord:
    offset: int
    value: bytes | None = b"value"
    key: bytes | None = b"key"
    timestamp: int = ACCEPTED_AT
    headers: tuple[tuple[str, bytes], ...] = ()


def records(*offsets: int) -> list[FakeRecord]:
    """Each with its offset as value."""
    return [FakeRecord(offset, str(offset).encode()) for offset in offsets]


def decode(key: bytes | None, value: bytes | None, timestamp_ms: int) -> str:
    if value is None:
        raise SchemaViolation("value", "null_value")
    if value == BAD:
        raise SchemaViolation("text", "too_long")
    return value.decode()


def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def memory_brakes() -> Brakes:
    """Brakes that nobody else knows of."""
    return Brakes(MemoryBrakes(), metrics(), now_ms)


def sample(measured: Metrics, name: str, **labels: str) -> float:
    return measured.registry.get_sample_value(name, labels) or 0.0


class FakeClock:
    """Stands still until a test advances it."""

    def __init__(self) -> None:
        self._now = 0.0
        self._waiting: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self._now

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        waiting = (self._now + seconds, event)
        self._waiting.append(waiting)
        try:
            await event.wait()
        finally:
            self._waiting.remove(waiting)

    async def advance(self, seconds: float) -> None:
        """Time passes, and what was to happen by then happens."""
        self._now += seconds
        for due, event in self._waiting:
            if due <= self._now:
                event.set()
        await quiet()


class Middle:
    """Chooses the middle of every range."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class Stream:
    """What an agent iterates over; records put in are received by the tracker first."""

    def __init__(self, acks: AckTracker, *partitions: Partition) -> None:
        self._acks = acks
        self._queue: asyncio.Queue[RecordRun] = asyncio.Queue()
        self.generation = acks.assign(partitions)

    def put(self, partition: Partition, arrived: Sequence[FakeRecord]) -> None:
        run = self._acks.received(partition, self.generation, arrived)
        assert run is not None
        self._queue.put_nowait(run)

    async def __aiter__(self) -> AsyncIterator[RecordRun]:
        while True:
            yield await self._queue.get()


class Handler:
    """Handles and remembers messages, but for those it must refuse."""

    def __init__(self) -> None:
        self.handled: list[str] = []
        self.calls: list[list[str]] = []
        self.refuse: Callable[[list[str]], None] = lambda batch: None
        self.at_a_time: int | None = None

    async def __call__(self, batch: Sequence[Accepted[str]]) -> int | None:
        messages = [accepted.message for accepted in batch]
        self.calls.append(messages)
        self.refuse(messages)
        self.handled.extend(messages[: self.at_a_time])
        return self.at_a_time


class DeadLetterInspector:
    """Keeps dead letters in memory; fails while `closed` is an error."""

    def __init__(self) -> None:
        self.dead_letters: list[DeadLetter] = []
        self.closed: Exception | None = None

    async def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        if self.closed is not None:
            raise self.closed
        self.dead_letters.extend(dead_letters)


def refuse(*messages: str, error: Exception) -> Callable[[list[str]], None]:
    """Fail every batch that holds one of these."""

    def check(batch: list[str]) -> None:
        if set(batch) & set(messages):
            raise error

    return check


async def quiet() -> None:
    """Every task has gone as far as it can without time or input."""
    for _ in range(50):  # more steps than any chain of awaits here
        await asyncio.sleep(0)
