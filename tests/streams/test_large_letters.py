"""On a real broker, which counts bytes: a dead letter that its topic refuses is cut."""

from hashlib import sha256
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from servers.server import Reachable
from services.errors import MessageTooLarge, Permanent
from services.settings.brokers import Brokers
from streams.delivery.dead_letters import DeadLetter, OutboxDeadLetterWriter, cut_of
from streams.kafka.producer import KafkaOutbox
from streams.kafka.reader import TopicReader
from streams.outbox import Outgoing
from streams.records import Partition
from tests.streams.fakes import FakeRecord

VALUE = b"lorem ipsum " * 250_000
"""3 MB, of which gzip makes some KB."""
WAIT = 30.0


def create(kafka: Reachable, topic: str, most: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.address})
    config = {"max.message.bytes": str(most)}
    admin.create_topics([NewTopic(topic, 1, 1, config=config)])[topic].result(WAIT)


@pytest.mark.parametrize("most", [20_000, 1_048_588, 33_554_432])
async def test_a_message_that_only_gzip_made_small(kafka: Reachable, most: int) -> None:
    """Its topic takes it; as it is, it is cut where the dead-letter topic takes less."""
    topic = f"large-{uuid4().hex}"
    create(kafka, topic, 1_048_588)
    create(kafka, f"{topic}-dlq", most)
    producer = Producer(
        {
            "bootstrap.servers": kafka.address,
            "compression.type": "gzip",
            "message.max.bytes": 10_000_000,
        }
    )
    producer.produce(topic, VALUE, b"1")
    assert producer.flush(WAIT) == 0
    outbox = KafkaOutbox(Brokers(kafka.address))
    try:
        with pytest.raises(MessageTooLarge):
            await outbox.send([Outgoing(topic, b"1", VALUE)])
        letters = [
            DeadLetter(Partition(topic, 0), FakeRecord(offset, value), Permanent())
            for offset, value in enumerate([b"small", VALUE, b"small too"])
        ]
        await OutboxDeadLetterWriter(outbox).write(letters)
    finally:
        await outbox.close()
    with TopicReader(Brokers(kafka.address)) as reader:
        written = [each for span in reader.spans([f"{topic}-dlq"]) for each in reader.read(span)]
    assert [each.value for each in written[:2]] == [b"small", b"small too"]
    assert VALUE.startswith(written[2].value)
    cut = cut_of(list(written[2].headers))
    if most > len(VALUE):
        assert (written[2].value, cut) == (VALUE, None)
    else:
        assert cut is not None
        assert cut.value_sha256 == sha256(VALUE).hexdigest()
