"""Asks brokers for offsets, as a consumer that reads only what is committed sees them."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from services.settings.brokers import Brokers
from streams.kafka.contact import broker_errors
from streams.records import Partition

RETRY_SECONDS: Final = 0.5
"""Between two attempts, each by a new client."""
STALE: Final = {
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
}
"""The answers to a client that knew the topic before it was made again, or its leader before that
was started again. librdkafka asks with what it knew, and does not forget it."""


class OffsetClient:
    """Asks as librdkafka's admin client. Every method blocks, and raises BrokerUnavailable.

    Connects anew where what the client knows of a topic holds no longer.
    """

    def __init__(self, brokers: Brokers, timeout: float) -> None:
        self._options = brokers.librdkafka() | {"log_level": 0}
        self._timeout = timeout
        self.admin = self._connect()

    def partitions(self, topics: Iterable[str]) -> list[Partition]:
        """Return the partitions of those topics that there are."""
        with broker_errors(self._timeout):
            present = self.admin.list_topics(timeout=self._timeout).topics
        return [
            Partition(topic, number)
            for topic in topics
            if topic in present
            for number in sorted(present[topic].partitions)
        ]

    def find(self, wanted: Mapping[Partition, Any]) -> dict[Partition, int]:
        """Return the offset that each OffsetSpec means, by as many requests as there are brokers.

        The latest is the last stable offset: no consumer is given what an open transaction holds,
        so nobody reaches the end of the log before the transaction ends.
        """
        deadline = time.monotonic() + self._timeout
        with broker_errors(self._timeout):
            while wanted:
                try:
                    return self._find(wanted)
                except KafkaException as error:
                    is_stale = error.args[0].code() in STALE
                    if not is_stale or time.monotonic() > deadline:
                        raise
                self.admin = self._connect()
                time.sleep(RETRY_SECONDS)
        return {}

    def _find(self, wanted: Mapping[Partition, Any]) -> dict[Partition, int]:
        answers = self.admin.list_offsets(
            {TopicPartition(*place): spec for place, spec in wanted.items()},
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=self._timeout,
        )
        return {
            Partition(at.topic, at.partition): answer.result(self._timeout).offset
            for at, answer in answers.items()
        }

    def _connect(self) -> Any:
        return AdminClient(self._options)
