"""Checks at once whether brokers answer and let this process in, and names the reason if not.

librdkafka retries a refused connection, and a refused password, until a request's timeout has
passed. That is right for a worker; a person at a terminal wants to know now.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from services.errors import AccessRefused, BrokerUnavailable
from services.settings.brokers import Brokers

STEP_SECONDS: Final = 0.2
"""Between two checks whether a broker has refused."""
REFUSALS: Final = {
    KafkaError._AUTHENTICATION: "MINGLE_KAFKA_USER and its password",  # noqa: SLF001 - its name
    KafkaError._SSL: "MINGLE_KAFKA_CA_FILE and the client's certificate",  # noqa: SLF001
}
"""The settings to check, by error code."""


def describe_error(error: KafkaException) -> str:
    """Return librdkafka's own text of an error."""
    return str(error.args[0].str())


@contextmanager
def broker_errors(timeout: float) -> Iterator[None]:
    """Raise BrokerUnavailable for confluent-kafka's errors, and for an answer that is late."""
    try:
        yield
    except KafkaException as error:
        raise BrokerUnavailable(describe_error(error)) from error
    except TimeoutError as error:
        raise BrokerUnavailable(f"no answer in {timeout:g} s") from error


def expect_brokers(brokers: Brokers, timeout: float) -> None:
    """Raise BrokerUnavailable where no address accepts a connection in time. Or AccessRefused."""
    for address in brokers.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with closing(socket.create_connection((host.strip("[]"), int(port)), timeout)):
                return expect_access(brokers, timeout)
        except (OSError, ValueError, OverflowError):
            continue
    raise BrokerUnavailable(f"no broker answers at {brokers}")


def expect_access(brokers: Brokers, timeout: float) -> None:
    """Raise AccessRefused where brokers require another certificate, user or password.

    Raise BrokerUnavailable where they do not answer in time. Without TLS and user, ask nobody.
    """
    if brokers.protocol == "PLAINTEXT":
        return
    refused: list[Any] = []
    client = AdminClient(brokers.librdkafka() | {"log_level": 0, "error_cb": refused.append})
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            client.list_topics(timeout=STEP_SECONDS)
        except KafkaException as error:
            refused.append(error.args[0])
            client.poll(0)
        else:
            return
        for each in refused:
            if each.code() in REFUSALS:
                raise AccessRefused(f"Kafka at {brokers}: {each.str()} ({REFUSALS[each.code()]})")
    raise BrokerUnavailable(f"no broker answers at {brokers} in {timeout:g} s")
