"""Takes fetched records out of aiokafka's fetcher, and contains the errors of fetching."""
# ruff: noqa: SLF001 - tests/streams/test_upstream.py watches what is used of aiokafka

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import structlog
from aiokafka.consumer.fetcher import FetchResult
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

log = structlog.get_logger(__name__)


class _Pause:
    """Stands in the fetcher's results for a partition that is not to be fetched yet."""

    def __init__(self, until: float) -> None:
        self.until = until

    def calculate_backoff(self) -> float:
        """Hold up no other partition."""
        return 0.0


class FetchedRecords:
    """Replaces `fetched_records` of aiokafka's fetcher, for one consumer.

    Upstream raises what went wrong in one partition, whatever the others have, and takes a whole
    batch however large it is.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._standstills: dict[Partition, Standstill] = {}

    def unreadable(self) -> dict[Partition, Standstill]:
        """Return the partitions that stand still for good, until somebody skips what is there."""
        return {
            at: each for at, each in list(self._standstills.items()) if each.attempts >= ATTEMPTS
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
        self._forget_unassigned(fetcher)
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
            self._stand_still(fetcher, tp, _describe(result._error))
            return []
        elif result.check_assignment(tp) and result.has_more():
            try:
                if not _read(result, records, most, space):
                    return records
            except Exception as error:  # noqa: BLE001 - whatever it is, the other partitions go on
                if not records:
                    self._stand_still(fetcher, tp, _describe(error))
                    return []
                # Fetched again: then it is the first one, and there are none before it.
        del fetcher._records[tp]
        fetcher._notify(fetcher._wait_consume_future)
        return records

    def _stand_still(self, fetcher: Any, tp: Any, why: str) -> None:
        """Fetch it again after a pause."""
        offset = fetcher._subscriptions.subscription.assignment.state_value(tp)._position
        at = Partition(*tp)
        before = self._standstills.get(at)
        attempts = 1 + (before.attempts if before is not None and before.offset == offset else 0)
        self._standstills[at] = standstill = Standstill(offset, why, attempts)
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
        fetcher._records[tp] = _Pause(self._now() + pause)
        write = log.error if attempts == ATTEMPTS else log.warning
        write("partition cannot be read", topic=at.topic, partition=at.number,
              **standstill._asdict())  # fmt: skip

    def _forget_unassigned(self, fetcher: Any) -> None:
        for at in list(self._standstills):
            if not fetcher._subscriptions.is_assigned(TopicPartition(*at)):
                del self._standstills[at]


def _read(result: Any, records: list[Record], most: int, space: int) -> bool:
    """Append the next records. Return whether there are no more. Raises UntrustedBatch."""
    source = result._partition_records
    try:
        for record in source:
            records.append(record)
            space -= size_of(record)
            if len(records) >= most or space <= 0:
                source.release()
                return False
    finally:
        result._update_position()
    return True


def _describe(error: BaseException) -> str:
    return str(error) if isinstance(error, UntrustedBatch) else f"{type(error).__name__}: {error}"
