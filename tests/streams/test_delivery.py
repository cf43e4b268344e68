"""decode → handle → ack | retry | dead-letter, without Faust or Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from schemas.errors import SchemaViolation
from services.errors import BrokerUnavailable, Permanent, StoreUnavailable
from services.handlers.handler import Accepted
from services.metrics.metrics import Metrics
from streams.delivery.acks import AckTracker
from streams.delivery.backlog import BatchBounds
from streams.delivery.loop import STUCK_SECONDS, DeliveryLoop
from streams.retry import RetryPolicy
from tests.streams.fakes import (
    BAD,
    P0,
    P1,
    POSTS,
    DeadLetterInspector,
    FakeClock,
    FakeRecord,
    Handler,
    Middle,
    Stream,
    decode,
    metrics,
    quiet,
    records,
    refuse,
    sample,
)

AWAY = StoreUnavailable("away")
HANDLED = "timeline_events_handled_total"


class Scene(NamedTuple):
    """A delivery loop that runs, and everything around it."""

    delivery: DeliveryLoop[str]
    stream: Stream
    acks: AckTracker
    handler: Handler
    inspector: DeadLetterInspector
    clock: FakeClock
    metrics: Metrics
    task: asyncio.Task[None]

    async def receive(self, *offsets: int, partition: tuple[str, int] = P0) -> None:
        self.stream.put(P0 if partition == P0 else P1, records(*offsets))
        await quiet()


@asynccontextmanager
async def scene(
    bounds: BatchBounds | None = None, skips: tuple[type[Exception], ...] = ()
) -> AsyncIterator[Scene]:
    acks, handler, inspector, clock, measured = (
        AckTracker(),
        Handler(),
        DeadLetterInspector(),
        FakeClock(),
        metrics(),
    )
    delivery = DeliveryLoop(
        agent=POSTS,
        topic=POSTS,
        decode=decode,
        handle=handler,
        dead_letters=inspector,
        acks=acks,
        metrics=measured,
        policy=RetryPolicy(first=1.0, longest=8.0),
        bounds=bounds,
        skips=skips,
        clock=clock,
        random=Middle(),
    )
    stream = Stream(acks, P0, P1)
    task = asyncio.create_task(delivery(stream))
    try:
        yield Scene(delivery, stream, acks, handler, inspector, clock, measured, task)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_what_is_handled_is_acknowledged() -> None:
    """All partitions of the topic in one batch, with the time Kafka accepted each message."""
    async with scene() as on:
        on.stream.put(P1, records(7))
        await on.receive(0, 1)
        assert sorted(on.handler.handled) == ["0", "1", "7"]
        assert on.acks.committable() == {P0: 2, P1: 8}
        assert (
            sample(on.metrics, "timeline_events_handled_total", agent=POSTS, outcome="handled") == 3
        )


async def test_nothing_is_acknowledged_before_the_handler_returns() -> None:
    """Until then it is received again by whoever comes after."""
    async with scene() as on:
        on.handler.refuse = refuse("0", error=AWAY)
        await on.receive(0)
        assert on.handler.calls
        assert on.acks.committable() == {P0: 0}


async def test_a_transient_failure_is_tried_again_until_it_succeeds() -> None:
    """However long it lasts; nothing becomes a dead letter."""
    async with scene() as on:
        on.handler.refuse = refuse("1", error=AWAY)
        await on.receive(0, 1, 2)
        for _ in range(50):
            await on.clock.advance(8.0)
        assert len(on.handler.calls) == 51
        on.handler.refuse = refuse(error=AWAY)
        await on.clock.advance(8.0)
        assert on.handler.handled == ["0", "1", "2"]
        assert on.acks.committable() == {P0: 3}
        assert on.inspector.dead_letters == []


async def test_other_partitions_go_on() -> None:
    """A failure is retried with its own partition only, where messages wait behind it."""
    async with scene() as on:
        on.handler.refuse = refuse("0", error=AWAY)
        await on.receive(0)
        await on.receive(1)
        await on.receive(7, 8, partition=P1)
        assert on.handler.handled == ["7", "8"]
        assert on.acks.committable() == {P0: 0, P1: 9}
        assert sample(on.metrics, "timeline_partitions_in_retry", agent=POSTS) == 1


async def test_a_failed_batch_is_split_by_partition() -> None:
    """What failed together is not tried again together."""
    async with scene() as on:
        on.handler.refuse = refuse("0", error=AWAY)
        on.stream.put(P1, records(7))
        await on.receive(0)
        await on.clock.advance(1.0)
        assert on.handler.handled == ["7"]


async def test_an_undecodable_message_is_a_dead_letter_and_the_stream_goes_on() -> None:
    """It says why; its neighbours are handled."""
    async with scene() as on:
        on.stream.put(P0, [*records(0), FakeRecord(1, BAD), FakeRecord(2, None), *records(3)])
        await quiet()
        assert on.handler.calls == [["0", "3"]]
        assert [
            (each.record.offset, each.field, each.reason) for each in on.inspector.dead_letters
        ] == [
            (1, "text", "too_long"),
            (2, "value", "null_value"),
        ]
        assert on.acks.committable() == {P0: 4}
        assert (
            sample(on.metrics, "timeline_dead_letters_total", topic=POSTS, reason="too_long") == 1
        )


@pytest.mark.parametrize(
    ("error", "reason"), [(Permanent("never"), "refused"), (ZeroDivisionError(), "bug")]
)
async def test_only_the_message_that_fails_by_itself_is_a_dead_letter(
    error: Exception, reason: str
) -> None:
    """It is found by halving, whether the handler refuses it or has a bug."""
    async with scene() as on:
        on.handler.refuse = refuse("5", "11", error=error)
        await on.receive(*range(16))
        assert [each.record.offset for each in on.inspector.dead_letters] == [5, 11]
        assert {each.reason for each in on.inspector.dead_letters} == {reason}
        assert len(on.handler.handled) == 14
        assert on.acks.committable() == {P0: 16}


async def test_a_store_that_fails_while_a_culprit_is_sought_condemns_nobody() -> None:
    """What could not be judged is tried again."""
    async with scene() as on:
        outage = [True]

        def check(batch: list[str]) -> None:
            if "3" in batch:
                raise ZeroDivisionError
            if outage:
                raise AWAY

        on.handler.refuse = check
        await on.receive(0, 1, 2, 3)
        assert [each.record.offset for each in on.inspector.dead_letters] == [3]
        assert on.acks.committable() == {P0: 0}
        outage.clear()
        await on.clock.advance(1.0)
        assert on.acks.committable() == {P0: 4}


async def test_a_dead_letter_is_kept_before_its_message_is_acknowledged() -> None:
    """While the broker is away nothing is dropped."""
    async with scene() as on:
        on.inspector.closed = BrokerUnavailable("away")
        on.stream.put(P0, [FakeRecord(0, BAD), *records(1)])
        await quiet()
        assert on.handler.handled == ["1"]
        assert on.acks.committable() == {P0: 0}
        on.inspector.closed = None
        await on.clock.advance(1.0)
        assert len(on.inspector.dead_letters) == 1
        assert on.handler.handled == ["1"]
        assert on.acks.committable() == {P0: 2}


async def test_a_cancelled_neighbour_is_no_verdict() -> None:
    """A handler that waited for something that was cancelled is tried again."""
    async with scene() as on:
        on.handler.refuse = refuse("0", error=asyncio.CancelledError())
        await on.receive(0)
        assert on.inspector.dead_letters == []
        on.handler.refuse = refuse(error=AWAY)
        await on.clock.advance(1.0)
        assert on.acks.committable() == {P0: 1}


class Held(Handler):
    """Does not return until it is let go, nor always when it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.entered = 0

    async def __call__(self, batch: Sequence[Accepted[str]]) -> None:
        self.entered += 1
        await self.gate.wait()
        await super().__call__(batch)


