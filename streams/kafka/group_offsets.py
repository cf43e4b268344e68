"""Moves what a consumer group has committed."""

from typing import Any, Final

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from services.errors import MingleError
from services.settings.brokers import Brokers
from streams.kafka.contact import broker_errors, expect_brokers
from streams.kafka.offsets import OffsetClient
from streams.records import Partition

TIMEOUT: Final = 15.0
"""Seconds for one request."""
STILL_JOINED: Final = {KafkaError.UNKNOWN_MEMBER_ID, KafkaError.NON_EMPTY_GROUP}
"""The answers of a group that has members: its offsets are theirs to commit."""


class GroupIsRunning(MingleError):
    """The group has members, which alone may commit."""


class GroupOffsets:
    """The offsets of one group. Every method blocks, and raises BrokerUnavailable."""

    def __init__(self, brokers: Brokers, group: str) -> None:
        self._brokers = brokers
        self._group = group
        self._options = brokers.librdkafka() | {"log_level": 0}

    def committed(self, partition: Partition) -> int | None:
        """Return the next offset that the group reads, None where it has none."""
        expect_brokers(self._brokers, TIMEOUT)
        asked = [ConsumerGroupTopicPartitions(self._group, [TopicPartition(*partition)])]
        with broker_errors(TIMEOUT):
            admin = AdminClient(self._options)
            answer = admin.list_consumer_group_offsets(asked, request_timeout=TIMEOUT)
            (found,) = answer[self._group].result(TIMEOUT).topic_partitions
        return found.offset if found.offset >= 0 else None

    def end(self, partition: Partition) -> int:
        """Return the end of what may be read of the partition, as `OffsetClient` has it."""
        found = OffsetClient(self._brokers, TIMEOUT).find({partition: OffsetSpec.latest()})
        return found[partition]

    def move(self, partition: Partition, offset: int) -> None:
        """Let the group go on there. Raises GroupIsRunning while a worker is in it."""
        moved = ConsumerGroupTopicPartitions(self._group, [TopicPartition(*partition, offset)])
        with broker_errors(TIMEOUT):
            admin = AdminClient(self._options)
            answer = admin.alter_consumer_group_offsets([moved], request_timeout=TIMEOUT)
            try:
                (result,) = answer[self._group].result(TIMEOUT).topic_partitions
            except KafkaException as error:
                self._raise(error.args[0])
            self._raise(result.error)

    def _raise(self, error: Any) -> None:
        if error is None:
            return
        if error.code() in STILL_JOINED:
            raise GroupIsRunning(f"{self._group} has members, and they alone may commit")
        raise KafkaException(error)
