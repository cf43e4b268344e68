"""Sends messages to Kafka fast; every one is acknowledged or reported."""

import logging
import time
from collections import Counter
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaException, Producer

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.contact import describe_error, expect_brokers
from streams.outbox import Outgoing

TIMEOUT: Final = 30.0
"""Seconds until a message counts as failed; a broker restarts in less."""
LISTING_TIMEOUT: Final = 5.0
"""Seconds for the list of topics, the first request."""
IN_FLIGHT_KBYTES: Final = 65_536
"""Messages in flight: some 200,000 of PHEME's size, or two of the largest."""
LARGEST: Final = 33_554_432
"""Bytes of the largest message that any topic accepts; most topics accept less."""
SERVED_EVERY: Final = 500
"""Sends between two polls for acknowledgements; a poll costs as much as several sends."""
NOW: Final = 0
"""As a timestamp: librdkafka takes the time of sending."""
FULL_WAIT: Final = 0.1
"""Seconds between two tries while too much is in flight."""


class NotPublished(RuntimeError):
    """A message was not accepted, or not acknowledged in time; says why."""


class Publisher(AbstractContextManager["Publisher"]):
    """Sends messages and counts the acknowledged ones by topic. For one thread at a time.

    Messages of one key go to the partition that Kafka's own clients choose for it, in the order
    in which they were sent, also when sending is retried. Entering the context connects. Leaving
    it waits for what is in flight, also after an error, so that `acknowledged` is always right.
    """

    _producer: Any
    _topics: frozenset[str]

    def __init__(self, brokers: Brokers, timeout: float = TIMEOUT) -> None:
        self.acknowledged: Counter[str] = Counter()
        self._sent = 0
        self._failure: str | None = None
        self._brokers = brokers
        self._timeout = timeout

    def __enter__(self) -> Self:
        """Raise BrokerUnavailable where no broker answers, AccessRefused where none lets us in."""
        timeout = min(self._timeout, LISTING_TIMEOUT)
        expect_brokers(self._brokers, timeout)
        options = _configuration(self._brokers, self._timeout)
        self._producer = Producer(options, logger=_librdkafka_log)
        try:
            self._topics = frozenset(self._producer.list_topics(timeout=timeout).topics)
        except KafkaException as error:
            raise BrokerUnavailable(f"no broker answers at {self._brokers}") from error
        return self

    def send(self, message: Outgoing) -> None:
        """Send a message; blocks while too much is in flight.

        Raises NotPublished, for this message or for an earlier one.
        """
        if message.topic not in self._topics:  # Kafka could create it, with other settings
            raise NotPublished(f"topic {message.topic} does not exist: run `mingle topics apply`")
        if self._sent % SERVED_EVERY == 0:
            self._producer.poll(0)
        self._raise_failure()
        self._produce(message)
        self._sent += 1

    def finish(self) -> None:
        """Wait until every message is acknowledged. Raise NotPublished where one was not."""
        self._producer.flush(self._timeout)
        self._raise_failure()
        missing = self._sent - self.acknowledged.total()
        if missing:
            raise NotPublished(f"{missing} messages were not acknowledged in time")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()
        else:
            self._producer.flush(self._timeout)

    def _produce(self, message: Outgoing) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    message.value,
                    message.key,
                    on_delivery=self._delivered,
                    timestamp=message.timestamp or NOW,
                    headers=list(message.headers),
                )
            except BufferError as error:
                if time.monotonic() > deadline:
                    raise NotPublished("nothing was acknowledged in time") from error
                self._producer.poll(FULL_WAIT)
            except KafkaException as error:
                raise NotPublished(f"{message.topic}: {describe_error(error)}") from error
            else:
                return

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self.acknowledged[message.topic()] += 1
        elif self._failure is None:
            self._failure = f"{message.topic()}: {error.str()}"

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise NotPublished(self._failure)


def _configuration(brokers: Brokers, timeout: float) -> dict[str, Any]:
    return brokers.librdkafka() | {
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "linger.ms": 5,
        "delivery.timeout.ms": int(timeout * 1_000),
        "message.max.bytes": LARGEST,
        "queue.buffering.max.messages": 0,  # bounded by their bytes alone
        "queue.buffering.max.kbytes": IN_FLIGHT_KBYTES,
    }


_librdkafka_log = logging.getLogger("librdkafka")
"""Its lines would break a progress bar; every failure also arrives as an error."""
_librdkafka_log.propagate = False
_librdkafka_log.addHandler(logging.NullHandler())
