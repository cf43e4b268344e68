"""Redriving and searching dead letters never hold up the event loop: its connections live there."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from threading import Event

import pytest

from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.redrive import redrive
from streams.dead_letters.search import DeadLetterFilter, search_dead_letters
from streams.dead_letters.stored import StoredDeadLetter
from streams.outbox import Outgoing
from streams.records import OffsetRange
from tests.dead_letters.fakes import found, stored

PATIENCE = 2.0
RATE = 20.0


class Blocking:
    """Blocks as a broker's client does, until the event loop has turned; fails if it never does."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.calls: list[str] = []

    def block(self, call: str) -> None:
        turned = Event()
        self._loop.call_soon_threadsafe(turned.set)
        assert turned.wait(PATIENCE), f"{call} holds up the event loop"
        self.calls.append(call)


class BlockingSender(Blocking):
    """Waits for room with each message, and for the acknowledgements."""

    def send(self, message: Outgoing) -> None:
        self.block("send")

    def finish(self) -> None:
        self.block("finish")


class QuickSender(BlockingSender):
    """Never waits."""

    def block(self, call: str) -> None:
        self.calls.append(call)


class BlockingReader(Blocking):
    """Waits for the offsets, and for each message."""

    def __init__(self, dead_letters: Sequence[StoredDeadLetter]) -> None:
        super().__init__()
        self._dead_letters = dead_letters

    def spans(self, topics: Sequence[str]) -> list[OffsetRange]:
        self.block("spans")
        return [OffsetRange("posts-dlq", 0, 0, len(self._dead_letters))]

    def dead_letters(self, span: OffsetRange) -> Iterator[StoredDeadLetter]:
        for each in self._dead_letters[span.first : span.end]:
            self.block("read")
            yield each


@pytest.fixture
async def three() -> list[StoredDeadLetter]:
    return [await stored(offset) for offset in range(3)]


async def test_a_redrive_sends_and_flushes_beside_the_loop(three: list[StoredDeadLetter]) -> None:
    sender = BlockingSender()
    await redrive(found([three]), sender, MemoryResolutions(), lambda _: None)
    assert sender.calls == ["send", "send", "send", "finish"]


async def test_a_search_reads_beside_the_loop(three: list[StoredDeadLetter]) -> None:
    reader = BlockingReader(three)
    search = search_dead_letters(reader, DeadLetterFilter(), MemoryResolutions())
    assert [each.dead_letter async for some in search for each in some] == three
    assert reader.calls == ["spans", "read", "read", "read"]


async def test_a_redrive_at_a_rate_waits_beside_the_loop(three: list[StoredDeadLetter]) -> None:
    """While it waits for a turn, others have theirs."""
    sender, loop = QuickSender(), asyncio.get_running_loop()
    began = loop.time()
    work = redrive(found([three]), sender, MemoryResolutions(), lambda _: None, per_second=RATE)
    assert await turns_during(work) > 1_000 * 2 / RATE / 10
    assert loop.time() - began >= 2 / RATE
    assert sender.calls.count("send") == 3


async def turns_during(work: Awaitable[None]) -> int:
    """How many milliseconds the loop has seen go by meanwhile."""
    task, turns = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    await task
    return turns
