"""Patches aiokafka's connections for uvloop, when imported.

aiokafka may send on a connection before it learns that the transport is closed. asyncio's own loop
drops the bytes and reports that later. uvloop raises RuntimeError, which aiokafka does not catch
(it catches OSError): the task that updates the brokers' metadata dies, and no group finds its
coordinator again. The patch makes it a connection error, as aiokafka's callers expect.
tests/streams/test_connections.py fails once upstream does so itself.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

upstream_send = AIOKafkaConnection.send


def send(connection: Any, request: Any, expect_response: bool = True) -> Any:
    """Send as upstream does. Raise KafkaConnectionError also for a closed transport."""
    try:
        return upstream_send(connection, request, expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"{connection} is closed: {error}") from error


AIOKafkaConnection.send = send
