"""The servers that the whole run shares."""

import pytest
from cassandra.cluster import Cluster
from confluent_kafka.admin import AdminClient

from servers.server import Reachable, Server


def test_kafka_answers(kafka: Reachable) -> None:
    """A client sees one broker, at the address it was given."""
    client = AdminClient({"bootstrap.servers": kafka.address})
    brokers = client.list_topics(timeout=10).brokers.values()
    assert [f"{broker.host}:{broker.port}" for broker in brokers] == [kafka.address]


def test_cassandra_answers(cassandra: Reachable) -> None:
    """A client can query it."""
    cluster = Cluster([cassandra.host], port=cassandra.port)
    try:
        version = cluster.connect().execute("SELECT release_version FROM system.local").one()
        assert version.release_version.startswith("5.0.")
    finally:
        cluster.shutdown()


def test_kafka_restarts_after_a_crash(breakable_kafka: Server) -> None:
    """A killed server is gone at once, and answers at the same address when it is started."""
    address = breakable_kafka.address
    breakable_kafka.kill()
    assert not breakable_kafka.answers()
    assert breakable_kafka.start().answers()
    assert breakable_kafka.address == address


@pytest.mark.parametrize("name", ["kafka", "cassandra"])
def test_frozen_server_answers_nothing(name: str, request: pytest.FixtureRequest) -> None:
    """A paused server keeps its process and answers nothing until it is resumed."""
    server: Server = request.getfixturevalue(f"breakable_{name}")
    server.pause()
    assert server.pid
    assert not server.answers(timeout=0.5)
    server.resume()
    assert server.answers(timeout=30)
