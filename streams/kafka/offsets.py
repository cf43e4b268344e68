"""Asks brokers for offsets, as a consumer that reads only what is committed sees them."""

from collections.abc import Iterable
from typing import Any, Final

from confluent_kafka import IsolationLevel, TopicPartition

from streams.records import Partition

READ_COMMITTED: Final[dict[str, Any]] = {"isolation.level": "read_committed"}
"""For every consumer: what a transaction has not committed, or has aborted, was never sent."""


def list_offsets(
    admin: Any, places: Iterable[Partition], spec: Any, timeout: float
) -> dict[Partition, int]:
    """Return an offset of each partition, by as many requests as there are brokers.

    The latest is the last stable offset: no consumer is given what an open transaction holds, so
    nobody reaches the end of the log before the transaction ends. Raises KafkaException and
    TimeoutError.
    """
    wanted = {TopicPartition(*place): spec for place in places}
    if not wanted:
        return {}
    answers = admin.list_offsets(
        wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=timeout
    )
    return {
        Partition(at.topic, at.partition): answer.result(timeout).offset
        for at, answer in answers.items()
    }
