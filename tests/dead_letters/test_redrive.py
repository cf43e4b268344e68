"""Letters are settled when they are where they were to go, and not before."""

from collections.abc import Sequence

import pytest

from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.redrive import drop, redrive
from streams.dead_letters.store import Resolution
from streams.dead_letters.stored import DeadLetterKey, StoredDeadLetter
from streams.kafka.publisher import NotPublished
from streams.outbox import Outgoing
from tests.dead_letters.fakes import found, letter


class FakeSender:
    """Acknowledges what was sent, unless the broker is away."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.acknowledged = 0
        self.away = False

    def send(self, message: Outgoing) -> None:
        self.sent.append(message)

    def finish(self) -> None:
        if self.away:
            raise NotPublished("away")
        self.acknowledged = len(self.sent)


class Watching(MemoryResolutions):
    """Notes how many were acknowledged whenever something is settled."""

    def __init__(self, sender: FakeSender) -> None:
        super().__init__()
        self._sender = sender
        self.seen: list[tuple[int, int]] = []

    async def settle(self, places: Sequence[DeadLetterKey], how: Resolution) -> None:
        self.seen.append((self._sender.acknowledged, len(places)))
        await super().settle(places, how)


async def letters(count: int) -> list[StoredDeadLetter]:
    return [await letter(offset) for offset in range(count)]


async def test_what_is_acknowledged_is_settled() -> None:
    """In this order, and told only then."""
    sender, told = FakeSender(), []
    settled = Watching(sender)
    some = await letters(3)
    await redrive(found([some[:2], some[2:]]), sender, settled, told.extend)
    assert settled.seen == [(2, 2), (3, 1)]
    assert told == some
    assert set((await settled.settled([each.place for each in some])).values()) == {"redriven"}


async def test_what_is_not_acknowledged_is_not_settled() -> None:
    """Run again, it is sent again."""
    sender, told = FakeSender(), []
    settled = MemoryResolutions()
    some = await letters(4)
    sender.away = True
    with pytest.raises(NotPublished):
        await redrive(found([some]), sender, settled, told.extend)
    assert told == []
    assert await settled.settled([each.place for each in some]) == {}


async def test_slow_sending_is_settled_every_second() -> None:
    """So that a crash does not repeat an hour's work."""
    sender = FakeSender()
    settled = Watching(sender)
    seconds = iter(range(100))
    await redrive(
        found([await letters(4)]), sender, settled, lambda _: None, now=lambda: next(seconds)
    )
    assert settled.seen == [(1, 1), (2, 1), (3, 1), (4, 1)]


async def test_dropped_letters_are_only_settled() -> None:
    """And what was dropped and redriven was redriven."""
    settled, told = MemoryResolutions(), []
    some = await letters(2)
    await drop(found([some]), settled, told.extend)
    assert told == some
    assert set((await settled.settled([each.place for each in some])).values()) == {"dropped"}
