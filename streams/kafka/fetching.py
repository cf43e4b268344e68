"""Takes fetched records out of aiokafka's fetcher, and contains the errors of fetching."""
# ruff: noqa: SLF001 - tests/streams/test_upstream.py watches what is used of aiokafka

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import structlog
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    NoError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from streams.delivery.intake import Standstill
from streams.kafka.batches import UntrustedBatch
from streams.records import Partition, Record, size_of

TAKEN_BYTES: Final = 4 << 20
"""At a time; one record may be larger. A batch unpacks to more, and is read in pieces."""
FIRST_PAUSE_SECONDS: Final = 0.5
"""Before what could not be read is fetched again: it may be the wire. Doubled each time."""
LONGEST_PAUSE_SECONDS: Final = 30.0
ATTEMPTS: Final = 4
"""After which a partition counts as unreadable: four seconds. It is still tried again."""
SILENT_SECONDS: Final = 30.0
"""Without an answer for one partition while its fetcher has answers for others: it may have no
leader. A leader that is elected anew answers sooner."""
NO_ANSWER: Final = "no broker answers for it"
HANDLED_UPSTREAM: Final = {
    each.errno for each in (NoError, OffsetOutOfRangeError, TopicAuthorizationFailedError)
}

log = structlog.get_logger(__name__)


class _Pause:
    """Stands in the fetcher's results for a partition that is not to be fetched yet."""

    def __init__(self, until: float) -> None:
        self.until = until

    def calculate_backoff(self) -> float:
        """Hold up no other partition."""
        return 0.0


class BrokerErrors:
    """Reports every error that a broker answers a fetch with, so that the partition pauses.

    Upstream fetches again at once, without end; of most errors it only logs a line each time.
    Where an offset is out of the log's range upstream goes on at the log's beginning, in silence:
    what was left out is told to `on_lost`.
    """

    def __init__(self, consumer: Any, on_lost: Callable[[Partition, int], None]) -> None:
        self._fetcher = consumer._fetcher
        self._send = consumer._client.send
        self._on_lost = on_lost
        self._out_of_range: dict[TopicPartition, int] = {}
        consumer._client.send = self.send

    async def send(self, node: int, request: Any, **options: Any) -> Any:
        answer = await self._send(node, request, **options)
        if isinstance(request, FetchRequest):
            positions = {
                TopicPartition(topic, number): at
                for topic, parts in request.topics
                for number, at, _ in parts
            }
            for topic, partitions in answer.topics:
                for part in list(partitions):
                    tp, code = TopicPartition(topic, part[0]), part[1]
                    self._compare(tp, code, positions[tp])
                    if code not in HANDLED_UPSTREAM:
                        partitions.remove(part)
                        self._report(tp, code, positions[tp])
        return answer

    def _compare(self, tp: TopicPartition, code: int, position: int) -> None:
        """Notice an offset that the log does not have, and where reading went on after it."""
        if code == OffsetOutOfRangeError.errno:
            self._out_of_range[tp] = position
        elif code == NoError.errno and (missed := self._out_of_range.pop(tp, None)) is not None:
            log.error("the log does not have what was to be read next", topic=tp.topic,
                      partition=tp.partition, offset=missed, went_on_at=position)  # fmt: skip
            self._on_lost(Partition(*tp), max(0, position - missed))

    def _report(self, tp: TopicPartition, code: int, position: int) -> None:
        state = _states(self._fetcher).get(tp)
        is_current = state is not None and state._position == position
        if is_current and tp not in self._fetcher._records:
            kind = for_code(code)
            error = kind() if kind.errno == code else kind(f"code {code}")
            self._fetcher._set_error(tp, error)


