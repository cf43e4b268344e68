"""aiokafka's connections on uvloop; importing this mends them.

A connection whose transport is closed is told to send before aiokafka has learned of the end.
asyncio's own loop lets the bytes fall and says so later; uvloop raises RuntimeError, and aiokafka,
which looks for OSError, lets it pass: the task that keeps the brokers' metadata dies of it, and
no group finds its coordinator again. Here it is an error of the connection, as aiokafka's callers
expect. tests/streams/test_connections.py fails on the day upstream does so itself.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

upstream_send = AIOKafkaConnection.send


def send(connection: Any, request: Any, expect_response: bool = True) -> Any:
    """Upstream's. Raises KafkaConnectionError also for a transport that is closed."""
    try:
        return upstream_send(connection, request, expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"{connection} is closed: {error}") from error


AIOKafkaConnection.send = send
