"""Kafka, as a run uses it: topics made empty, messages sent, and how much of them is handled."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas import topics
from schemas.codec import Message, encode
from services.settings.brokers import Brokers

ANSWER_SECONDS = 60.0
POLL_SECONDS = 0.2
IN_FLIGHT_MESSAGES = 1_000_000
"""In the producer's queue: all of a maximum phase, which is sent at once."""
OPERATORS = "operators"
"""Who reads dead letters, which wait for nobody."""


class TopicsNotEmpty(RuntimeError):
    """The topics hold messages, and nobody said that they may go."""


class UnacknowledgedMessages(RuntimeError):
    """Messages that the broker did not take."""


class KafkaTopics:
    """One Kafka. Blocks; made and used in one thread."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._options = brokers.librdkafka() | {"log_level": 0}
        self._admin: Any = AdminClient(self._options)
        self._groups: dict[str, Any] = {}

    def remove_topics(self, *, erase: bool) -> None:
        """So that they can be made anew. NotErased where they hold something and must not go."""
        present = self._present()
        held = sum(self._ends(sorted(present)).values())
        if held and not erase:
            raise TopicsNotEmpty(
                f"the topics at {self._brokers} hold {held:,} messages; "
                "a run begins with empty ones: name other brokers, or allow --erase"
            )
        for future in self._admin.delete_topics(sorted(present)).values() if present else ():
            future.result(ANSWER_SECONDS)
        self._forget_groups()
        deadline = time.monotonic() + ANSWER_SECONDS
        while self._present() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _forget_groups(self) -> None:
        """What they had committed is of topics that are gone; a group that is not there is well."""
        groups = list(map(_group_of, topics_by_role()))
        for future in self._admin.delete_consumer_groups(groups).values():
            with suppress(KafkaException):  # none, or not empty: then it commits anew
                future.result(ANSWER_SECONDS)

    def waiting(self) -> int:
        """Messages that the workers have not committed yet, of all topics they read."""
        total = 0
        for role, names in topics_by_role().items():
            done = self._committed(role, names)
            # What a group had committed of a topic that was removed may outlast it for a while.
            total += sum(max(0, end - done.get(at, 0)) for at, end in self._ends(names).items())
        return total

    def close(self) -> None:
        for group in self._groups.values():
            group.close()

    def _present(self) -> set[str]:
        found = self._admin.list_topics(timeout=ANSWER_SECONDS).topics
        return set(found) & set(topics.load_topics())

    def _ends(self, names: Sequence[str]) -> dict[tuple[str, int], int]:
        wanted = {TopicPartition(*place): OffsetSpec.latest() for place in _places(names)}
        if not wanted:
            return {}
        answers = self._admin.list_offsets(wanted, request_timeout=ANSWER_SECONDS)
        return {
            (place.topic, place.partition): future.result(ANSWER_SECONDS).offset
            for place, future in answers.items()
        }

    def _committed(self, role: str, names: Sequence[str]) -> dict[tuple[str, int], int]:
        """Asked as a member that never joins: the admin client's own way ends the process."""
        if role not in self._groups:
            self._groups[role] = Consumer(self._options | {"group.id": _group_of(role)})
        wanted = [TopicPartition(*place) for place in _places(names)]
        held = self._groups[role].committed(wanted, timeout=ANSWER_SECONDS)
        return {(each.topic, each.partition): max(0, each.offset) for each in held}


class Sender:
    """Sends and counts; nothing waits for an answer but `flush`."""

    def __init__(self, brokers: Brokers) -> None:
        self.acknowledged = 0
        self.refused = 0
        self._producer = Producer(
            brokers.librdkafka()
            | {
                "log_level": 0,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "queue.buffering.max.messages": IN_FLIGHT_MESSAGES,
            }
        )

    def send(self, message: Message) -> None:
        topic, key, value = encode(message)
        self._producer.produce(topic, value, key, on_delivery=self._delivered)

    def poll(self) -> None:
        """Look at what was acknowledged."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Raises NotAcknowledged."""
        left = self._producer.flush(ANSWER_SECONDS)
        if left or self.refused:
            raise UnacknowledgedMessages(f"{left + self.refused} messages were not acknowledged")

    def _delivered(self, error: Any, _: Any) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self.refused += 1


def topics_by_role() -> Mapping[str, Sequence[str]]:
    """The topics of each role of workers, as their declarations say.

    Who asks for work comes before who does it: when nothing waits for the first, nothing more
    can come to the second.
    """
    read: dict[str, list[str]] = {}
    for name, topic in topics.load_topics().items():
        for role in topic.consumers:
            if role != OPERATORS:
                read.setdefault(role, []).append(name)

    def is_asked(role: str) -> bool:
        return any(read.keys() & set(topics.load_topics()[name].producers) for name in read[role])

    return {role: read[role] for role in sorted(read, key=lambda role: (is_asked(role), role))}


def is_drained(log: KafkaTopics) -> bool:
    """Whether everything is committed, as far as Kafka says it now."""
    try:
        return log.waiting() == 0
    except KafkaException:  # a coordinator that is being found, a broker that is slow
        return False


def _places(names: Sequence[str]) -> list[tuple[str, int]]:
    declared = topics.load_topics()
    return [(name, index) for name in names for index in range(declared[name].partitions)]


def _group_of(role: str) -> str:
    """Return the name of a role's consumer group."""
    return f"mingle-{role}"
