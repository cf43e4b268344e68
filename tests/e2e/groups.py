"""Takes the members of earlier tests out of the workers' groups.

A worker keeps its place in a group for half a minute after its end, so that a restart is no
rebalance. The next test would wait as long for the partitions that it holds.
"""

import asyncio
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.group import LeaveGroupRequest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.routes import ROLES

ANSWER_SECONDS = 60.0
REQUEST_SECONDS = 30.0


def empty_groups(bootstrap: str) -> None:
    """On return nobody is in the group of any role, as far as the broker knows them now."""
    admin: Any = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    groups = [f"mingle-{role}" for role in ROLES]
    answers = admin.describe_consumer_groups(groups, request_timeout=REQUEST_SECONDS)
    members = [(group, member) for group, answer in answers.items() for member in _members(answer)]
    if members:
        asyncio.run(asyncio.wait_for(_leave(bootstrap, members), ANSWER_SECONDS))


def _members(answer: Any) -> list[str]:
    try:
        return [str(member.member_id) for member in answer.result(ANSWER_SECONDS).members]
    except KafkaException:  # a broker that has just started looks after no group yet
        return []


async def _leave(bootstrap: str, members: list[tuple[str, str]]) -> None:
    client: Any = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        for group, member in members:
            node = client.get_random_node()  # there is one broker, which coordinates every group
            answer = await client.send(node, LeaveGroupRequest(group, member))
            assert answer.error_code == 0, answer
    finally:
        await client.close()
