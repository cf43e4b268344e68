"""The mock broker keeps the promises that the embedded pipeline and its tests lean on."""

import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.embedded.mock_broker import DISCONNECT, Api, MockBroker, MockBrokerError

NOT_LEADER = 6
PATIENCE = 20.0


@pytest.fixture
def broker() -> Iterator[MockBroker]:
    with MockBroker() as broker:
        broker.create_topic("posts", partitions=2)
        yield broker


async def publish(broker: MockBroker, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True)
    try:
        await producer.start()
        for value in values:
            await asyncio.wait_for(producer.send_and_wait("posts", value, key=b"1"), PATIENCE)
    finally:
        await producer.stop()


async def read(broker: MockBroker, count: int, group: str = "readers") -> list[bytes]:
    consumer = AIOKafkaConsumer(
        "posts",
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=2000,
        heartbeat_interval_ms=500,
    )
    try:
        await consumer.start()
        async with asyncio.timeout(PATIENCE):
            values = [(await consumer.getone()).value for _ in range(count)]
        await consumer.commit()
    finally:
        await consumer.stop()
    return values


async def test_what_is_published_is_read_in_order(broker: MockBroker) -> None:
    """Messages of one key come back as they went in."""
    await publish(broker, b"a", b"b", b"c")
    assert await read(broker, 3) == [b"a", b"b", b"c"]


async def test_a_group_goes_on_where_it_committed(broker: MockBroker) -> None:
    """A second reader of the same group gets only what the first did not commit."""
    await publish(broker, b"a", b"b")
    await read(broker, 2)
    await publish(broker, b"c")
    assert await read(broker, 1) == [b"c"]


async def test_refused_writes_are_tried_again_and_arrive_once(broker: MockBroker) -> None:
    """Injected faults reach the client, which recovers without doubling a message."""
    broker.fail_next(Api.PRODUCE, NOT_LEADER, DISCONNECT, NOT_LEADER)
    await publish(broker, b"a", b"b")
    assert await read(broker, 2) == [b"a", b"b"]


async def test_cleared_faults_are_not_answered(broker: MockBroker) -> None:
    """Injected faults that have not occurred yet can be taken back."""
    broker.fail_next(Api.METADATA, *[NOT_LEADER] * 100)
    broker.stop_failing(Api.METADATA)
    await publish(broker, b"a")
    assert await read(broker, 1) == [b"a"]


async def test_a_broker_that_is_down_refuses_and_keeps_its_log(broker: MockBroker) -> None:
    """Down means unreachable; up again, everything that was acknowledged is there."""
    await publish(broker, b"a")
    broker.broker_down()
    with pytest.raises(KafkaConnectionError):
        await publish(broker, b"lost")
    broker.broker_up()
    assert await read(broker, 1) == [b"a"]


async def test_round_trips_can_be_slowed(broker: MockBroker) -> None:
    """An answer takes at least the time that was added."""
    await publish(broker, b"warm")
    broker.delay_answers(300)
    started = monotonic()
    await publish(broker, b"slow")
    assert monotonic() - started >= 0.3


async def test_leaders_and_coordinators_move_between_brokers() -> None:
    """With two brokers, a partition and a group survive the loss of the one they left."""
    with MockBroker(brokers=2) as broker:
        broker.create_topic("posts", partitions=1, replication=2)
        broker.set_leader("posts", 0, 2)
        broker.set_group_coordinator("readers", 2)
        broker.broker_down(1)
        await publish(broker, b"a")
        assert await read(broker, 1) == [b"a"]


def test_a_topic_that_exists_is_refused(broker: MockBroker) -> None:
    """An error names the call and the reason."""
    with pytest.raises(MockBrokerError, match="create topic posts"):
        broker.create_topic("posts")


async def test_closing_twice_is_closing_once() -> None:
    """After close the port does not answer; a second close does nothing."""
    broker = MockBroker()
    broker.close()
    broker.close()
    with pytest.raises(KafkaError):
        await publish(broker, b"a")
