"""Compares the topics of the brokers with the declared ones, and applies the declaration.

Topics are created and their declared settings applied. The number of partitions is only ever
compared: removing partitions is impossible, and adding some moves keys to other partitions, where
they would overtake what is in flight. Topics that are not declared are left alone.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.topics import Topic
from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.contact import broker_errors, expect_brokers

TIMEOUT: Final = 15.0
"""Seconds for one request; creating ten topics of 64 partitions on one disk takes two."""
POLL: Final = 0.1
REPLICATION_OF_BROKER: Final = -1
"""The brokers' default, which suits one node and three alike."""
TOPIC: Final = "topic"
PARTITIONS: Final = "partitions"


class ActualTopic(NamedTuple):
    """A topic as the brokers have it, with all its settings."""

    partitions: int
    config: Mapping[str, str]
    replicas: int = 1
    """Of the partition that has fewest."""

    @property
    def min_in_sync(self) -> int:
        """Replicas that must have a message before it counts as acknowledged: a majority."""
        return self.replicas // 2 + 1


class TopicDifference(NamedTuple):
    """One difference from a topic's declaration: itself, its partitions or a setting."""

    topic: str
    what: str
    declared: str
    actual: str

    def __str__(self) -> str:
        if self.what == TOPIC:
            return f"{self.topic}: missing"
        return f"{self.topic}: {self.what} {self.actual}, declared {self.declared}"


def compare_topics(
    declared: Mapping[str, Topic], actual: Mapping[str, ActualTopic]
) -> list[TopicDifference]:
    """Return how topics differ from their declaration. Other settings and topics do not matter."""
    return [
        difference
        for name, topic in declared.items()
        for difference in _differences(topic, actual.get(name))
    ]


class TopicAdmin:
    """Reads and changes topics. Every method raises BrokerUnavailable and AccessRefused."""

    def __init__(self, brokers: Brokers, timeout: float = TIMEOUT) -> None:
        self._brokers = brokers
        self._timeout = timeout
        self._admin: Any = AdminClient(brokers.librdkafka() | {"log_level": 0})

    def actual(self, names: Iterable[str]) -> dict[str, ActualTopic]:
        """Return the named topics that exist."""
        topics = self._list()
        present = [name for name in names if name in topics]
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in present]
        if not resources:
            return {}
        described = self._all(
            self._admin.describe_configs(resources, request_timeout=self._timeout)
        )
        return {
            resource.name: ActualTopic(
                len(topics[resource.name].partitions),
                {name: str(entry.value) for name, entry in entries.items()},
                min(len(each.replicas) for each in topics[resource.name].partitions.values()),
            )
            for resource, entries in described
        }

    def mend(
        self, declared: Mapping[str, Topic], differences: Sequence[TopicDifference]
    ) -> list[TopicDifference]:
        """Create missing topics and apply settings. Return what still differs."""
        missing = [declared[each.topic] for each in differences if each.what == TOPIC]
        if missing:
            self._create(missing)
            # How many replicas they have, and so what is declared for them, is known only now.
            differences = self._wait(declared, lambda left: left.what != TOPIC)
        settings = [each for each in differences if each.what not in {TOPIC, PARTITIONS}]
        if settings:
            self._configure(settings)
        return self._wait(declared, lambda left: left.what == PARTITIONS)

    def _wait(
        self, declared: Mapping[str, Topic], is_expected: Callable[[TopicDifference], bool]
    ) -> list[TopicDifference]:
        """Return the differences once all are expected: brokers learn of changes a little later."""
        deadline = time.monotonic() + self._timeout
        while True:
            left = compare_topics(declared, self.actual(declared))
            if all(map(is_expected, left)) or time.monotonic() > deadline:
                return left
            time.sleep(POLL)

    def _list(self) -> Mapping[str, Any]:
        expect_brokers(self._brokers, self._timeout)
        try:
            topics: Mapping[str, Any] = self._admin.list_topics(timeout=self._timeout).topics
        except KafkaException as error:
            raise BrokerUnavailable(f"no broker answers at {self._brokers}") from error
        return topics

    def _create(self, topics: Iterable[Topic]) -> None:
        new = [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=REPLICATION_OF_BROKER,
                config=dict(topic.config),
            )
            for topic in topics
        ]
        self._all(
            self._admin.create_topics(
                new, operation_timeout=self._timeout, request_timeout=self._timeout
            )
        )

    def _configure(self, differences: Iterable[TopicDifference]) -> None:
        resources: dict[str, Any] = {}
        for each in differences:
            resource = resources.setdefault(
                each.topic, ConfigResource(ResourceType.TOPIC, each.topic)
            )
            resource.add_incremental_config(
                ConfigEntry(each.what, each.declared, incremental_operation=AlterConfigOpType.SET)
            )
        self._all(
            self._admin.incremental_alter_configs(
                list(resources.values()), request_timeout=self._timeout
            )
        )

    def _all(self, futures: Mapping[Any, Future[Any]]) -> list[tuple[Any, Any]]:
        with broker_errors(self._timeout):
            return [(key, future.result(self._timeout)) for key, future in futures.items()]


def _differences(topic: Topic, actual: ActualTopic | None) -> Iterator[TopicDifference]:
    if actual is None:
        yield TopicDifference(topic.name, TOPIC, str(topic.partitions), "0")
        return
    if actual.partitions != topic.partitions:
        yield TopicDifference(topic.name, PARTITIONS, str(topic.partitions), str(actual.partitions))
    in_sync = {"min.insync.replicas": str(actual.min_in_sync)}
    for name, value in {**topic.config, **in_sync}.items():
        found = actual.config.get(name, "unset")
        if found != value:
            yield TopicDifference(topic.name, name, value, found)
