"""Messages to Kafka, fast, every one acknowledged or reported."""

import logging
import time
from collections import Counter
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from services.errors import AccessRefused, BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.contact import expect_brokers
from streams.outbox import Outgoing

TIMEOUT: Final = 30.0
"""Seconds in which a message is acknowledged or counts as failed; a broker restarts in less."""
LISTING_TIMEOUT: Final = 5.0
"""Seconds for the list of topics, the first thing that is asked."""
IN_FLIGHT_KBYTES: Final = 65_536
"""Messages in flight: some 200,000 of PHEME's size, or two of the largest."""
LARGEST: Final = 33_554_432
"""Bytes of the largest message that any topic here accepts; most topics accept less."""
SERVED_EVERY: Final = 500
"""Sends between two looks at the acknowledgements; a look costs as much as several sends."""
NOW: Final = 0
"""As a timestamp: librdkafka takes the time of sending."""
FULL_WAIT: Final = 0.1
"""Seconds between two tries while too much is in flight."""


class NotPublished(RuntimeError):
    """A message was not taken, or not acknowledged in time, and why."""


class Publisher(AbstractContextManager["Publisher"]):
    """Sends messages and counts, by topic, which were acknowledged. For one thread.

    Messages of one key go to the partition that Kafka's own clients choose for it, in the order
    in which they were sent, also when sending is retried. Leaving the context waits for what is
    in flight, also after an error, so that `acknowledged` is right whatever happened.
    """

    def __init__(self, brokers: Brokers, timeout: float = TIMEOUT) -> None:
        """Raises NotPublished where no broker answers, or none lets this process in."""
        self.acknowledged: Counter[str] = Counter()
        self._sent = 0
        self._failure: str | None = None
        self._timeout = timeout
        _expect_brokers(brokers, min(timeout, LISTING_TIMEOUT))
        self._producer: Any = Producer(_configuration(brokers, timeout), logger=_librdkafka_log)
        self._topics = self._existing_topics(brokers)

    def send(self, message: Outgoing) -> None:
        """Hand a record over; waits while too much is in flight.

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
        """Wait until every message is acknowledged. Raises NotPublished where one was not."""
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

    def _existing_topics(self, brokers: Brokers) -> frozenset[str]:
        try:
            listed = self._producer.list_topics(timeout=min(self._timeout, LISTING_TIMEOUT))
        except KafkaException as error:
            raise NotPublished(f"no broker answers at {brokers}") from error
        return frozenset(listed.topics)

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
                raise NotPublished(f"{message.topic}: {error.args[0].str()}") from error
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


def _expect_brokers(brokers: Brokers, timeout: float) -> None:
    try:
        expect_brokers(brokers, timeout)
    except (BrokerUnavailable, AccessRefused) as error:
        raise NotPublished(str(error)) from error


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
"""Its lines would cut through a progress bar; every failure also arrives as an error."""
_librdkafka_log.propagate = False
_librdkafka_log.addHandler(logging.NullHandler())
