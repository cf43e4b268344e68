"""Dead letters are resolved once their messages are acknowledged, and not before."""

from collections.abc import Collection
from typing import Any

import pytest

from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.redrive import drop, leave_out_cut, redrive
from streams.dead_letters.store import Resolution
from streams.dead_letters.stored import DeadLetterKey, StoredDeadLetter
from streams.kafka.publisher import NotPublished
from streams.outbox import Outgoing
from tests.dead_letters.fakes import cut, found, stored


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
    """Notes how many were acknowledged whenever a resolution is recorded."""

    def __init__(self, sender: FakeSender) -> None:
        super().__init__()
        self._sender = sender
        self.seen: list[tuple[int, int]] = []

    async def record(self, keys: Collection[DeadLetterKey], resolution: Resolution) -> None:
        self.seen.append((self._sender.acknowledged, len(keys)))
        await super().record(keys, resolution)


async def dead_letters(count: int) -> list[StoredDeadLetter]:
    return [await stored(offset) for offset in range(count)]


async def test_what_is_acknowledged_is_settled() -> None:
    """In this order, and reported only then."""
    sender, reported = FakeSender(), list[Any]()
    resolutions = Watching(sender)
    some = await dead_letters(3)
    await redrive(found([some[:2], some[2:]]), sender, resolutions, reported.extend)
    assert resolutions.seen == [(2, 2), (3, 1)]
    assert reported == some
    assert set((await resolutions.load([each.resolution_key for each in some])).values()) == {
        "redriven"
    }


async def test_what_is_not_acknowledged_is_not_settled() -> None:
    """Run again, it is sent again."""
    sender, reported = FakeSender(), list[Any]()
    resolutions = MemoryResolutions()
    some = await dead_letters(4)
    sender.away = True
    with pytest.raises(NotPublished):
        await redrive(found([some]), sender, resolutions, reported.extend)
    assert reported == []
    assert await resolutions.load([each.resolution_key for each in some]) == {}


async def test_slow_sending_is_settled_every_second() -> None:
    """So that a crash does not repeat an hour's work."""
    sender = FakeSender()
    resolutions = Watching(sender)
    seconds = iter(range(100))
    await redrive(
        found([await dead_letters(4)]),
        sender,
        resolutions,
        lambda _: None,
        now=lambda: next(seconds),
    )
    assert resolutions.seen == [(1, 1), (2, 1), (3, 1), (4, 1)]


async def test_dropped_letters_are_only_settled() -> None:
    """And what was dropped and redriven was redriven."""
    resolutions, reported = MemoryResolutions(), list[Any]()
    some = await dead_letters(2)
    await drop(found([some]), resolutions, reported.extend)
    assert reported == some
    assert set((await resolutions.load([each.resolution_key for each in some])).values()) == {
        "dropped"
    }


async def test_what_was_cut_does_not_go_back() -> None:
    """It would be another message; the whole ones beside it go."""
    whole, part = await stored(0), await cut(1)
    sender, refused = FakeSender(), list[StoredDeadLetter]()
    some = leave_out_cut(found([[part], [part, whole]]), refused.append)
    await redrive(some, sender, MemoryResolutions(), lambda _: None)
    assert [each.value for each in sender.sent] == [whole.value]
    assert refused == [part, part]
