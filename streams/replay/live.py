"""What live workers are behind, as a replay sees it: by their groups' offsets."""

import asyncio
from typing import Any, Final

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.kafka.contact import expect_brokers
from streams.records import Partition
from streams.routes import ROUTES, WRITE_HOMES

TIMEOUT: Final = 15.0
GROUPS: Final = WRITE_HOMES
"""The roles whose traffic goes first; the search is in no hurry."""
_SETTLED: Final = {
    ConsumerGroupState.STABLE,
    ConsumerGroupState.EMPTY,
    ConsumerGroupState.DEAD,  # there never was one
}


class LiveGroups:
    """Asks; joins no group and commits nothing. Every method raises BrokerUnavailable."""

    def __init__(self, brokers: Brokers) -> None:
        options = brokers.librdkafka() | {"log_level": 0}
        self._admin: Any = AdminClient(options)
        self._groups: dict[str, Any] = {
            role: Consumer(options | {"group.id": f"mingle-{role}", "enable.auto.commit": False})
            for role in GROUPS
        }

    async def look(self) -> tuple[dict[Partition, int], dict[Partition, int]]:
        """Where their topics end now, and what they have committed."""
        return await asyncio.to_thread(self._look)

    async def ends(self, places: list[Partition]) -> dict[Partition, int]:
        """Where these partitions end now."""
        return await asyncio.to_thread(self._ends, places)

    async def members(self) -> frozenset[str] | None:
        """All who may commit in these groups, by their names; None while a group changes.

        A worker that died is among them until its session is over.
        """
        return await asyncio.to_thread(self._members)

    def close(self) -> None:
        for each in self._groups.values():
            each.close()

    def _look(self) -> tuple[dict[Partition, int], dict[Partition, int]]:
        committed: dict[Partition, int] = {}
        try:
            listed = self._admin.list_topics(timeout=TIMEOUT).topics
            for role, group in self._groups.items():
                wanted = [
                    TopicPartition(route.topic, number)
                    for route in ROUTES
                    if route.role == role and route.topic in listed
                    for number in listed[route.topic].partitions
                ]
                for each in group.committed(wanted, timeout=TIMEOUT):
                    committed[Partition(each.topic, each.partition)] = max(0, each.offset)
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].str()) from error
        return self._ends(list(committed)), committed

    def _members(self) -> frozenset[str] | None:
        names: set[str] = set()
        try:
            asked = [f"mingle-{role}" for role in GROUPS]
            answers = self._admin.describe_consumer_groups(asked, request_timeout=TIMEOUT)
            for answer in answers.values():
                group = answer.result(TIMEOUT)
                if group.state not in _SETTLED:
                    return None
                names.update(each.group_instance_id or each.client_id for each in group.members)
        except (KafkaException, TimeoutError) as error:
            raise BrokerUnavailable(f"who the workers are is not known: {error}") from error
        return frozenset(names)

    def _ends(self, places: list[Partition]) -> dict[Partition, int]:
        asked = {TopicPartition(*place): OffsetSpec.latest() for place in places}
        try:
            answers = self._admin.list_offsets(asked, request_timeout=TIMEOUT) if asked else {}
            return {
                Partition(at.topic, at.partition): answer.result(TIMEOUT).offset
                for at, answer in answers.items()
            }
        except (KafkaException, TimeoutError) as error:
            raise BrokerUnavailable(f"where the topics end is not known: {error}") from error


async def committed_of(
    brokers: Brokers, group: str, places: list[Partition]
) -> dict[Partition, int]:
    """What a group has committed of these, asked without joining it. Raises BrokerUnavailable."""

    def look() -> dict[Partition, int]:
        expect_brokers(brokers, TIMEOUT)
        asking: Any = Consumer(brokers.librdkafka() | {"group.id": group, "log_level": 0})
        try:
            found = asking.committed([TopicPartition(*each) for each in places], timeout=TIMEOUT)
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].str()) from error
        finally:
            asking.close()
        return {
            Partition(each.topic, each.partition): each.offset for each in found if each.offset >= 0
        }

    return await asyncio.to_thread(look)
