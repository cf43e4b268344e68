"""Live workers as a replay sees them: their groups' offsets and members."""

import asyncio
from contextlib import closing
from typing import Any, Final

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.contact import broker_errors, expect_brokers
from streams.kafka.offsets import OffsetClient
from streams.records import Partition
from streams.routes import ROUTES, WRITE_HOMES, group_of

TIMEOUT: Final = 15.0
GROUPS: Final = WRITE_HOMES
"""The roles whose traffic has priority; the search has none."""
_STABLE: Final = {
    ConsumerGroupState.STABLE,
    ConsumerGroupState.EMPTY,
    ConsumerGroupState.DEAD,  # there never was one
}


class LiveGroups:
    """Joins no group and commits nothing. Every method raises BrokerUnavailable."""

    def __init__(self, brokers: Brokers) -> None:
        options = brokers.librdkafka() | {"log_level": 0}
        self._offsets = OffsetClient(brokers, TIMEOUT)
        self._groups: dict[str, Any] = {
            role: Consumer(options | {"group.id": group_of(role), "enable.auto.commit": False})
            for role in GROUPS
        }

    async def look(self) -> tuple[dict[Partition, int], dict[Partition, int]]:
        """Return where their topics end now, and the offsets that they have committed."""
        return await asyncio.to_thread(self._look)

    async def ends(self, places: list[Partition]) -> dict[Partition, int]:
        """Return where these partitions end now, for those who read committed."""
        return await asyncio.to_thread(self._ends, places)

    async def members(self) -> frozenset[str] | None:
        """Return the names of the members of these groups; None while a group rebalances.

        A worker that died is among them until its session expires.
        """
        return await asyncio.to_thread(self._members)

    async def group_members(self, group: str) -> frozenset[str]:
        """Return the ids of a group's members, whatever it does; none where there is no group."""
        (found,) = await asyncio.to_thread(self._describe, [group])
        return frozenset(each.member_id for each in found.members)

    def close(self) -> None:
        for each in self._groups.values():
            each.close()

    def _look(self) -> tuple[dict[Partition, int], dict[Partition, int]]:
        committed: dict[Partition, int] = {}
        with broker_errors(TIMEOUT):
            for role, group in self._groups.items():
                places = self._offsets.partitions(
                    route.topic for route in ROUTES if route.role == role
                )
                wanted = [TopicPartition(*each) for each in places]
                for each in group.committed(wanted, timeout=TIMEOUT):
                    committed[Partition(each.topic, each.partition)] = max(0, each.offset)
        return self._ends(list(committed)), committed

    def _members(self) -> frozenset[str] | None:
        groups = self._describe(list(map(group_of, GROUPS)))
        if any(each.state not in _STABLE for each in groups):
            return None
        return frozenset(
            each.group_instance_id or each.client_id for group in groups for each in group.members
        )

    def _describe(self, groups: list[str]) -> list[Any]:
        try:
            answers = self._offsets.admin.describe_consumer_groups(groups, request_timeout=TIMEOUT)
            return [answer.result(TIMEOUT) for answer in answers.values()]
        except (KafkaException, TimeoutError) as error:
            named = ", ".join(groups)
            raise BrokerUnavailable(f"the members of {named} are not known: {error}") from error

    def _ends(self, places: list[Partition]) -> dict[Partition, int]:
        try:
            return self._offsets.find(dict.fromkeys(places, OffsetSpec.latest()))
        except BrokerUnavailable as error:
            raise BrokerUnavailable(f"the ends of the topics are not known: {error}") from error


async def committed_of(
    brokers: Brokers, group: str, places: list[Partition]
) -> dict[Partition, int]:
    """Return what a group has committed, without joining it. Raises BrokerUnavailable."""

    def look() -> dict[Partition, int]:
        expect_brokers(brokers, TIMEOUT)
        client: Any = Consumer(brokers.librdkafka() | {"group.id": group, "log_level": 0})
        with closing(client), broker_errors(TIMEOUT):
            found = client.committed([TopicPartition(*each) for each in places], timeout=TIMEOUT)
        return {
            Partition(each.topic, each.partition): each.offset for each in found if each.offset >= 0
        }

    return await asyncio.to_thread(look)
