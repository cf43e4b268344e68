"""What the publisher sends is acknowledged, in order, where other clients would have sent it."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.embedded.mock_broker import DISCONNECT, Api, MockBroker
from streams.kafka.publisher import NotPublished, Publisher
from streams.outbox import Outgoing
from streams.pace import paced

PARTITIONS = 8
PATIENCE = 20.0


@pytest.fixture
def broker() -> Iterator[MockBroker]:
    with MockBroker() as broker:
        broker.create_topic("posts", PARTITIONS)
        yield broker


async def read(broker: MockBroker, count: int) -> list[tuple[int, bytes, bytes]]:
    consumer = AIOKafkaConsumer(
        "posts", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        async with asyncio.timeout(PATIENCE):
            found = [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()
    return [(each.partition, each.key, each.value) for each in found]


async def test_everything_sent_is_there_in_order(broker: MockBroker) -> None:
    """Each key's messages come back in the order in which they were sent."""
    with Publisher(Brokers(broker.bootstrap)) as publisher:
        for number in range(2_000):
            publisher.send(Outgoing("posts", b"%d" % (number % 7), b"%d" % number))
    assert publisher.acknowledged == {"posts": 2_000}
    values: dict[bytes, list[int]] = {}
    for _, key, value in await read(broker, 2_000):
        values.setdefault(key, []).append(int(value))
    assert all(each == sorted(each) for each in values.values())


async def test_keys_go_where_kafkas_clients_put_them(broker: MockBroker) -> None:
    """A key's messages are in one partition, whichever of our programs sends them."""
    keys = [b"%d" % number for number in range(1, 100)]
    with Publisher(Brokers(broker.bootstrap)) as publisher:
        for key in keys:
            publisher.send(Outgoing("posts", key, b"ours"))
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for key in keys:
            await producer.send_and_wait("posts", b"theirs", key=key)
    partitions: dict[bytes, set[int]] = {}
    for partition, key, _ in await read(broker, 2 * len(keys)):
        partitions.setdefault(key, set()).add(partition)
    assert {len(each) for each in partitions.values()} == {1}


def test_faults_on_the_way_are_retried(broker: MockBroker) -> None:
    """A connection that breaks costs time, not messages."""
    broker.fail_next(Api.PRODUCE, DISCONNECT, DISCONNECT)
    with Publisher(Brokers(broker.bootstrap)) as publisher:
        publisher.send(Outgoing("posts", b"1", b"a"))
    assert publisher.acknowledged.total() == 1


def test_what_is_not_acknowledged_is_an_error(broker: MockBroker) -> None:
    """With the broker gone, the end says so, in bounded time."""
    publisher = Publisher(Brokers(broker.bootstrap), timeout=2.0).__enter__()
    broker.broker_down()
    publisher.send(Outgoing("posts", b"1", b"a"))
    with pytest.raises(NotPublished):
        publisher.finish()
    assert publisher.acknowledged.total() == 0


def test_an_unknown_topic_is_not_created(broker: MockBroker) -> None:
    """The error says what to do; what was sent before is acknowledged."""
    with Publisher(Brokers(broker.bootstrap)) as publisher:
        publisher.send(Outgoing("posts", b"1", b"a"))
        with pytest.raises(NotPublished, match="mingle topics apply"):
            publisher.send(Outgoing("replies", b"1", b"a"))
    assert publisher.acknowledged == {"posts": 1}


def test_no_broker_is_noticed_at_once() -> None:
    """Before anything is read or sent."""
    publisher = Publisher(Brokers("127.0.0.1:1"), timeout=1.0)
    with pytest.raises(BrokerUnavailable, match=r"no broker answers at 127\.0\.0\.1:1"), publisher:
        pass


def test_arrivals_keep_their_rate() -> None:
    """Each waits for its turn; turns missed in a pause are made up for."""
    passed: list[float] = []
    sent: list[float] = []
    for number in paced(range(6), 2, now=lambda: sum(passed), sleep=passed.append):
        sent.append(sum(passed))
        if number == 1:
            passed.append(1.2)
    assert sent == pytest.approx([0, 0.5, 1.7, 1.7, 2.0, 2.5])
