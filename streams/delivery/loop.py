"""The one delivery loop: decode → handle → ack | retry | dead-letter."""

import asyncio
from collections.abc import AsyncIterable, Iterable
from random import Random as SystemRandom
from typing import Generic, Protocol, TypeVar

import structlog

from services.handlers.handler import Handler
from services.metrics.metrics import Metrics
from streams.clock import SystemClock, WaitingClock
from streams.delivery.attempt import BatchAttempt, Decode, Skips, Unfinished
from streams.delivery.backlog import Backlog, Batch, BatchBounds
from streams.delivery.brake.brakes import Brake
from streams.delivery.dead_letters import DeadLetterWriter
from streams.records import Partition, RecordRun
from streams.retry import Random, RetryPolicy

M = TypeVar("M")

IDLE_SECONDS = 1.0
"""Between two turns of a loop that has nothing to do."""
STUCK_SECONDS = 300.0
"""A batch that takes longer has lost an answer: ports time out within seconds."""
CANCEL_SECONDS = 1.0
"""For a cancelled batch to end."""

log = structlog.get_logger(__name__)


class Acks(Protocol):
    """Receives acknowledgements; `streams.delivery.acks.AckTracker` is one."""

    def acked(self, partition: Partition, generation: int, offsets: Iterable[int]) -> None: ...
    def holds(self, run: RecordRun) -> bool: ...


class DeliveryLoop(Generic[M]):
    """Handles every message of one topic at least once.

    A message is acknowledged when its handler has returned or when it is stored as a dead letter;
    until then it is retried, without end. It becomes a dead letter only when, by itself, it fails
    with an error that is not Transient. If its decoding fails with one of `skips`, it is only
    acknowledged: another group makes it a dead letter. While the brake is on, nothing is taken up;
    what was received waits, unacknowledged. No error leaves the loop, unless the loop has a bug;
    that ends the process.
    """

    def __init__(  # noqa: PLR0913 - the ports of the loop, each by name
        self,
        *,
        agent: str,
        topic: str,
        decode: Decode[M],
        handle: Handler[M],
        dead_letters: DeadLetterWriter,
        acks: Acks,
        metrics: Metrics,
        brake: Brake | None = None,
        policy: RetryPolicy | None = None,
        bounds: BatchBounds | None = None,
        skips: Skips = (),
        clock: WaitingClock | None = None,
        random: Random | None = None,
    ) -> None:
        self.agent = agent
        self.topic = topic
        self._brake = brake or Brake(topic, metrics)
        self._attempt = BatchAttempt(
            agent,
            decode=decode,
            handle=handle,
            dead_letters=dead_letters,
            brake=self._brake,
            metrics=metrics,
            skips=skips,
        )
        self._acks = acks
        self._clock = clock or SystemClock()
        self._backlog = Backlog(
            bounds or BatchBounds(), policy or RetryPolicy(), random or SystemRandom()
        )
        self._in_retry = metrics.partitions_in_retry.labels(agent)
        self._wake = asyncio.Event()
        self._in_flight: dict[asyncio.Task[None], float] = {}
        self._settled = False
        self._beat: float | None = None  # Faust starts agents when a broker has answered

    async def __call__(self, stream: AsyncIterable[RecordRun]) -> None:
        """Run until cancelled. Cancelling acknowledges nothing."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump(tasks))
            async for run in stream:
                if self._acks.holds(run):
                    self._backlog.add(run)
                    self._wake.set()

    async def settle(self, seconds: float) -> None:
        """Take nothing more, finish what is in flight, forget what waits.

        Batches that take longer than that are abandoned, unacknowledged. The loop does nothing
        until `resume`.
        """
        self._settled = True
        self._backlog.clear()
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("batches abandoned", agent=self.agent, batches=len(late))
                await asyncio.wait(late, timeout=CANCEL_SECONDS)

    def resume(self) -> None:
        """Continue with what is received from now on."""
        self._settled = False
        self._backlog.clear()

    def held_up(self) -> str | None:
        """Return why nothing is handled although the loop runs: the brake is on. Else None."""
        return self._brake.problem()

    def is_stuck(self) -> bool:
        """Whether the loop or one of its batches has made no progress for too long."""
        if self._beat is None:
            return False
        oldest = min([self._beat, *self._in_flight.values()])
        return self._clock.now() - oldest > STUCK_SECONDS

    async def _pump(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._wake.clear()
            self._beat = now = self._clock.now()
            while self._may_take() and (batch := self._backlog.take(now)) is not None:
                task = tasks.create_task(self._deliver(batch))
                self._in_flight[task] = now
                task.add_done_callback(self._finished)
            self._in_retry.set(self._backlog.in_retry())
            await self._clock.wait(self._wake, self._pause(now))

    def _may_take(self) -> bool:
        """A released brake is noticed at the next turn."""
        return not (self._settled or self._brake.is_on)

    def _pause(self, now: float) -> float:
        due = self._backlog.next_due()
        # What is due and was not taken waits for room; the next finished batch wakes the loop.
        return IDLE_SECONDS if due is None or due <= now else min(IDLE_SECONDS, due - now)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._in_flight[task]
        self._wake.set()

    async def _deliver(self, batch: Batch) -> None:
        unfinished = Unfinished(batch.slices, [])  # all of it when cancelled
        try:
            unfinished = await self._attempt(batch)
            self._acknowledge(batch, unfinished)
        finally:
            now = self._clock.now()
            self._backlog.finished(batch, unfinished.later, now, unfinished.not_started)

    def _acknowledge(self, batch: Batch, unfinished: Unfinished) -> None:
        waiting: dict[Partition, set[int]] = {}
        for part in (*unfinished.later, *unfinished.not_started):
            waiting.setdefault(part.partition, set()).update(each.offset for each in part.records)
        for part in batch.slices:
            offsets: Iterable[int] = (record.offset for record in part.records)
            if part.partition in waiting:
                offsets = [each for each in offsets if each not in waiting[part.partition]]
            self._acks.acked(part.partition, part.generation, offsets)
