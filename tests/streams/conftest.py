"""A broker in this process, and workers on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.structs import ConsumerRecord, TopicPartition

from services.settings.brokers import Brokers
from services.settings.settings import Settings
from streams.app import App, create_app
from streams.delivery.backlog import BatchBounds
from streams.delivery.brake.brakes import Brakes
from streams.delivery.dead_letters import OutboxDeadLetterWriter
from streams.delivery.intake import IntakeLimits
from streams.delivery.loop import DeliveryLoop
from streams.embedded.mock_broker import MockBroker
from streams.kafka.producer import KafkaOutbox
from streams.outbox import Outgoing
from streams.retry import RetryPolicy
from tests.streams.fakes import POSTS, decode, memory_brakes, metrics

PATIENCE = 90.0
"""Seconds that a test waits for what should take one."""
IMPATIENT = {
    "broker_commit_interval": 0.1,
    "broker_session_timeout": 2.0,
    "broker_heartbeat_interval": 0.3,
}
"""Settings of apps that are not to take longer than their tests need."""
GROUP = "mingle-ingest"
PARTITIONS = 2


@pytest.fixture
def broker() -> Iterator[MockBroker]:
    with MockBroker() as broker:
        broker.create_topic(POSTS, PARTITIONS)
        broker.create_topic("posts-dlq", 1)
        yield broker


@pytest.fixture
def unhurried_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock broker refuses a member that asks for its share after the leader gave it."""
    assign = RoundRobinPartitionAssignor.assign

    def assign_later(*arguments: Any) -> Any:
        time.sleep(0.3)  # in the thread of the leader's consumer
        return assign(*arguments)

    monkeypatch.setattr(RoundRobinPartitionAssignor, "assign", assign_later)


@pytest.fixture
async def outbox(broker: MockBroker) -> AsyncIterator[KafkaOutbox]:
    outbox = KafkaOutbox(Brokers(broker.bootstrap))
    yield outbox
    await outbox.close()


def numbers(count: int) -> list[bytes]:
    return [str(n).encode() for n in range(count)]


class Workers:
    """Starts apps of the ingest role, one loop a topic, and stops what still runs."""

    def __init__(self, broker: MockBroker, outbox: KafkaOutbox) -> None:
        self._broker = broker
        self._outbox = outbox

    @asynccontextmanager
    async def __call__(
        self,
        handle: Callable[[Sequence[Any]], Awaitable[None]],
        name: str = "worker-1",
        *,
        bounds: BatchBounds | None = None,
        limits: IntakeLimits | None = None,
        brakes: Brakes | None = None,
        topics: Sequence[str] = (POSTS,),
    ) -> AsyncIterator[App]:
        settings = Settings(kafka_bootstrap=self._broker.bootstrap, worker_name=name)
        measured = metrics()
        watched = brakes or memory_brakes()
        app = create_app("ingest", settings, measured, watched, limits, **IMPATIENT)
        for topic in topics:
            app.deliver(
                DeliveryLoop(
                    agent=topic,
                    topic=topic,
                    decode=decode,
                    handle=handle,
                    dead_letters=OutboxDeadLetterWriter(self._outbox),
                    acks=app.intake.acks,
                    metrics=measured,
                    brake=brakes.of(topic) if brakes else None,
                    bounds=bounds,
                    policy=RetryPolicy(first=0.05, longest=0.2),
                )
            )
        try:
            await asyncio.wait_for(app.start(), PATIENCE)
            yield app
        finally:
            await asyncio.wait_for(app.stop(), PATIENCE)


@pytest.fixture
def workers(broker: MockBroker, outbox: KafkaOutbox) -> Workers:
    return Workers(broker, outbox)


class Log:
    """What the broker holds, and is given."""

    def __init__(self, broker: MockBroker, outbox: KafkaOutbox) -> None:
        self._broker = broker
        self.outbox = outbox

    async def publish(self, *values: bytes, key: bytes | None = b"bob") -> None:
        await self.outbox.send([Outgoing(POSTS, key, value) for value in values])

    async def committed(self, group: str = GROUP) -> dict[int, int]:
        """By partition, where something is committed."""
        async with self._consumer(group_id=group) as consumer:
            offsets = {
                number: await consumer.committed(TopicPartition(POSTS, number))
                for number in range(PARTITIONS)
            }
        return {number: offset for number, offset in offsets.items() if offset is not None}

    async def read(self, topic: str, count: int) -> list[ConsumerRecord]:
        async with self._consumer(auto_offset_reset="earliest") as consumer:
            consumer.subscribe([topic])
            async with asyncio.timeout(PATIENCE):
                return [await consumer.getone() for _ in range(count)]

    async def read_until(self, topic: str, value: bytes) -> list[bytes]:
        """What comes before it, and that."""
        values: list[bytes] = []
        async with self._consumer(auto_offset_reset="earliest") as consumer:
            consumer.subscribe([topic])
            async with asyncio.timeout(PATIENCE):
                while value not in values:
                    values.append((await consumer.getone()).value)
        return values

    @asynccontextmanager
    async def _consumer(self, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._broker.bootstrap, enable_auto_commit=False, **options
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()


@pytest.fixture
def log(broker: MockBroker, outbox: KafkaOutbox) -> Log:
    return Log(broker, outbox)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what changes it knows of no event
            await asyncio.sleep(0.01)


async def eventually(measure: Callable[[], Awaitable[Any]], expected: Any) -> None:
    """Measure until it is as expected; what it is instead is said when patience ends."""
    found = await measure()
    try:
        async with asyncio.timeout(PATIENCE):
            while found != expected:
                await asyncio.sleep(0.05)
                found = await measure()
    except TimeoutError:
        pass
    assert found == expected