def hold(on: Scene) -> Held:
    held = Held()
    on.delivery._attempt._handle = held
    return held


async def test_several_batches_are_in_flight() -> None:
    """So many and no more; what comes meanwhile is taken together afterwards."""
    async with scene(BatchBounds(batches=2)) as on:
        held = hold(on)
        for offset in range(5):
            await on.receive(offset)
        assert held.entered == 2
        held.gate.set()
        await quiet()
        assert held.calls == [["0"], ["1"], ["2", "3", "4"]]


async def test_settling_finishes_what_is_in_flight_and_takes_nothing_more() -> None:
    """Then the loop stands still until it is resumed."""
    async with scene(BatchBounds(messages=1, batches=1)) as on:
        held = hold(on)
        await on.receive(0, 1)
        settling = asyncio.create_task(on.delivery.settle(5.0))
        await quiet()
        held.gate.set()
        await settling
        await on.receive(2)
        assert held.handled == ["0"]
        assert on.acks.committable() == {P0: 1}


async def test_settling_abandons_what_does_not_finish_in_time() -> None:
    """Unacknowledged: somebody else receives it again."""
    async with scene() as on:
        hold(on)
        await on.receive(0)
        await on.delivery.settle(0.0)
        assert on.acks.committable() == {P0: 0}
        assert not on.task.done()


async def test_settling_does_not_wait_for_a_retry_that_is_not_due() -> None:
    """A store that is away holds up neither a rebalance nor the end of the process."""
    async with scene() as on:
        on.handler.refuse = refuse("0", error=AWAY)
        await on.receive(0)
        async with asyncio.timeout(30.0):
            await on.delivery.settle(60.0)
        await on.clock.advance(100.0)
        assert len(on.handler.calls) == 1
        assert on.acks.committable() == {P0: 0}


