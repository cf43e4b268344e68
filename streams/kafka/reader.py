"""Reads topics from one offset to another, outside of any consumer group."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from itertools import islice
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import structlog
from confluent_kafka.admin import OffsetSpec

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.contact import expect_brokers
from streams.kafka.offsets import OffsetClient
from streams.kafka.partition_reader import PartitionReader
from streams.records import OffsetRange, Partition, PlacedRecord, Record, UnreadableRecord

T = TypeVar("T")

TIMEOUT: Final = 15.0
"""Seconds for an answer, or for the next message of a partition that has one."""
CONTACT_SECONDS: Final = 5.0
AT_ONCE: Final = 1_000
"""Messages that the reading thread hands to the event loop at a time."""
MESSAGES_AT_ONCE: Final = 50
"""A message is a megabyte at most with the brokers' default settings, and mostly a kilobyte."""
POLL: Final = 0.5
_EARLIEST: Final = OffsetSpec.earliest()
_LATEST: Final = OffsetSpec.latest()

log = structlog.get_logger(__name__)


class TopicReader:
    """Reads without a group and commits nothing. Connects on entering its context.

    Every method blocks, and raises BrokerUnavailable.
    """

    _offsets: OffsetClient

    def __init__(self, brokers: Brokers, timeout: float = TIMEOUT) -> None:
        self._brokers = brokers
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader = PartitionReader(brokers)
        self._reading = Lock()  # a cancelled caller closes while its thread still reads
        self._closed = False

    def __enter__(self) -> Self:
        expect_brokers(self._brokers, min(self._timeout, CONTACT_SECONDS))
        self._offsets = OffsetClient(self._brokers, self._timeout)
        return self

    def spans(self, topics: Iterable[str]) -> list[OffsetRange]:
        """Return all that these topics hold now; a topic that does not exist holds nothing.

        What an open transaction holds is not part of it.
        """
        places = self._offsets.partitions(topics)
        firsts, ends = (
            self._offsets.find(dict.fromkeys(places, each)) for each in (_EARLIEST, _LATEST)
        )
        return [OffsetRange(*place, first, ends[place]) for place, first in firsts.items()]

    def at(self, spans: Iterable[OffsetRange], time_ms: int) -> list[OffsetRange]:
        """Return the parts of these spans that were accepted at that time or later."""
        places = {each.partition: each for each in spans}
        found = self._offsets.find(dict.fromkeys(places, OffsetSpec.for_timestamp(time_ms)))
        parts = []
        for place, offset in found.items():
            span = places[place]
            first = offset if offset >= 0 else span.end  # none is that late
            parts.append(span._replace(first=min(max(span.first, first), span.end)))
        return parts

    def read(self, span: OffsetRange) -> Iterator[PlacedRecord]:
        """Yield the messages of a span in their order, some in memory at a time."""
        return self.read_all([span])

    def read_all(self, spans: Iterable[OffsetRange]) -> Iterator[PlacedRecord]:
        """Yield the messages of spans of different partitions, those of each in their order.

        What cannot be read is passed by, as workers do, and logged.
        """
        wanted = {each.partition: each for each in spans if each.first < each.end}
        if not wanted:
            return
        ends = {place: each.end for place, each in wanted.items()}
        self._call(self._assign({place: each.first for place, each in wanted.items()}))
        before, deadline = -1, time.monotonic() + self._timeout
        while ends and time.monotonic() < deadline:
            for place, records in self._call(self._reader.take(set(ends), POLL, AT_ONCE)).items():
                yield from _readable(place, records, ends[place])
            for place, end in list(ends.items()):
                if self._reader.position(place) >= end or self._reader.is_drained(place):
                    self._call(self._pause(place))
                    del ends[place]
            if (now_at := sum(map(self._reader.position, wanted))) != before:
                before, deadline = now_at, time.monotonic() + self._timeout
        if ends:
            raise BrokerUnavailable(f"no message of {min(ends)[0]} in {self._timeout:g} s")

    async def _assign(self, firsts: dict[Partition, int]) -> None:
        self._reader.assign(firsts)

    async def _pause(self, place: Partition) -> None:
        self._reader.pause(place)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in the loop of the reader, which begins with the first call."""
        with self._reading:
            if self._closed:
                work.close()
                raise BrokerUnavailable("the reader is closed")
            if self._loop is None:
                try:
                    self._loop = self._connected_loop()
                except BaseException:
                    work.close()
                    raise
            return _run(work, self._loop)

    def _connected_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        Thread(target=_serve, args=[loop], name="topic-reader", daemon=True).start()
        try:
            _run(self._reader.__aenter__(), loop)
        except BaseException:
            loop.call_soon_threadsafe(loop.stop)
            raise
        return loop

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._reading:
            self._closed = True
            if self._loop is not None:
                _run(self._reader.__aexit__(), self._loop)
                self._loop.call_soon_threadsafe(self._loop.stop)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _run(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result()


def _readable(place: Partition, records: Iterable[Record], end: int) -> Iterator[PlacedRecord]:
    for record in records:
        if record.offset >= end:
            return
        if isinstance(record, UnreadableRecord):
            log.warning("passed by what cannot be read", topic=place.topic,
                        partition=place.number, offset=record.offset,
                        last_offset=record.last_offset, reason=record.reason)  # fmt: skip
        else:
            yield cast("PlacedRecord", record)


async def in_batches(messages: Iterable[T], most: int = AT_ONCE) -> AsyncIterator[list[T]]:
    """Yield what blocking reads bring. A thread waits for it; the event loop goes on."""
    waiting = iter(messages)
    while batch := await asyncio.to_thread(lambda: list(islice(waiting, most))):
        yield batch
