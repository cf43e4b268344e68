"""Passes by what librdkafka stops at for ever, as far as workers do."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from operator import methodcaller
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError as AioKafkaError
from aiokafka.structs import TopicPartition
from confluent_kafka import KafkaError

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.batches import UntrustedBatch
from streams.records import Partition, UnreadableRecord

TIMEOUT: Final = 15.0
"""Seconds for the batch."""
CONTAINED: Final[dict[str, Any]] = {
    "check.crcs": True,  # otherwise it reads what workers stop at
    "fetch.max.bytes": 16 << 20,
    "receive.message.max.bytes": 36 << 20,  # the largest dead letter, in one answer
}
"""For every consumer of librdkafka. The last also bounds what it unpacks of zstd, whose ratio has
no bound. Of other codecs it unpacks whatever the size of a message allows: of a megabyte of snappy
21, of lz4 255, of gzip a thousand."""
STOPPED_BY: Final = {
    KafkaError._BAD_COMPRESSION,  # noqa: SLF001 - its name
    KafkaError._BAD_MSG,  # noqa: SLF001 - its name
    KafkaError._NOT_IMPLEMENTED,  # noqa: SLF001 - its name
}
"""The errors of a batch that librdkafka cannot read. It fetches it again, without end."""

_HEADERS: Final = methodcaller("headers")
"""Calls so that the client's error is raised here; it leaves one behind beside a result."""

log = structlog.get_logger(__name__)


def is_unreadable(message: Any) -> bool:
    """Whether an error message of a poll says that a batch cannot be read."""
    return message.error().code() in STOPPED_BY and message.offset() >= 0


def headers_of(message: Any) -> list[tuple[str, bytes]] | None:
    """Return a message's headers, None where a name is not UTF-8."""
    try:
        named = _HEADERS(message)
    except (SystemError, UnicodeDecodeError):
        return None
    return [(name, value or b"") for name, value in named or ()]


def read_unreadable(brokers: Brokers, partition: Partition, offset: int) -> UnreadableRecord:
    """Return what stands for the unreadable offsets, the given one among them. Blocks.

    Raises BrokerUnavailable where workers stand still as well, or can read what is there.
    """
    with ThreadPoolExecutor(1) as thread:  # the caller's may have a loop
        record = thread.submit(asyncio.run, _read(brokers, partition, offset)).result()
    place = f"{partition.topic}:{partition.number}"
    if not isinstance(record, UnreadableRecord):
        raise BrokerUnavailable(f"{place} could not be read at offset {offset}")
    log.warning("passed by what cannot be read", topic=partition.topic,
                partition=partition.number, offset=record.offset,
                last_offset=record.last_offset, reason=record.reason)  # fmt: skip
    return record


async def _read(brokers: Brokers, partition: Partition, offset: int) -> Any:
    consumer = AIOKafkaConsumer(
        **brokers.aiokafka(), enable_auto_commit=False, isolation_level="read_committed"
    )
    at = TopicPartition(*partition)
    place = f"{partition.topic}:{partition.number}"
    try:
        async with asyncio.timeout(TIMEOUT):
            await consumer.start()
            consumer.assign([at])
            consumer.seek(at, offset)
            return await consumer.getone(at)
    except UntrustedBatch as error:
        raise BrokerUnavailable(f"{place} cannot be read at offset {offset}: {error}") from error
    except (AioKafkaError, TimeoutError) as error:
        raise BrokerUnavailable(f"{place} was not read at offset {offset}: {error!r}") from error
    finally:
        await consumer.stop()