async def test_after_a_rebalance_only_what_is_received_anew_is_handled() -> None:
    """What waited belongs to somebody else now, or comes again."""
    async with scene() as on:
        on.handler.refuse = refuse("0", error=AWAY)
        await on.receive(0)
        await on.delivery.settle(1.0)
        on.acks.revoke([P0, P1])
        on.stream.generation = on.acks.assign([P0])
        on.delivery.resume()
        on.handler.refuse = refuse(error=AWAY)
        await on.receive(0, 1)
        await on.clock.advance(100.0)
        assert on.handler.calls == [["0"], ["0", "1"]]
        assert on.acks.committable() == {P0: 2}


async def test_cancellation_acknowledges_nothing() -> None:
    """And leaves nothing running."""
    async with scene() as on:
        held = hold(on)
        await on.receive(0)
        on.task.cancel()
        await asyncio.wait([on.task])
        assert on.task.cancelled()
        assert held.handled == []
        assert on.acks.committable() == {P0: 0}
        assert on.delivery._in_flight == {}


async def test_a_loop_without_progress_is_stuck() -> None:
    """One that is idle or retries is not; one with a batch that never returns is."""
    async with scene() as on:
        assert not on.delivery.is_stuck()
        for _ in range(10):
            await on.clock.advance(STUCK_SECONDS / 3)
        assert not on.delivery.is_stuck()
        held = hold(on)
        await on.receive(0)
        await on.clock.advance(STUCK_SECONDS)
        assert not on.delivery.is_stuck()
        await on.clock.advance(1.0)
        assert on.delivery.is_stuck()
        held.gate.set()
        await quiet()
        assert not on.delivery.is_stuck()


async def test_a_bug_of_the_loop_ends_it() -> None:
    """Nobody swallows it: the app's supervisor ends the process."""
    async with scene() as on:
        on.inspector.closed = ZeroDivisionError()
        on.stream.put(P0, [FakeRecord(0, BAD)])
        await asyncio.wait([on.task])
        assert isinstance(on.task.exception(), ExceptionGroup)
        assert on.acks.committable() == {P0: 0}


async def test_a_handler_may_do_a_batch_bit_by_bit() -> None:
    """Each bit is acknowledged when it is done, and the next is handed over at once."""
    async with scene() as on:
        on.handler.at_a_time = 2
        await on.receive(0, 1, 2, 3, 4)
        assert [len(call) for call in on.handler.calls] == [5, 3, 1]
        assert on.handler.handled == ["0", "1", "2", "3", "4"]
        assert on.acks.committable() == {P0: 5}
        assert sample(on.metrics, HANDLED, agent=POSTS, outcome="handled") == 5
        assert sample(on.metrics, HANDLED, agent=POSTS, outcome="postponed") == 0


async def test_bits_that_are_done_count_when_partitions_go() -> None:
    """A batch of many seconds is not begun anew: only its bit in flight is abandoned."""
    async with scene() as on:
        on.handler.at_a_time = 2

        def settle_at_the_second(batch: list[str]) -> None:
            if batch[0] == "2":
                on.delivery._settled = True

        on.handler.refuse = settle_at_the_second
        await on.receive(0, 1, 2, 3, 4)
        assert on.handler.handled == ["0", "1", "2", "3"]
        assert on.acks.committable() == {P0: 4}


async def test_what_another_group_buries_is_skipped() -> None:
    """It is acknowledged and counted, and no dead letter; what follows it is handled."""
    async with scene(skips=(SchemaViolation,)) as on:
        on.stream.put(P0, [FakeRecord(0, BAD), *records(1), FakeRecord(2, None)])
        await quiet()
        assert on.handler.handled == ["1"]
        assert on.acks.committable() == {P0: 3}
        assert not on.inspector.dead_letters
        assert sample(on.metrics, HANDLED, agent=POSTS, outcome="skipped") == 2
        assert sample(on.metrics, HANDLED, agent=POSTS, outcome="handled") == 1


async def test_what_fails_here_alone_is_buried_here() -> None:
    """Beside what is skipped, which is tried no second time when a batch is halved."""
    async with scene(skips=(SchemaViolation,)) as on:
        on.handler.refuse = refuse("1", "3", error=Permanent("no"))
        on.stream.put(P0, [FakeRecord(0, BAD), *records(1, 2, 3)])
        await quiet()
        assert on.handler.handled == ["2"]
        assert [letter.record.offset for letter in on.inspector.dead_letters] == [1, 3]
        assert on.acks.committable() == {P0: 4}


async def test_what_is_skipped_while_the_store_is_away_is_not_tried_again() -> None:
    """Only what the handler did not do is."""
    async with scene(skips=(SchemaViolation,)) as on:
        on.handler.refuse = refuse("1", error=AWAY)
        on.stream.put(P0, [FakeRecord(0, BAD), *records(1)])
        await quiet()
        assert on.acks.committable() == {P0: 1}
        on.handler.refuse = refuse(error=AWAY)
        await on.clock.advance(8.0)
        assert on.acks.committable() == {P0: 2}
        assert sample(on.metrics, HANDLED, agent=POSTS, outcome="skipped") == 1
