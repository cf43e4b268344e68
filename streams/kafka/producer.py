"""The outbox on Kafka: acknowledged by all replicas, or an error."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import DefaultPartitioner

from services.errors import BrokerUnavailable, MessageTooLarge, SendingRefused
from services.metrics.metrics import Metrics
from services.settings.brokers import Brokers
from streams.kafka.send_errors import SendVerdict, judge_send_error
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
REFUSAL_SECONDS = 60.0
"""For a refusal to be reported: what waits is sent again sooner, and renews it."""

log = structlog.get_logger(__name__)


class KafkaOutbox:
    """A `streams.outbox.Outbox` with an idempotent producer of its own.

    It connects with the first call and may be used again after any failure. aiokafka gets whole
    batches, one per partition and call: that costs a tenth of single messages, and is the only way
    in which it accepts a message without key and value.
    """

    def __init__(
        self,
        brokers: Brokers,
        *,
        metrics: Metrics | None = None,
        send_seconds: float = SEND_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._brokers = brokers
        self._refused = metrics and metrics.sends_refused
        self._send_seconds = send_seconds
        self._now = now
        self._partition = DefaultPartitioner()
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._calls = asyncio.Semaphore(CALLS)
        self._leaving: set[asyncio.Task[None]] = set()
        self._refusals: dict[str, tuple[float, str]] = {}

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Send, in smaller calls where a topic takes no batch as large as ours.

        Raises also SendingRefused, a BrokerUnavailable, where an operator has to act.
        """
        if not messages:
            return
        async with self._calls:
            failure = await self._try(messages)
        # Raised without the cause: it refers to frames that keep the messages alive until the
        # garbage collector runs, and that counts no bytes.
        if failure is None:
            for topic in {message.topic for message in messages}:
                self._refusals.pop(topic, None)
        elif failure.verdict is SendVerdict.LATER:
            raise BrokerUnavailable(failure.why)
        elif failure.verdict is SendVerdict.TOO_LARGE and len(messages) > 1:
            middle = len(messages) // 2
            await self.send(messages[:middle])
            await self.send(messages[middle:])
        else:
            self._refusals[failure.topic] = (self._now(), failure.why)
            if self._refused:
                self._refused.labels(failure.topic, failure.verdict).inc()
            too_large = failure.verdict is SendVerdict.TOO_LARGE
            raise (MessageTooLarge if too_large else SendingRefused)(failure.why)

    def stuck(self) -> list[str]:
        """Return nothing: a restart would not help."""
        return []

    def missing(self) -> list[str]:
        """Return what the brokers have lately refused, and taken nothing of since."""
        since = self._now() - REFUSAL_SECONDS
        return [why for refused_at, why in self._refusals.values() if refused_at > since]

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

    async def _try(self, messages: Sequence[Outgoing]) -> "_Failure | None":
        """Return why the messages were not acknowledged, or None."""
        try:
            async with asyncio.timeout(self._send_seconds):
                failure = await self._send(await self._started(), messages)
        except (TimeoutError, KafkaTimeoutError):
            # The producer keeps trying, with one batch per partition at most: a call that
            # finds one waiting also waits. So an outage does not fill the memory.
            return _Failure(SendVerdict.LATER, messages[0].topic, "not acknowledged in time")
        except KafkaError as error:
            failure = _failure(messages[0].topic, error)
        if failure is not None:
            self._abandon()
        return failure

    async def _send(
        self, producer: AIOKafkaProducer, messages: Iterable[Outgoing]
    ) -> "_Failure | None":
        batches: dict[Partition, list[Any]] = {}
        for message in messages:
            try:
                partition = await self._partition_of(producer, message)
            except KafkaError as error:
                return _failure(message.topic, error)
            _append(producer, batches.setdefault(partition, []), message)
        acknowledgements = {
            await producer.send_batch(batch, partition.topic, partition=partition.number): partition
            for partition, several in batches.items()
            for batch in several
        }
        for each in acknowledgements:
            each.add_done_callback(_retrieve_error)
        # Not awaited one by one: an error that is raised from a future refers to this frame, and
        # the frame to the future.
        done, _ = await asyncio.wait(acknowledgements, return_when=asyncio.FIRST_EXCEPTION)
        for each in done:
            refusal = each.exception()
            if isinstance(refusal, KafkaError):
                return _failure(acknowledgements[each].topic, refusal)
            if refusal is not None:
                raise refusal
        return None

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


class _Failure(NamedTuple):
    """Why a call was not acknowledged."""

    verdict: SendVerdict
    topic: str
    why: str


def _failure(topic: str, error: KafkaError) -> _Failure:
    return _Failure(judge_send_error(error), topic, f"{topic} is not written to: {error!r}")


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
