"""Dead-letter topics, read from their beginning to their end as it is now."""

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.errors import BrokerUnavailable
from streams.kafka.contact import expect_brokers
from streams.letters.letter import Letter, LetterId

TIMEOUT: Final = 15.0
"""Seconds for an answer, or for the next letter of a partition that has one."""
CONTACT_SECONDS: Final = 5.0
MESSAGES_AT_ONCE: Final = 50
"""A letter is a megabyte at most where brokers are set as they come, and a kilobyte mostly."""
FETCHED_KBYTES: Final = 16_384
"""What waits in the client besides; one that is larger is fetched alone."""
POLL: Final = 0.5


class Span(NamedTuple):
    """Offsets of a partition, `end` excluded."""

    topic: str
    number: int
    first: int
    end: int


class LetterReader(AbstractContextManager["LetterReader"]):
    """Reads without a group and commits nothing. Every method raises BrokerUnavailable."""

    def __init__(self, bootstrap: str, timeout: float = TIMEOUT) -> None:
        expect_brokers(bootstrap, min(timeout, CONTACT_SECONDS))
        self._timeout = timeout
        self._consumer: Any = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "mingle-dead-letters",  # librdkafka wants one, and here joins none
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": FETCHED_KBYTES,
                "log_level": 0,
            }
        )

    def spans(self, topics: Iterable[str]) -> list[Span]:
        """All that these topics hold now; one that does not exist holds nothing."""
        try:
            present = self._consumer.list_topics(timeout=self._timeout).topics
            return [
                Span(topic, number, *self._extent(topic, number))
                for topic in topics
                if topic in present
                for number in sorted(present[topic].partitions)
            ]
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].str()) from error

    def read(self, span: Span) -> Iterator[Letter]:
        """The letters of a span in their order, one batch in memory at a time."""
        if span.first >= span.end:
            return
        self._consumer.assign([TopicPartition(span.topic, span.number, span.first)])
        deadline = time.monotonic() + self._timeout
        left = span.end - span.first
        while time.monotonic() < deadline:
            for message in self._batch(left):
                if message.error() is not None:
                    if message.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                        return
                    raise BrokerUnavailable(message.error().str())
                if message.offset() >= span.end:
                    return
                deadline = time.monotonic() + self._timeout
                yield _letter(message)
                left = span.end - 1 - message.offset()
                if not left:
                    return
        raise BrokerUnavailable(f"no letter of {span.topic} in {self._timeout:g} s")

    def _batch(self, most: int) -> list[Any]:
        """What has come; the client waits until it has as many as it is asked for."""
        try:
            batch: list[Any] = self._consumer.consume(min(most, MESSAGES_AT_ONCE), POLL)
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].str()) from error
        return batch

    def _extent(self, topic: str, number: int) -> tuple[int, int]:
        at = TopicPartition(topic, number)
        first, end = self._consumer.get_watermark_offsets(at, timeout=self._timeout)
        return first, end

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._consumer.close()


def _letter(message: Any) -> Letter:
    _, timestamp = message.timestamp()
    return Letter(
        LetterId(message.topic(), message.partition(), message.offset()),
        timestamp,
        message.key(),
        message.value(),
        [(name, value or b"") for name, value in message.headers() or ()],
    )
