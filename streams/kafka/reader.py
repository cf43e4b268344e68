"""Reads topics from one offset to another, outside of any consumer group."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.contact import broker_errors, expect_brokers
from streams.kafka.offsets import READ_COMMITTED, list_offsets
from streams.kafka.unreadable import CONTAINED, is_unreadable, read_unreadable
from streams.records import OffsetRange, Partition

T = TypeVar("T")

TIMEOUT: Final = 15.0
"""Seconds for an answer, or for the next message of a partition that has one."""
CONTACT_SECONDS: Final = 5.0
AT_ONCE: Final = 1_000
"""Messages that the reading thread hands to the event loop at a time."""
MESSAGES_AT_ONCE: Final = 50
"""A message is a megabyte at most with the brokers' default settings, and mostly a kilobyte."""
FETCHED_KBYTES: Final = 16_384
"""Waiting in the client besides; a larger message is fetched alone."""
POLL: Final = 0.5
_EARLIEST: Final = OffsetSpec.earliest()
_LATEST: Final = OffsetSpec.latest()


class TopicReader:
    """Reads without a group and commits nothing. Connects on entering its context.

    Every method blocks, and raises BrokerUnavailable.
    """

    _admin: Any
    _consumer: Any

    def __init__(self, brokers: Brokers, timeout: float = TIMEOUT) -> None:
        self._brokers = brokers
        self._timeout = timeout
        self._consuming = Lock()  # a cancelled caller closes while its thread still reads

    def __enter__(self) -> Self:
        expect_brokers(self._brokers, min(self._timeout, CONTACT_SECONDS))
        options = self._brokers.librdkafka() | {"log_level": 0}
        self._admin = AdminClient(options)
        self._consumer = Consumer(
            options
            | READ_COMMITTED
            | CONTAINED
            | {
                "group.id": "mingle-reader",  # librdkafka requires one; no group is joined
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": FETCHED_KBYTES,
            }
        )
        return self

    def spans(self, topics: Iterable[str]) -> list[OffsetRange]:
        """Return all that these topics hold now; a topic that does not exist holds nothing.

        What an open transaction holds is not part of it.
        """
        with broker_errors(self._timeout):
            present = self._consumer.list_topics(timeout=self._timeout).topics
            places = [
                Partition(topic, number)
                for topic in topics
                if topic in present
                for number in sorted(present[topic].partitions)
            ]
            firsts, ends = (
                list_offsets(self._admin, places, each, self._timeout)
                for each in (_EARLIEST, _LATEST)
            )
        return [OffsetRange(*place, first, ends[place]) for place, first in firsts.items()]

    def at(self, spans: Iterable[OffsetRange], time_ms: int) -> list[OffsetRange]:
        """Return the parts of these spans that were accepted at that time or later."""
        places = {each.partition: each for each in spans}
        times = [TopicPartition(*place, time_ms) for place in places]
        with broker_errors(self._timeout):
            found = self._consumer.offsets_for_times(times, timeout=self._timeout) if times else []
        parts = []
        for each in found:
            span = places[Partition(each.topic, each.partition)]
            first = each.offset if each.offset >= 0 else span.end  # none is that late
            parts.append(span._replace(first=min(max(span.first, first), span.end)))
        return parts

    def read(self, span: OffsetRange) -> Iterator[Any]:
        """Yield the messages of a span in their order, one batch in memory at a time."""
        return self.read_all([span])

    def read_all(self, spans: Iterable[OffsetRange]) -> Iterator[Any]:
        """Yield the messages of spans of different partitions, those of each in their order."""
        ends = {each.partition: each.end for each in spans if each.first < each.end}
        firsts = [TopicPartition(*each[:3]) for each in spans if each.first < each.end]
        if not ends:
            return
        self._consumer.assign(firsts)
        self._consumer.resume(firsts)  # an earlier reading paused them at their ends
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            for message in self._batch():
                place = Partition(message.topic(), message.partition())
                end = ends.get(place)
                if message.error() is not None:
                    last = self._last_unreadable(message, place)
                    if last is None:
                        ends.pop(place, None)
                        continue
                else:
                    last = message.offset()
                    if end is not None and last < end:
                        yield message
                deadline = time.monotonic() + self._timeout
                if end is not None and last >= end - 1:
                    self._consumer.pause([TopicPartition(*place)])
                    del ends[place]
            if not ends:
                return
        raise BrokerUnavailable(f"no message of {min(ends)[0]} in {self._timeout:g} s")

    def _last_unreadable(self, message: Any, place: Partition) -> int | None:
        """Go on behind what cannot be read, and return its last offset; None at the log's end.

        Raises BrokerUnavailable for every other error.
        """
        if message.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
            return None
        if not is_unreadable(message):
            raise BrokerUnavailable(message.error().str())
        last = read_unreadable(self._brokers, place, message.offset()).last_offset
        with self._consuming, broker_errors(self._timeout):
            self._consumer.seek(TopicPartition(*place, last + 1))
        return last

    def _batch(self) -> list[Any]:
        with self._consuming, broker_errors(self._timeout):
            first: list[Any] = self._consumer.consume(1, POLL)
            return first and first + self._consumer.consume(MESSAGES_AT_ONCE - 1, 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._consuming:
            self._consumer.close()


async def in_batches(messages: Iterable[T], most: int = AT_ONCE) -> AsyncIterator[list[T]]:
    """Yield what blocking reads bring. A thread waits for it; the event loop goes on."""
    waiting = iter(messages)
    while batch := await asyncio.to_thread(lambda: list(islice(waiting, most))):
        yield batch
