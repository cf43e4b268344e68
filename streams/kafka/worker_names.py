"""Settles which of two workers of one name stays in a group.

A static member that joins takes the place of the one of its name, and the broker cannot tell a
restart from a second worker. Two of one name would take it from each other for ever. So each
joins with the time of its process's birth, and one that has lost its place looks who has it:
the younger of the two ends. A predecessor that was killed never comes back.
"""
# ruff: noqa: SLF001 - as in consumer_thread; tests/streams/test_upstream.py watches what is used

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, UnknownMemberIdError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import JoinGroupRequest

from services.errors import MingleError
from streams.kafka.group_description import STABLE, describe_group

BIRTH_BYTES: Final = 16
"""Eight for the time, and eight at random, for two that begin at the same moment."""
LOOK_SECONDS: Final = 10.0
"""For the broker to say who has the name; asked again when it is late."""
FENCED_INSTANCE_ID: Final = 82
"""Kafka's code for a member whose place was taken. aiokafka does not know it, and would end."""
LOST: Final = {UnknownMemberIdError.errno, FENCED_INSTANCE_ID}

log = structlog.get_logger(__name__)


class NameTaken(MingleError):
    """An older worker has the name of this one, and stays."""


def new_birth(now_ns: int | None = None) -> bytes:
    """Return what orders processes by their age: smaller is older."""
    born = time.time_ns() if now_ns is None else now_ns
    return born.to_bytes(BIRTH_BYTES // 2) + os.urandom(BIRTH_BYTES // 2)


def is_younger(other: bytes, birth: bytes) -> bool:
    """Return whether `other` was born after `birth`. A release without births counts as older."""
    return other[:BIRTH_BYTES] > birth


class NameWatch:
    """Stands between a static member and its group's coordinator. For the consumer's loop."""

    taken: NameTaken | None = None
    """Why this member does not join again."""

    def __init__(
        self, consumer: Any, worker_name: str, birth: bytes, may_join: Callable[[], bool]
    ) -> None:
        """`may_join` is false for a worker that is told to stop: it leaves its name to another."""
        self._worker_name = worker_name
        self._consumer = consumer
        self._coordinator = consumer._coordinator
        self._instance_id: str = self._coordinator._group_instance_id
        self._birth = birth
        self._may_join = may_join
        self._was_member = False
        self._member_id: str | None = None
        self._send = self._coordinator._send_req
        self._coordinator._send_req = self.send

    async def send(self, request: Any) -> Any:
        """Send a request of the coordinator's; raise KafkaError for one to join that must not."""
        joins = isinstance(request, JoinGroupRequest)
        if joins and self._was_member and not self._coordinator.member_id:
            await self._expect_place()
        answer = await self._send(request)
        if isinstance(request, OffsetCommitRequest):
            self._expect_membership(answer)
        elif joins and answer.error_code in (0, FENCED_INSTANCE_ID):
            self._was_member = True
            self._member_id = answer.member_id or self._member_id
        if getattr(answer, "error_code", 0) == FENCED_INSTANCE_ID:
            answer.error_code = UnknownMemberIdError.errno
        return answer

    async def _expect_place(self) -> None:
        """Return if this member may join again. Raises KafkaError, and sets `taken`, if not."""
        if self.taken or not self._may_join():
            raise KafkaError("the name is left to another worker")
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                holder = await self._find_holder()
        except IncompatibleBrokerVersion:
            return
        except (KafkaError, TimeoutError) as error:
            self._coordinator.coordinator_dead()  # it may be another by now
            raise KafkaError("the holder of the name is not known") from error
        if holder is None or holder[:BIRTH_BYTES] == self._birth:
            return
        if is_younger(holder, self._birth):
            log.warning(
                "a younger worker had taken this one's name, and will end", name=self._instance_id
            )
            return
        self.taken = NameTaken(
            f"the name {self._worker_name!r} is taken by a worker that began earlier: "
            "set MINGLE_WORKER_NAME to a name that no other worker has, or to nothing"
        )
        raise KafkaError("the name is taken")

    async def _find_holder(self) -> bytes | None:
        """Return the data that the holder of the name joined with, None where nobody has it."""
        group = await describe_group(self._consumer)
        for member in group.members:
            if member.instance_id != self._instance_id:
                continue
            if member.member_id == self._member_id:
                return self._birth  # the group, which may wait for it, still has this member
            if group.state != STABLE:
                raise KafkaError("while a group rebalances no member's data is shown")
            return bytes(ConsumerProtocol.METADATA.decode(member.metadata).user_data or b"")
        return None

    def _expect_membership(self, answer: Any) -> None:
        """Raise UnknownMemberIdError once. aiokafka would log a line for each partition."""
        codes = {code for _, partitions in answer.topics for _, code in partitions}
        if codes & LOST:
            self._coordinator.reset_generation()
            raise UnknownMemberIdError
