"""Asks the brokers who is in which group and what each has left to do, without joining any."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec

from services.clock import Clock, now_ms
from services.settings.brokers import Brokers
from streams.kafka.contact import broker_errors, expect_brokers
from streams.kafka.offsets import OffsetClient
from streams.records import Partition
from streams.routes import ROUTES, group_of

T = TypeVar("T")

TIMEOUT: Final = 10.0
"""Seconds for each request: a person waits."""
YOUNGEST_MS: Final = 100
OLDEST_MS: Final = 30 * 86_400_000
NOT_YET: Final = frozenset(
    {
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
    }
)
"""What is said while a group's coordinator is being found, as after a start of the brokers."""
POLL_SECONDS: Final = 0.2
AGE_ROUNDS: Final = 10
"""Each halves the range of ages on a logarithmic scale: 10 leave an error of two percent."""


@dataclass(frozen=True)
class GroupStatus:
    """A consumer group: its members' names and, by topic, how many messages it is behind.

    `seconds` is the age of the oldest message that waits, 0 where none does. `lost` counts
    messages that the log removed before the group had read them.
    """

    group: str
    state: str
    members: tuple[str, ...]
    behind: Mapping[str, int]
    seconds: float
    lost: int
    partitions: int


class GroupAdmin:
    """Every method blocks, and raises BrokerUnavailable."""

    def __init__(self, brokers: Brokers, now: Clock = now_ms) -> None:
        self._brokers = brokers
        self._offsets = OffsetClient(brokers, TIMEOUT)
        self._now = now

    def status(self, group: str, topics: Sequence[str]) -> GroupStatus:
        """Return a group's status over all partitions of these topics that exist."""
        expect_brokers(self._brokers, TIMEOUT)
        with broker_errors(TIMEOUT):
            places = self._offsets.partitions(topics)
            state, members = when_coordinated(lambda: self._describe(group))
            committed = when_coordinated(lambda: self._committed(group, places))
            ends = self._offsets.find(dict.fromkeys(places, OffsetSpec.latest()))
            firsts = self._offsets.find(dict.fromkeys(places, OffsetSpec.earliest()))
            positions = {each: max(committed.get(each, 0), firsts[each]) for each in places}
            waiting = {each for each in places if positions[each] < ends[each]}
            seconds = self._age({each: positions[each] for each in waiting}) if waiting else 0.0
        behind = dict.fromkeys((each.topic for each in places), 0)
        for each in waiting:
            behind[each.topic] += ends[each] - positions[each]
        lost = sum(max(0, firsts[each] - offset) for each, offset in committed.items())
        return GroupStatus(group, state, members, behind, seconds, lost, len(places))

    def groups(self, prefix: str) -> list[str]:
        """Return the names of the groups that begin so, in their order."""
        admin = self._offsets.admin
        with broker_errors(TIMEOUT):
            found = admin.list_consumer_groups(request_timeout=TIMEOUT).result(TIMEOUT)
        return sorted(each.group_id for each in found.valid if each.group_id.startswith(prefix))

    def _describe(self, group: str) -> tuple[str, tuple[str, ...]]:
        asked = self._offsets.admin.describe_consumer_groups([group], request_timeout=TIMEOUT)
        (answer,) = asked.values()
        found = answer.result(TIMEOUT)
        names = {each.group_instance_id or each.client_id for each in found.members}
        return found.state.name.lower(), tuple(sorted(names))

    def _committed(self, group: str, places: Sequence[Partition]) -> dict[Partition, int]:
        """Return the offsets of a group's commits, where there are any."""
        if not places:
            return {}
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(*each) for each in places])
        admin = self._offsets.admin
        (answer,) = admin.list_consumer_group_offsets([wanted], request_timeout=TIMEOUT).values()
        return {
            Partition(each.topic, each.partition): each.offset
            for each in answer.result(TIMEOUT).topic_partitions
            if each.offset >= 0
        }

    def _age(self, waiting: Mapping[Partition, int]) -> float:
        """Return the age in seconds of the oldest message at these offsets."""
        now = self._now()

        def is_older(age_ms: float) -> bool:
            spec = OffsetSpec.for_timestamp(max(0, int(now - age_ms)))
            younger = self._offsets.find(dict.fromkeys(waiting, spec))
            return any(not 0 <= younger[each] <= offset for each, offset in waiting.items())

        return bisect_age(is_older) / 1_000


def when_coordinated(ask: Callable[[], T]) -> T:
    """Ask a group's coordinator until it is found and knows the group, for TIMEOUT at most."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                raise
        time.sleep(POLL_SECONDS)


def status_of_role(admin: GroupAdmin, role: str) -> GroupStatus:
    """Return the status of the group of a role. Raises BrokerUnavailable."""
    return admin.status(group_of(role), [each.topic for each in ROUTES if each.role == role])


def seconds_behind(admin: GroupAdmin, roles: Iterable[str]) -> float:
    """Return the age in seconds of the oldest message that waits for any of these roles."""
    return max(status_of_role(admin, each).seconds for each in roles)


def bisect_age(is_older: Callable[[float], bool]) -> float:
    """Return an age in milliseconds that a predicate knows, from YOUNGEST_MS to OLDEST_MS."""
    low, high = float(YOUNGEST_MS), float(OLDEST_MS)
    for _ in range(AGE_ROUNDS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if is_older(middle) else (low, middle)
    return low
