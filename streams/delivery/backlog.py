"""Messages that wait to be handled, and the order of attempts. Pure: time is passed in."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from streams.records import Partition, Record, RecordRun, size_of
from streams.retry import Random, RetryPolicy


class BatchBounds(NamedTuple):
    """How much is handed to a handler at a time, and how many batches at once."""

    messages: int = 512
    """Per batch: beyond some hundreds nothing gets cheaper, and a failure repeats more work."""
    bytes: int = 4 << 20
    """Per batch."""
    batches: int = 4
    """First attempts in flight: enough to keep the store busy while the next batch is decoded."""
    retries: int = 8
    """Later attempts in flight, counted separately: those of one partition that run into timeouts
    must not take the slots of healthy partitions."""
    gather_seconds: float = 0.0
    """How long a batch that is not full waits for more messages while another one is in flight."""
    gathers_always: bool = False
    """Whether it waits for more also while none is."""


class Slice(NamedTuple):
    """The part of a batch that comes from one partition."""

    partition: Partition
    generation: int
    records: list[Record]


class Batch(NamedTuple):
    """At most one slice per partition; a retry is of one partition only."""

    slices: list[Slice]
    retry: bool


class Backlog:
    """Holds the messages of one topic, by partition, until they are taken.

    A partition with a failed message is retried on its own, with backoff, until that succeeds; its
    other messages wait, those of other partitions do not. Every batch that is taken must be given
    back by `finished`.
    """

    def __init__(self, bounds: BatchBounds, policy: RetryPolicy, random: Random) -> None:
        self._bounds = bounds
        self._policy = policy
        self._random = random
        self._lanes: dict[Partition, _Lane] = {}
        self._first_tries = 0
        self._retries = 0
        self._gathered: float | None = None  # when a batch has waited long enough

    def add(self, run: RecordRun) -> None:
        lane = self._lanes.get(run.partition)
        if lane is None or lane.generation != run.generation:
            lane = self._lanes[run.partition] = _Lane(run.generation)
        lane.waiting.extend(run.records)

    def clear(self) -> None:
        """Forget what waits. Batches in flight are still to be given back."""
        self._lanes.clear()
        self._gathered = None

    def take(self, now: float) -> Batch | None:
        """Return the next batch, or None when nothing is due or enough is in flight.

        Times of `now` never go back.
        """
        if self._retries < self._bounds.retries:
            for partition, lane in self._lanes.items():
                if lane.is_due(now):
                    lane.busy = True
                    self._retries += 1
                    return Batch([self._cut(partition, lane, _Space(self._bounds))], retry=True)
        if self._first_tries < self._bounds.batches and self._has_gathered(now):
            slices = self._gather()
            if slices:
                self._first_tries += 1
                self._gathered = None
                return Batch(slices, retry=False)
        return None

    def _has_gathered(self, now: float) -> bool:
        """Whether what waits is a full batch, or has waited long enough for others."""
        bounds = self._bounds
        if not bounds.gather_seconds or not (self._first_tries or bounds.gathers_always):
            return True
        waiting = sum(len(lane.waiting) for lane in self._lanes.values() if not lane.attempt)
        if not waiting:
            return False
        if self._gathered is None:
            self._gathered = now + bounds.gather_seconds
        return waiting >= bounds.messages or now >= self._gathered

    def finished(
        self, batch: Batch, later: Sequence[Slice], now: float, not_started: Sequence[Slice] = ()
    ) -> None:
        """Give a batch back: it is handled except for what is tried later, or was not started."""
        if batch.retry:
            self._retries -= 1
            self._settle_retry(batch.slices[0], later, now)
        else:
            self._first_tries -= 1
            self._postpone_all(later, now)
        for part in not_started:
            lane = self._lane_of(part)
            if lane is not None:
                lane.put_back(part.records)

    def next_due(self) -> float | None:
        """Return when a retry or a gathered batch is due, whether or not there is room for it."""
        dues = [lane.due for lane in self._lanes.values() if lane.waits()]
        if self._gathered is not None:
            dues.append(self._gathered)
        return min(dues, default=None)

    def in_retry(self) -> int:
        """Return the number of partitions that wait for a retry."""
        return sum(1 for lane in self._lanes.values() if lane.attempt)

    def _postpone_all(self, failed: Sequence[Slice], now: float) -> None:
        for part in failed:
            lane = self._lane_of(part)
            if lane is not None:
                lane.put_back(part.records)
                if lane.attempt == 0:
                    self._postpone(lane, now)

    def _settle_retry(self, tried: Slice, later: Sequence[Slice], now: float) -> None:
        lane = self._lane_of(tried)
        if lane is None:
            return
        lane.busy = False
        if later:
            lane.put_back(later[0].records)
            self._postpone(lane, now)
        else:
            lane.attempt = 0

    def _lane_of(self, part: Slice) -> "_Lane | None":
        lane = self._lanes.get(part.partition)
        return lane if lane is not None and lane.generation == part.generation else None

    def _postpone(self, lane: "_Lane", now: float) -> None:
        lane.attempt += 1
        lane.due = now + self._policy.delay(lane.attempt, self._random)

    def _gather(self) -> list[Slice]:
        space = _Space(self._bounds)
        slices = []
        for partition, lane in list(self._lanes.items()):
            if space.messages <= 0 or space.bytes <= 0:
                break
            if lane.waiting and not lane.attempt:
                slices.append(self._cut(partition, lane, space))
                # The partition goes to the end, so that none is starved.
                self._lanes[partition] = self._lanes.pop(partition)
        return slices

    @staticmethod
    def _cut(partition: Partition, lane: "_Lane", space: "_Space") -> Slice:
        """Take at least one message, and as many as there is space for."""
        messages, size = space.messages, space.bytes
        records: list[Record] = []
        waiting = lane.waiting
        while waiting and (not records or (messages > 0 and size > 0)):
            record = waiting.popleft()
            records.append(record)
            messages -= 1
            size -= size_of(record)
        space.messages, space.bytes = messages, size
        return Slice(partition, lane.generation, records)


class _Lane:
    """The waiting messages of one partition, and how many attempts at them have failed."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.waiting: deque[Record] = deque()
        self.attempt = 0
        self.due = 0.0
        self.busy = False

    def waits(self) -> bool:
        return self.attempt > 0 and not self.busy

    def is_due(self, now: float) -> bool:
        return self.waits() and self.due <= now

    def put_back(self, records: Sequence[Record]) -> None:
        self.waiting.extendleft(reversed(records))


class _Space:
    """The space left in a batch that is being assembled."""

    def __init__(self, bounds: BatchBounds) -> None:
        self.messages = bounds.messages
        self.bytes = bounds.bytes
