"""A connection that has ended is an error of the connection, on every event loop."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from streams.embedded.mock_broker import MockBroker
from streams.kafka.connections import upstream_send

ALL_TOPICS = MetadataRequest([])


async def ended(bootstrap: str) -> AIOKafkaConnection:
    """Its transport is closed, and nothing has told it so yet."""
    host, _, port = bootstrap.rpartition(":")
    connection = AIOKafkaConnection(host, int(port))
    await connection.connect()
    connection._writer.transport.abort()
    await asyncio.sleep(0)  # the transport closes in this turn, its reader is told in the next
    return connection


def on_uvloop(check: Callable[[str], Awaitable[None]], bootstrap: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(check(bootstrap))


@pytest.fixture
def bootstrap(broker: MockBroker) -> str:
    return broker.bootstrap


def test_what_is_sent_on_a_closed_transport_raises_what_aiokafka_expects(bootstrap: str) -> None:
    """And the connection counts as closed, so that another one is made."""

    async def check(bootstrap: str) -> None:
        connection = await ended(bootstrap)
        with pytest.raises(KafkaConnectionError):
            connection.send(ALL_TOPICS)
        assert not connection.connected()

    on_uvloop(check, bootstrap)


def test_upstream_lets_another_error_pass(bootstrap: str) -> None:
    """Control: when this fails, `streams/kafka/connections.py` can go."""

    async def check(bootstrap: str) -> None:
        connection = await ended(bootstrap)
        with pytest.raises(RuntimeError):
            upstream_send(connection, ALL_TOPICS)
        connection.close()

    on_uvloop(check, bootstrap)
