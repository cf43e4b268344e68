"""Asks the coordinator of a consumer's group who is in it."""
# ruff: noqa: SLF001 - as in consumer_thread; tests/streams/test_upstream.py watches what is used

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    IncompatibleBrokerVersion,
    for_code,
)
from aiokafka.protocol.admin import DescribeGroupsRequest

STABLE: Final = "Stable"
"""The state of a group whose members have their shares. In any other only their ids are shown."""
UUID_CHARACTERS: Final = 36


class GroupMember(NamedTuple):
    """A member, with what it joined with and what the group has assigned to it."""

    member_id: str
    metadata: bytes
    assignment: bytes

    @property
    def instance_id(self) -> str:
        """The name of a static member: the broker makes its id of that and a UUID."""
        return self.member_id[: -UUID_CHARACTERS - 1]


class GroupDescription(NamedTuple):
    """A group as its coordinator sees it."""

    state: str
    members: Sequence[GroupMember]


async def describe_group(consumer: Any) -> GroupDescription:
    """Return the group of a consumer. Raises KafkaError, also where the broker refuses to say."""
    coordinator, client = consumer._coordinator, consumer._client
    node = coordinator.coordinator_id
    # Not the coordinator's own connection, where a join may wait for other members.
    connection = None if node is None else await client._get_conn(node)
    if connection is None:
        raise GroupCoordinatorNotAvailableError
    if DescribeGroupsRequest.API_KEY not in connection._versions:
        raise IncompatibleBrokerVersion  # sent all the same, it would end the connection
    answer = await client.send(node, DescribeGroupsRequest([coordinator.group_id]))
    ((error, _, state, _, _, members),) = (each[:6] for each in answer.groups)
    if error:
        raise for_code(error)
    return GroupDescription(
        state, [GroupMember(member, metadata, share) for member, _, _, metadata, share in members]
    )
