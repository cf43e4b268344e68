"""The outbox on Kafka: acknowledged by all replicas, or an error."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import DefaultPartitioner

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.outbox import Outgoing
from streams.records import Partition

SEND_SECONDS = 15.0
"""For one call, after which its result is unknown."""
REQUEST_SECONDS = 10.0
"""For one answer of a broker; less than for a call, so that a second broker is tried."""
LEAVE_SECONDS = 0.5
"""For a producer to close. Nobody waits for what it still holds: it is sent again."""
BATCH_BYTES = 512 << 10
"""Per partition and request: half of what brokers accept by default."""
CALLS = 32
"""In flight at a time; each holds its messages twice, encoded and not."""

log = structlog.get_logger(__name__)


class KafkaOutbox:
    """A `streams.outbox.Outbox` with an idempotent producer of its own.

    It connects with the first call and may be used again after any failure. aiokafka gets whole
    batches, one per partition and call: that costs a tenth of single messages, and is the only way
    in which it accepts a message without key and value.
    """

    def __init__(self, brokers: Brokers, *, send_seconds: float = SEND_SECONDS) -> None:
        self._brokers = brokers
        self._send_seconds = send_seconds
        self._partition = DefaultPartitioner()
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._calls = asyncio.Semaphore(CALLS)
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        if not messages:
            return
        async with self._calls:
            try:
                async with asyncio.timeout(self._send_seconds):
                    await self._send(await self._started(), messages)
            except (TimeoutError, KafkaTimeoutError):
                # The producer keeps trying, with one batch per partition at most: a call that
                # finds one waiting also waits. So an outage does not fill the memory.
                pass
            except KafkaError as error:
                self._abandon()
                raise BrokerUnavailable(f"not acknowledged: {error!r}") from error
            else:
                return
        # Not raised from the timeout: it refers to its task, which would keep the messages alive
        # until the garbage collector runs, and that counts no bytes.
        raise BrokerUnavailable("not acknowledged in time")

    async def close(self) -> None:
        """Close the producer. Nothing may be sent afterwards."""
        self._abandon()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = self._new_producer()
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    def _new_producer(self) -> AIOKafkaProducer:
        # No linger: batches are whole, and further ones gather while one is in flight.
        return AIOKafkaProducer(
            **self._brokers.aiokafka(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(REQUEST_SECONDS * 1000),
        )

    async def _send(self, producer: AIOKafkaProducer, messages: Iterable[Outgoing]) -> None:
        batches: dict[Partition, list[Any]] = {}
        for message in messages:
            partition = await self._partition_of(producer, message)
            _append(producer, batches.setdefault(partition, []), message)
        acknowledgements = [
            await producer.send_batch(batch, partition.topic, partition=partition.number)
            for partition, several in batches.items()
            for batch in several
        ]
        for each in acknowledgements:
            each.add_done_callback(_retrieve_error)
        await asyncio.gather(*acknowledgements)

    async def _partition_of(self, producer: AIOKafkaProducer, message: Outgoing) -> Partition:
        numbers = sorted(await producer.partitions_for(message.topic))
        return Partition(message.topic, self._partition(message.key, numbers, numbers))

    def _abandon(self) -> None:
        """Drop the producer: after a refused batch all sequence numbers are wrong."""
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.create_task(_leave(producer))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)


def _append(producer: AIOKafkaProducer, batches: list[Any], message: Outgoing) -> None:
    """Append to the last of these batches, or to a new one if that is full."""
    record = {
        "timestamp": message.timestamp,
        "key": message.key,
        "value": message.value,
        "headers": list(message.headers),
    }
    if not batches or batches[-1].append(**record) is None:
        batches.append(producer.create_batch())
        batches[-1].append(**record)


def _retrieve_error(acknowledgement: asyncio.Future[Any]) -> None:
    """Retrieve the error: asyncio reports errors that nobody retrieves."""
    if not acknowledgement.cancelled():
        acknowledgement.exception()


async def _leave(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await producer.stop()
    except (KafkaError, TimeoutError) as error:
        log.warning("producer abandoned", error=repr(error))
        await producer.client.close()
