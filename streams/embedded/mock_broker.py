"""A Kafka in this process that speaks real TCP: librdkafka's mock cluster.

It comes with the confluent-kafka wheel. aiokafka and Faust work on it: groups, commits,
idempotent producers. It creates no topics on request, does not compact and forgets everything
when it closes. A second rebalance of a group takes its members' session timeout, less a second:
tests of rebalances set it low.
"""

import ctypes
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import IntEnum
from functools import cache
from typing import Any, Final

from confluent_kafka import cimpl

PRODUCER: Final = 0
DESTROY_AT_ONCE: Final = 0x4 | 0x8
"""Do not wait for messages in flight or leave groups: the mock holds nothing worth keeping."""
QUIET: Final = b"3"
"""Errors only: the library's broker threads would log each injected fault."""
MESSAGE_BYTES: Final = 512
"""As long as librdkafka's own examples allow an error message to be."""
DISCONNECT: Final = -195
"""As an injected error: the broker closes the connection instead of answering."""


class Api(IntEnum):
    """Requests that can be made to fail, by their number in Kafka's protocol."""

    PRODUCE = 0
    FETCH = 1
    METADATA = 3
    SYNC_GROUP = 14


class MockBrokerError(RuntimeError):
    """The mock cluster refused a call."""


class MockBroker(AbstractContextManager["MockBroker"]):
    """Brokers 1 to `brokers` on free ports of the loopback, until `close`.

    Safe to call from any thread. After `close` only `close` may be called again.
    """

    def __init__(self, brokers: int = 1) -> None:
        self._lib = _librdkafka()
        self._client = _new_client(self._lib)
        self._cluster: int | None = self._lib.rd_kafka_mock_cluster_new(self._client, brokers)
        if not self._cluster:
            self._lib.rd_kafka_destroy_flags(self._client, DESTROY_AT_ONCE)
            raise MockBrokerError("librdkafka could not start its mock cluster")
        # A group's first member would otherwise wait three seconds for others.
        self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        bootstraps: bytes = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster)
        self.bootstrap: Final = bootstraps.decode()

    def create_topic(self, name: str, partitions: int = 4, replication: int = 1) -> None:
        """Create a topic. Partitions and replication of an existing one cannot be changed."""
        self._check(
            self._lib.rd_kafka_mock_topic_create(
                self._cluster, name.encode(), partitions, replication
            ),
            f"create topic {name}",
        )

    def fail_next(self, api: Api, *errors: int) -> None:
        """Answer the next requests of this kind with these error codes, one each.

        Codes are Kafka's own (6 is NOT_LEADER_OR_FOLLOWER), or `DISCONNECT`.
        """
        codes = (ctypes.c_int * len(errors))(*errors)
        self._lib.rd_kafka_mock_push_request_errors_array(self._cluster, api, len(errors), codes)

    def stop_failing(self, api: Api) -> None:
        self._lib.rd_kafka_mock_clear_request_errors(self._cluster, api)

    def broker_down(self, broker: int = 1) -> None:
        """Close and refuse connections; the broker keeps its messages."""
        self._check(self._lib.rd_kafka_mock_broker_set_down(self._cluster, broker), "broker down")

    def broker_up(self, broker: int = 1) -> None:
        self._check(self._lib.rd_kafka_mock_broker_set_up(self._cluster, broker), "broker up")

    def delay_answers(self, milliseconds: int, broker: int = 1) -> None:
        """Delay every answer of this broker."""
        self._check(
            self._lib.rd_kafka_mock_broker_set_rtt(self._cluster, broker, milliseconds),
            "delay answers",
        )

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        self._check(
            self._lib.rd_kafka_mock_partition_set_leader(
                self._cluster, topic.encode(), partition, broker
            ),
            f"leader of {topic}[{partition}]",
        )

    def set_group_coordinator(self, group: str, broker: int) -> None:
        self._check(
            self._lib.rd_kafka_mock_coordinator_set(
                self._cluster, b"group", group.encode(), broker
            ),
            f"coordinator of {group}",
        )

    def close(self) -> None:
        if self._cluster is None:
            return
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy_flags(self._client, DESTROY_AT_ONCE)
        self._cluster = None

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, code: int, action: str) -> None:
        if code:
            text: bytes = self._lib.rd_kafka_err2str(code)
            raise MockBrokerError(f"{action}: {text.decode()}")


def _new_client(lib: Any) -> int:
    """Return the client handle that a mock cluster needs; it sends nothing itself."""
    message = ctypes.create_string_buffer(MESSAGE_BYTES)
    conf = lib.rd_kafka_conf_new()
    lib.rd_kafka_conf_set(conf, b"log_level", QUIET, message, MESSAGE_BYTES)
    client: int | None = lib.rd_kafka_new(PRODUCER, conf, message, MESSAGE_BYTES)
    if not client:
        raise MockBrokerError(message.value.decode())
    return client


@cache
def _librdkafka() -> Any:
    """Return the library that confluent-kafka is linked to, with the signatures used here.

    It is loaded through the extension module, whose handle also resolves its dependencies: so it
    is found wherever the wheel of any system has put it.
    """
    lib = ctypes.CDLL(cimpl.__file__)
    for name, (result, *arguments) in _SIGNATURES.items():
        function: Callable[..., Any] = getattr(lib, name)
        function.restype = result  # type: ignore[attr-defined]
        function.argtypes = arguments  # type: ignore[attr-defined]
    return lib


_POINTER = ctypes.c_void_p
_TEXT = ctypes.c_char_p
_INT = ctypes.c_int
_INTS = ctypes.POINTER(ctypes.c_int)
_SIZE = ctypes.c_size_t
_INT16 = ctypes.c_int16
_INT32 = ctypes.c_int32

_SIGNATURES: Final[dict[str, tuple[Any, ...]]] = {
    "rd_kafka_conf_new": (_POINTER,),
    "rd_kafka_conf_set": (_INT, _POINTER, _TEXT, _TEXT, _TEXT, _SIZE),
    "rd_kafka_new": (_POINTER, _INT, _POINTER, _TEXT, _SIZE),
    "rd_kafka_destroy_flags": (None, _POINTER, _INT),
    "rd_kafka_err2str": (_TEXT, _INT),
    "rd_kafka_mock_cluster_new": (_POINTER, _POINTER, _INT),
    "rd_kafka_mock_cluster_destroy": (None, _POINTER),
    "rd_kafka_mock_cluster_bootstraps": (_TEXT, _POINTER),
    "rd_kafka_mock_topic_create": (_INT, _POINTER, _TEXT, _INT, _INT),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, _POINTER, _INT32),
    "rd_kafka_mock_push_request_errors_array": (None, _POINTER, _INT16, _SIZE, _INTS),
    "rd_kafka_mock_clear_request_errors": (None, _POINTER, _INT16),
    "rd_kafka_mock_broker_set_down": (_INT, _POINTER, _INT32),
    "rd_kafka_mock_broker_set_up": (_INT, _POINTER, _INT32),
    "rd_kafka_mock_broker_set_rtt": (_INT, _POINTER, _INT32, _INT),
    "rd_kafka_mock_partition_set_leader": (_INT, _POINTER, _TEXT, _INT32, _INT32),
    "rd_kafka_mock_coordinator_set": (_INT, _POINTER, _TEXT, _TEXT, _INT32),
}
"""Result, then arguments, as in librdkafka's rdkafka.h and rdkafka_mock.h."""
