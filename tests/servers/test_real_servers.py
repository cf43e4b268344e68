"""Real servers answer, break and come back, and keep what they were given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from cassandra.cluster import Cluster, Session
from confluent_kafka.admin import AdminClient, NewTopic

from servers.server import Reachable, Server

WAIT = 30

PATIENCE = 60.0
"""Seconds: a server that has just started, or is busy, is not away."""


@contextmanager
def session(cassandra: Reachable) -> Iterator[Session]:
    cluster = Cluster(
        [cassandra.host],
        port=cassandra.port,
        connect_timeout=PATIENCE,
        control_connection_timeout=PATIENCE,
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def admin(kafka: Reachable) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.address})


def test_kafka_answers(kafka: Reachable) -> None:
    """A client sees one broker, at the address it was given."""
    brokers = admin(kafka).list_topics(timeout=WAIT).brokers.values()
    assert [f"{broker.host}:{broker.port}" for broker in brokers] == [kafka.address]


def test_kafka_creates_no_topic_by_itself(kafka: Reachable) -> None:
    """A misspelled topic is not created."""
    admin(kafka).list_topics("no-such-topic", timeout=WAIT)
    assert "no-such-topic" not in admin(kafka).list_topics(timeout=WAIT).topics


def test_cassandra_answers(cassandra: Reachable) -> None:
    """A client can query it."""
    with session(cassandra) as cql:
        row = cql.execute("SELECT release_version, data_center FROM system.local").one()
    assert row.release_version.startswith("5.0.")
    assert row.data_center == "datacenter1"


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_kafka_keeps_its_topics(breakable_kafka: Server, end: Callable[[Server], None]) -> None:
    """Stopped or killed, it answers at the same address again and knows its topics."""
    topic = f"kept-{end.__name__}"
    client = admin(breakable_kafka)
    client.create_topics([NewTopic(topic, 1, 1)])[topic].result(WAIT)
    address = breakable_kafka.address
    end(breakable_kafka)
    assert not breakable_kafka.answers()
    assert breakable_kafka.start().address == address
    assert topic in admin(breakable_kafka).list_topics(timeout=WAIT).topics


def test_killed_cassandra_keeps_acknowledged_writes(breakable_cassandra: Server) -> None:
    """With the commit log of tests, acknowledged writes survive a crash."""
    rows = 300
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    with session(breakable_cassandra) as cql:
        cql.execute(f"CREATE KEYSPACE survives WITH replication = {replication}")
        cql.execute("CREATE TABLE survives.kill (id int PRIMARY KEY)")
        insert = cql.prepare("INSERT INTO survives.kill (id) VALUES (?)")
        for number in range(rows):
            cql.execute(insert, (number,))
        breakable_cassandra.kill()
    assert not breakable_cassandra.answers()
    with session(breakable_cassandra.start()) as cql:
        assert cql.execute("SELECT count(*) FROM survives.kill").one().count == rows
        cql.execute("DROP KEYSPACE survives")


def test_frozen_kafka_answers_nothing(breakable_kafka: Server) -> None:
    """A paused broker keeps its process and answers nothing until it is resumed."""
    freeze_and_resume(breakable_kafka)


def test_frozen_cassandra_answers_nothing(breakable_cassandra: Server) -> None:
    """A paused node keeps its process and answers nothing until it is resumed."""
    freeze_and_resume(breakable_cassandra)


def freeze_and_resume(server: Server) -> None:
    server.pause()
    assert server.pid
    assert not server.answers(timeout=0.5)
    server.resume()
    assert server.answers(timeout=WAIT)
