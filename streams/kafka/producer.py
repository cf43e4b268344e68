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
"""For one call, after which nobody knows what became of it."""
REQUEST_SECONDS = 10.0
"""For one answer of a broker; less than a call may take, so that a second broker is tried."""
LEAVE_SECONDS = 0.5
"""For a producer to close. What it still holds nobody waits for: it is sent again."""
BATCH_BYTES = 512 << 10
"""Of one partition in one request: half of what brokers accept by default."""
CALLS = 32
"""In flight at a time; each holds its messages twice, as given and as encoded."""

log = structlog.get_logger(__name__)


class KafkaOutbox:
    """A `streams.outbox.Outbox` with an idempotent producer of its own.

    It connects with the first call and may be used again after any failure. Whole batches are
    handed to aiokafka, one per partition and call: that costs a tenth of single messages, and
    is the only way in which it accepts a message without key and value.
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
                # finds one waiting waits, too. So an outage does not fill the memory.
                pass
            except KafkaError as error:
                self._abandon()
                raise BrokerUnavailable(f"not acknowledged: {error!r}") from error
            else:
                return
        # Not from the timeout: by way of its task that refers to whatever is raised from it, and
        # the messages would stay until the garbage collector comes, which counts no bytes.
        raise BrokerUnavailable("not acknowledged in time")

    async def close(self) -> None:
        """Nothing may be sent any more."""
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
        # No linger: whole batches do not wait, and while one is in flight the next ones gather.
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
            each.add_done_callback(_take_note)
        await asyncio.gather(*acknowledgements)

    async def _partition_of(self, producer: AIOKafkaProducer, message: Outgoing) -> Partition:
        numbers = sorted(await producer.partitions_for(message.topic))
        return Partition(message.topic, self._partition(message.key, numbers, numbers))

    def _abandon(self) -> None:
        """After a batch was refused its successors' sequence numbers are wrong: begin anew."""
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.create_task(_leave(producer))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)


def _append(producer: AIOKafkaProducer, batches: list[Any], message: Outgoing) -> None:
    """Into the last of these batches, or a new one when that is full."""
    record = {
        "timestamp": message.timestamp,
        "key": message.key,
        "value": message.value,
        "headers": list(message.headers),
    }
    if not batches or batches[-1].append(**record) is None:
        batches.append(producer.create_batch())
        batches[-1].append(**record)


def _take_note(acknowledgement: asyncio.Future[Any]) -> None:
    """That an error was seen: asyncio reports those that nobody looked at."""
    if not acknowledgement.cancelled():
        acknowledgement.exception()


async def _leave(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await producer.stop()
    except (KafkaError, TimeoutError) as error:
        log.warning("producer abandoned", error=repr(error))
        await producer.client.close()
