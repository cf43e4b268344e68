"""A keyspace of the tests' own, with one table that has a column of every type used."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from servers.server import Reachable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.cluster import create_cluster
from services.storage.session import Store, connect

KEYSPACE = "storage_tests"
TABLE = """CREATE TABLE kinds (
    a int, b bigint, c bigint, small smallint, tiny tinyint, yes boolean,
    bytes blob, words text, ids frozen<list<bigint>>,
    PRIMARY KEY ((a, b), c)
) WITH default_time_to_live = 1000"""


def settings_for(server: Reachable, keyspace: str) -> Settings:
    return Settings(
        cassandra_hosts=(server.host,),
        cassandra_port=server.port,
        cassandra_keyspace=keyspace,
        store_timeout_seconds=10,
    )


@pytest.fixture(scope="session")
def settings(cassandra: Reachable) -> Settings:
    """A keyspace made anew; the server's end, or the next run, is its end."""
    chosen = settings_for(cassandra, KEYSPACE)
    direct = create_cluster(chosen)
    try:
        session = direct.connect()
        session.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}", timeout=60)
        session.execute(
            f"CREATE KEYSPACE {KEYSPACE} WITH replication = "
            "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"
        )
        session.set_keyspace(KEYSPACE)
        session.execute(TABLE)
    finally:
        direct.shutdown()
    return chosen


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
async def store(settings: Settings, metrics: Metrics) -> AsyncIterator[Store]:
    store = await connect(settings, metrics)
    yield store
    await store.close()
