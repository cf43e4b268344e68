"""What a brake does to the batches that are in flight."""

import asyncio
from collections.abc import Sequence

from services.errors import BrokerUnavailable, MessageTooLarge
from streams.delivery.attempt import BatchAttempt
from streams.delivery.backlog import Batch, Slice
from streams.delivery.brake.brakes import Brake
from streams.delivery.brake.rule import BrakeLimits
from streams.delivery.brake.store import BrakeState, Engagement
from streams.delivery.dead_letters import DeadLetter
from tests.streams.fakes import (
    BAD,
    P0,
    POSTS,
    DeadLetterInspector,
    FakeRecord,
    Handler,
    decode,
    metrics,
)

LIMITS = BrakeLimits(consecutive=4)


class SlowInspector(DeadLetterInspector):
    """Lets others come in between while it writes."""

    async def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        await asyncio.sleep(0)
        await super().write(dead_letters)


class Scene:
    def __init__(self) -> None:
        self.inspector = SlowInspector()
        self.brake = Brake(POSTS, metrics(), limits=LIMITS)
        self.handler = Handler()
        self.tries = BatchAttempt(
            POSTS,
            decode=decode,
            handle=self.handler,
            dead_letters=self.inspector,
            brake=self.brake,
            metrics=metrics(),
        )

    async def handle(self, first: int, *values: bytes) -> list[int]:
        """The offsets of what is to be tried later."""
        records = [FakeRecord(first + n, value) for n, value in enumerate(values)]
        left = await self.tries(Batch([Slice(P0, 1, records)], retry=False))
        return [record.offset for part in left.later for record in part.records]

    def written(self) -> list[int]:
        return [each.record.offset for each in self.inspector.dead_letters]


async def test_batches_in_flight_stop_at_the_same_message() -> None:
    """However many of them meet bad messages at one time."""
    on = Scene()
    later = await asyncio.gather(on.handle(0, BAD, BAD, BAD), on.handle(10, BAD, BAD, BAD))
    assert on.written() == [0, 1, 2, 10]
    assert list(later) == [[], [11, 12]]
    assert on.brake.is_on


async def test_while_it_is_on_nothing_becomes_a_dead_letter() -> None:
    """A batch that was taken before another worker braked; its good messages are handled."""
    on = Scene()
    on.brake.learn(BrakeState(Engagement(1, "row", 500, 500)))
    assert await on.handle(0, BAD, b"good", BAD) == [0, 2]
    assert on.written() == []
    assert on.handler.handled == ["good"]


async def test_a_dead_letter_that_is_not_written_counts_for_nothing() -> None:
    """While the brokers are away, a message that is tried again and again is one message."""
    on = Scene()
    on.inspector.closed = BrokerUnavailable("away")
    for _ in range(10):
        assert await on.handle(0, BAD) == [0]
    assert not on.brake.is_on
    on.inspector.closed = None
    assert await on.handle(0, BAD) == []
    assert on.written() == [0]


async def test_a_topic_that_takes_no_dead_letter_ends_nothing() -> None:
    """The message is tried later, and the others are handled."""
    on = Scene()
    on.inspector.closed = MessageTooLarge("posts-dlq")
    assert await on.handle(0, BAD, b"good") == [0]
    assert on.handler.handled == ["good"]
    on.inspector.closed = None
    assert await on.handle(0, BAD) == []


async def test_good_messages_count_between_bad_ones() -> None:
    """In the order of their offsets, whatever was found out first."""
    on = Scene()
    on.handler.refuse = refuse_bug
    for first in range(0, 40, 10):
        assert await on.handle(first, BAD, b"bug", BAD, b"good") == []
    assert not on.brake.is_on
    assert await on.handle(50, BAD, b"bug", BAD, BAD, b"good", BAD) == [55]


def refuse_bug(batch: list[str]) -> None:
    if "bug" in batch:
        raise KeyError
