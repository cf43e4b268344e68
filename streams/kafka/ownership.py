"""Notices partitions that no member of the group owns, and has the group assign them.

aiokafka watches the partitions of its topics only as the group's leader, and a static member that
returns within its session is told of no leader: after a rolling update nobody watches. So each
member compares what exists with what the group has assigned.
"""
# ruff: noqa: SLF001 - as in consumer_thread; tests/streams/test_upstream.py watches what is used

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple
from uuid import uuid4

import structlog
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocol, ConsumerProtocolMemberMetadata
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    IncompatibleBrokerVersion,
    KafkaError,
)
from aiokafka.structs import TopicPartition

from streams.kafka.group_description import STABLE, describe_group
from streams.records import Partition

LOOKS: Final = 3
"""Looks at the group in the time after which metadata is refreshed."""
LOOK_SECONDS: Final = 10.0
"""For one look; the next one is no worse."""
LONGEST_PAUSE: Final = 600.0
"""Between two rebalances that did not help."""

log = structlog.get_logger(__name__)


class Unowned(NamedTuple):
    """How many seconds a partition has had no owner, and how many messages wait in it."""

    seconds: float
    messages: int


class Ownership:
    """Remembers since when partitions have had no owner. Decides when to ask for a rebalance."""

    def __init__(self, patience: float, now: Callable[[], float] = time.monotonic) -> None:
        """Wait for `patience` seconds, until the member that will assign knows of the partition."""
        self._patience = patience
        self._now = now
        self._since: dict[Partition, float] = {}
        self._pause = patience
        self._not_before = 0.0

    def look(self, existing: AbstractSet[Partition], owned: AbstractSet[Partition]) -> bool:
        """Note which partitions exist and which are owned. Return whether to ask now."""
        now = self._now()
        self._since = {each: self._since.get(each, now) for each in existing - owned}
        if not self._since:
            self._pause, self._not_before = self._patience, 0.0
            return False
        if now < max(min(self._since.values()) + self._patience, self._not_before):
            return False
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._not_before = now + self._pause
        return True

    def unowned(self) -> dict[Partition, float]:
        """Return the partitions without an owner, and for how many seconds."""
        return {each: self._now() - since for each, since in self._since.items()}


def new_assignor(birth: bytes) -> type[RoundRobinPartitionAssignor]:
    """Return upstream's assignor for one member, with data that joins the group with it.

    These are the birth of its process, by which workers of one name are told apart, and a `note`:
    a broker rebalances a stable group when a member joins again with another one than before.
    """

    class Assignor(RoundRobinPartitionAssignor):  # type: ignore[misc] # untyped upstream
        note = b""

        @classmethod
        def metadata(cls, topics: Iterable[str]) -> Any:
            return ConsumerProtocolMemberMetadata(cls.version, list(topics), birth + cls.note)

    return Assignor


class GroupWatch:
    """Looks at a consumer's group for as long as the consumer runs. For the consumer's loop."""

    def __init__(self, consumer: Any, assignor: Any, metadata_seconds: float) -> None:
        self._consumer = consumer
        self._assignor = assignor
        self._pause = metadata_seconds / LOOKS
        self._ownership = Ownership(metadata_seconds)
        self.unowned: Mapping[Partition, Unowned] = {}

    async def __call__(self) -> None:
        """Look again and again, until the brokers cannot say who owns what."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look()
            except IncompatibleBrokerVersion:
                return
            except (KafkaError, TimeoutError) as error:
                log.warning("owners of partitions are not known", error=repr(error))

    async def _look(self) -> None:
        owned = await self._owned()
        if owned is None:
            return
        if self._ownership.look(self._existing(), owned):
            log.warning("asking the group to assign partitions without an owner",
                        partitions=sorted(self._ownership.unowned()))  # fmt: skip
            self._assignor.note = uuid4().bytes
            self._consumer._coordinator.request_rejoin()
        unowned = self._ownership.unowned()
        waiting = await self._waiting(unowned)
        self.unowned = {each: Unowned(unowned[each], waiting[each]) for each in unowned}

    def _existing(self) -> set[Partition]:
        cluster = self._consumer._client.cluster
        return {
            Partition(topic, number)
            for topic in self._consumer.subscription()
            for number in cluster.partitions_for_topic(topic) or ()
        }

    async def _owned(self) -> set[Partition] | None:
        """Return what the group has assigned; None while it rebalances or no broker answers.

        Raises KafkaError, also where the broker refuses to say.
        """
        try:
            group = await describe_group(self._consumer)
        except GroupCoordinatorNotAvailableError:
            return None
        if group.state != STABLE:
            return None
        return {
            Partition(*place)
            for member in group.members
            if member.assignment
            for place in ConsumerProtocol.ASSIGNMENT.decode(member.assignment).partitions()
        }

    async def _waiting(self, unowned: Iterable[Partition]) -> dict[Partition, int]:
        """Return how many messages in these partitions the group has not committed."""
        places = [TopicPartition(*each) for each in unowned]
        if not places:
            return {}
        firsts = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        committed = await self._consumer._coordinator.fetch_committed_offsets(places)
        done = {each: max(firsts[each], at.offset) for each, at in committed.items()}
        return {
            Partition(*each): max(0, ends[each] - done.get(each, firsts[each])) for each in places
        }
