"""On a real broker: ends are found of topics that were made again while a client lives."""

from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from servers.server import Server
from services.settings.brokers import Brokers
from streams.kafka.offsets import OffsetClient
from streams.records import Partition

WAIT = 30.0

pytestmark = pytest.mark.integration


def test_a_topic_that_was_made_again_has_an_end(breakable_kafka: Server) -> None:
    """Its leader's epoch begins anew; a broker that was started again had raised the old one."""
    address, topic = breakable_kafka.address, f"again-{uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, 1)])[topic].result(WAIT)
    breakable_kafka.restart()
    client = OffsetClient(Brokers(address), WAIT)
    wanted = {Partition(topic, 0): OffsetSpec.latest()}
    assert client.find(wanted) == {Partition(topic, 0): 0}
    admin.delete_topics([topic])[topic].result(WAIT)
    admin.create_topics([NewTopic(topic, 1)])[topic].result(WAIT)
    producer = Producer({"bootstrap.servers": address})
    producer.produce(topic, b"1")
    assert producer.flush(WAIT) == 0
    assert client.find(wanted) == {Partition(topic, 0): 1}
