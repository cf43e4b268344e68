"""On a real broker: what a log removes before it is read is counted, and reading goes on."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from servers.server import Reachable
from services.settings.brokers import Brokers
from streams.app import App
from streams.kafka.producer import KafkaOutbox
from tests.streams.conftest import GROUP, IMPATIENT, Workers, until
from tests.streams.fakes import Handler

WAIT = 30.0
BROKERS_LEAST_SECONDS = 6.0
"""A real broker accepts no shorter session."""


class LimitedLog:
    """A topic of one partition, whose oldest messages can be removed."""

    def __init__(self, bootstrap: str) -> None:
        self.topic = f"limited-{uuid4().hex}"
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._admin.create_topics([NewTopic(self.topic, 1)])[self.topic].result(WAIT)
        self._producer = Producer({"bootstrap.servers": bootstrap})

    def publish(self, *values: int) -> None:
        for each in values:
            self._producer.produce(self.topic, str(each).encode(), b"bob")
        assert self._producer.flush(WAIT) == 0

    def forget(self, before: int) -> None:
        place = TopicPartition(self.topic, 0, before)
        self._admin.delete_records([place])[place].result(WAIT)


@pytest.fixture
def limited(kafka: Reachable) -> LimitedLog:
    return LimitedLog(kafka.address)


def lost(app: App, topic: str) -> float:
    metrics: Any = app.transport
    return float(metrics.metrics.log_lost.labels(GROUP, topic)._value.get())


async def test_what_the_log_lost_is_counted_and_the_rest_is_handled(
    kafka: Reachable, limited: LimitedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream goes on at the log's beginning and says so in a line that nobody alerts on."""
    monkeypatch.setitem(IMPATIENT, "broker_session_timeout", BROKERS_LEAST_SECONDS)
    outbox = KafkaOutbox(Brokers(kafka.address))
    broker: Any = SimpleNamespace(bootstrap=kafka.address)
    workers, handler = Workers(broker, outbox), Handler()
    try:
        limited.publish(*range(10))
        async with workers(handler, topics=[limited.topic]) as app:
            await until(lambda: len(handler.handled) == 10)
            assert lost(app, limited.topic) == 0
        limited.publish(*range(10, 20))
        limited.forget(before=15)
        async with workers(handler, topics=[limited.topic]) as app:
            await until(lambda: len(handler.handled) == 15)
            assert lost(app, limited.topic) == 5
    finally:
        await outbox.close()
    assert handler.handled == [str(each) for each in (*range(10), *range(15, 20))]