class FetchedRecords:
    """Replaces `fetched_records` of aiokafka's fetcher, for one consumer.

    Upstream raises what went wrong in one partition, whatever the others have, and takes a whole
    batch however large it is.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        raised: tuple[type[KafkaError], ...] = (),
    ) -> None:
        """`raised` are errors of brokers that `take` raises, rather than fetching again."""
        self._now = now
        self._raised = raised
        self._unpacked: Any = None  # the source that may hold an unpacked batch
        self._standstills: dict[Partition, Standstill] = {}
        self._answers: dict[TopicPartition, tuple[int | None, float]] = {}
        self._answered: dict[Partition, int | None] = {}

    def unreadable(self, fetcher: Any) -> dict[Partition, Standstill]:
        """Return the partitions that stand still for good, until somebody acts."""
        return self._silent(fetcher) | {
            at: each for at, each in list(self._standstills.items()) if each.attempts >= ATTEMPTS
        }

    def _silent(self, fetcher: Any) -> dict[Partition, Standstill]:
        """Return the partitions of which no broker says anything, while others are answered."""
        now, states = self._now(), _states(fetcher)
        before, self._answers = self._answers, {}
        for tp, state in list(states.items()):
            answer, since = before.get(tp, (None, now))
            waits = tp in fetcher._records  # to be taken: not fetched meanwhile
            changed = waits or state.timestamp != answer
            self._answers[tp] = (state.timestamp, now if changed else since)
        latest = max((since for _, since in self._answers.values()), default=now)
        return {
            Partition(*tp): Standstill(states[tp]._position, NO_ANSWER, ATTEMPTS, can_skip=False)
            for tp, (_, since) in self._answers.items()
            if latest - since > SILENT_SECONDS
        }

    async def take(
        self, fetcher: Any, partitions: AbstractSet[Partition], seconds: float, most: int
    ) -> Mapping[TopicPartition, Sequence[Record]]:
        """Return what was fetched of these partitions; wait that long if there is nothing.

        Raises what the group's coordinator reports.
        """
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        taken = self._take(fetcher, partitions, most)
        if taken or not seconds:
            return taken
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=seconds)
        if fetcher._closed or not waiter.done():
            waiter.cancel()
            return {}
        waiter.result()
        return self._take(fetcher, partitions, most)

    def _take(
        self, fetcher: Any, partitions: AbstractSet[Partition], most: int
    ) -> Mapping[TopicPartition, Sequence[Record]]:
        self._forget_ended(fetcher)
        taken: dict[TopicPartition, Sequence[Record]] = {}
        space = TAKEN_BYTES
        for tp in list(fetcher._records):
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
                continue
            if tp not in partitions:
                continue
            records = self._take_from(fetcher, tp, most, space)
            if records:
                self._standstills.pop(Partition(*tp), None)
                taken[tp] = records
                most -= len(records)
                space -= sum(map(size_of, records))
            if most <= 0 or space <= 0:
                break
        return taken

    def _take_from(self, fetcher: Any, tp: Any, most: int, space: int) -> list[Record]:
        result = fetcher._records[tp]
        records: list[Record] = []
        if isinstance(result, _Pause):
            if result.until > self._now():
                return []
        elif not isinstance(result, FetchResult):
            if isinstance(result._error, self._raised):
                raise result._error
            is_corrupt = isinstance(result._error, CorruptRecordException)
            self._stand_still(fetcher, tp, _describe(result._error), can_skip=is_corrupt)
            fetcher._client.force_metadata_update()  # its leader may be another by now
            return []
        elif result.check_assignment(tp) and result.has_more():
            self._let_go(result._partition_records)
            try:
                if not _read(result, records, most, space):
                    return records
            except Exception as error:  # noqa: BLE001 - whatever it is, the other partitions go on
                if not records:
                    self._stand_still(fetcher, tp, _describe(error))
                    return []
                # Fetched again: then it is the first one, and there are none before it.
        self._let_go(None)
        del fetcher._records[tp]
        fetcher._notify(fetcher._wait_consume_future)
        return records

    def _let_go(self, following: Any) -> None:
        """Forget what is unpacked of another source: one batch at a time is."""
        if self._unpacked not in (None, following):
            self._unpacked.release()
        self._unpacked = following

    def _stand_still(self, fetcher: Any, tp: Any, why: str, *, can_skip: bool = True) -> None:
        """Fetch it again after a pause."""
        state = _states(fetcher)[tp]
        offset, at = state._position, Partition(*tp)
        self._answered[at] = state.timestamp
        before = self._standstills.get(at)
        attempts = 1 + (before.attempts if before is not None and before.offset == offset else 0)
        self._standstills[at] = standstill = Standstill(offset, why, attempts, can_skip)
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
        fetcher._records[tp] = _Pause(self._now() + pause)
        write = log.error if attempts == ATTEMPTS else log.warning
        write("partition cannot be read", topic=at.topic, partition=at.number,
              **standstill._asdict())  # fmt: skip

    def _forget_ended(self, fetcher: Any) -> None:
        """Forget what is assigned to others, and errors of brokers that have answered since."""
        states = _states(fetcher)
        for at, standstill in list(self._standstills.items()):
            state = states.get(TopicPartition(*at))
            is_answered = state is not None and state.timestamp != self._answered[at]
            if state is None or (is_answered and not standstill.can_skip):
                del self._standstills[at]


def _states(fetcher: Any) -> Mapping[TopicPartition, Any]:
    """Return what aiokafka knows of each assigned partition."""
    subscription = fetcher._subscriptions.subscription
    assignment = None if subscription is None else subscription.assignment
    return {} if assignment is None else assignment._tp_state


def _read(result: Any, records: list[Record], most: int, space: int) -> bool:
    """Append the next records. Return whether there are no more. Raises UntrustedBatch."""
    source = result._partition_records
    try:
        for record in source:
            records.append(record)
            space -= size_of(record)
            if len(records) >= most or space <= 0:
                return False
    finally:
        result._update_position()
    return True


def _describe(error: BaseException) -> str:
    is_clear = isinstance(error, (UntrustedBatch, KafkaError))
    return str(error) if is_clear else f"{type(error).__name__}: {error}"
