"""Kafka in a run: empties topics, sends messages, and counts those that are not handled yet."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import OffsetSpec

from schemas import topics
from schemas.codec import Message, encode
from servers.process import wait_until
from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.offsets import OffsetClient
from streams.records import Partition

ANSWER_SECONDS = 60.0
IN_FLIGHT_MESSAGES = 1_000_000
"""Bound of the producer's queue: a maximum phase sends all messages at once."""
OPERATORS = "operators"
"""The consumers of dead letters, which need not be handled for a run to end."""


class TopicsNotEmpty(RuntimeError):
    """The topics hold messages that the run may not delete."""


class UnacknowledgedMessages(RuntimeError):
    """The broker did not acknowledge some messages."""


class KafkaTopics:
    """The topics of a broker. Blocks; make and use it in one thread."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._options = brokers.librdkafka() | {"log_level": 0}
        self._offsets = OffsetClient(brokers, ANSWER_SECONDS)
        self._groups: dict[str, Any] = {}

    def remove_topics(self, *, erase: bool) -> None:
        """Delete the topics. Raises TopicsNotEmpty if they hold messages and `erase` is not set."""
        present = self._present()
        messages = sum(self._ends(sorted(present)).values())
        if messages and not erase:
            raise TopicsNotEmpty(
                f"the topics at {self._brokers} hold {messages:,} messages, "
                "but a run begins with empty topics: use other brokers, or give --erase"
            )
        for future in (
            self._offsets.admin.delete_topics(sorted(present)).values() if present else ()
        ):
            future.result(ANSWER_SECONDS)
        self._delete_groups()
        wait_until(lambda: not self._present(), ANSWER_SECONDS)

    def _delete_groups(self) -> None:
        """Delete the consumer groups, whose offsets are of topics that are gone."""
        groups = list(map(_group_of, topics_by_role()))
        for future in self._offsets.admin.delete_consumer_groups(groups).values():
            with suppress(KafkaException):  # there is none, or it has members and will commit again
                future.result(ANSWER_SECONDS)

    def uncommitted(self) -> int:
        """Return how many messages the workers have not committed yet, over all topics."""
        total = 0
        for role, names in topics_by_role().items():
            done = self._committed(role, names)
            # Offsets of a deleted topic may outlast it for a while.
            total += sum(max(0, end - done.get(at, 0)) for at, end in self._ends(names).items())
        return total

    def close(self) -> None:
        for group in self._groups.values():
            group.close()

    def _present(self) -> set[str]:
        existing = self._offsets.admin.list_topics(timeout=ANSWER_SECONDS).topics
        return set(existing) & set(topics.load_topics())

    def _ends(self, names: Sequence[str]) -> dict[Partition, int]:
        """Return where these topics end for those who read what is committed."""
        return self._offsets.find(dict.fromkeys(_places(names), OffsetSpec.latest()))

    def _committed(self, role: str, names: Sequence[str]) -> dict[tuple[str, int], int]:
        """Ask as a consumer that never joins: the admin client's request crashes the process."""
        if role not in self._groups:
            self._groups[role] = Consumer(self._options | {"group.id": _group_of(role)})
        wanted = [TopicPartition(*place) for place in _places(names)]
        held = self._groups[role].committed(wanted, timeout=ANSWER_SECONDS)
        return {(each.topic, each.partition): max(0, each.offset) for each in held}


class Sender:
    """Sends messages and counts acknowledgements; only `flush` waits for them."""

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
        """Process acknowledgements."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until all is acknowledged. Raises UnacknowledgedMessages."""
        left = self._producer.flush(ANSWER_SECONDS)
        if left or self.refused:
            raise UnacknowledgedMessages(f"{left + self.refused} messages were not acknowledged")

    def _delivered(self, error: Any, _: Any) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self.refused += 1


def topics_by_role() -> Mapping[str, Sequence[str]]:
    """Return the topics of each role of workers, from the declarations of topics.

    A role that sends requests comes before the role that handles them: once the first has nothing
    left, the second gets no more.
    """
    read: dict[str, list[str]] = {}
    for name, topic in topics.load_topics().items():
        for role in topic.consumers:
            if role != OPERATORS:
                read.setdefault(role, []).append(name)

    def gets_requests(role: str) -> bool:
        return any(read.keys() & set(topics.load_topics()[name].producers) for name in read[role])

    return {role: read[role] for role in sorted(read, key=lambda role: (gets_requests(role), role))}


def is_drained(kafka: KafkaTopics) -> bool:
    """Whether everything is committed; False also where Kafka does not answer now."""
    try:
        return kafka.uncommitted() == 0
    except (
        KafkaException,
        BrokerUnavailable,
    ):  # a coordinator that is being found, a broker that is slow
        return False


def _places(names: Sequence[str]) -> list[Partition]:
    declared = topics.load_topics()
    return [Partition(name, index) for name in names for index in range(declared[name].partitions)]


def _group_of(role: str) -> str:
    """Return the name of a role's consumer group."""
    return f"mingle-{role}"
