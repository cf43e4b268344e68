"""Bounds how much one app receives, and stops its delivery loops when partitions go."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from streams.delivery.acks import AckTracker
from streams.records import Partition


class Loop(Protocol):
    """The part of a delivery loop that the intake uses."""

    @property
    def agent(self) -> str: ...
    @property
    def topic(self) -> str: ...
    async def settle(self, seconds: float) -> None: ...
    def resume(self) -> None: ...
    def held_up(self) -> str | None: ...
    def is_stuck(self) -> bool: ...


class Standstill(NamedTuple):
    """A partition that cannot be read on: where it stands, why, and how often it was tried."""

    offset: int
    why: str
    attempts: int
    can_skip: bool = True
    """Whether what is there is at fault, rather than its broker."""


class IntakeLimits(NamedTuple):
    """How much may be received and not yet handled. One fetch may exceed it."""

    partition_bytes: int = 1 << 20
    """Per partition, such as one that waits for a retry."""
    total_bytes: int = 64 << 20
    """For all partitions of an app. One that holds nothing may still fetch once, so that stuck
    partitions never starve healthy ones."""


STUCK_SECONDS = 60.0
"""The fetch loop turns every second, whatever the broker does, unless its thread is dead."""

UNOWNED_SECONDS = 60.0
"""A partition without an owner for longer is a problem; sooner the group assigns it by itself."""


class Intake:
    """Connects the consumer of one app, which receives, with its delivery loops, which handle."""

    def __init__(
        self,
        group: str,
        limits: IntakeLimits | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group = group
        self.acks = AckTracker()
        self.loops: list[Loop] = []
        self.assigned = False
        """Whether this member was assigned its share of the partitions, even if that is none."""
        self.known_topics: AbstractSet[str] = set()
        """The topics that exist, as last reported by the brokers."""
        self.unreadable: Mapping[Partition, Standstill] = {}
        """The partitions that cannot be read on, as last reported by the consumer."""
        self.unowned: Mapping[Partition, float] = {}
        """Seconds for which no member of the group has owned a partition that exists."""
        self._limits = limits or IntakeLimits()
        self._paused: set[str] = set()
        self._now = now
        self._beat: float | None = None  # there is no fetch loop before the first assignment

    def add(self, loop: Loop) -> None:
        self.loops.append(loop)

    def pause(self, topic: str) -> None:
        """Receive nothing of this topic until `resume`. What was received is still handled."""
        self._paused.add(topic)

    def resume(self, topic: str) -> None:
        self._paused.discard(topic)

    def open_partitions(self) -> set[Partition]:
        """Return the partitions from which more may be received now.

        None of a topic that is paused, or whose loop is held up.
        """
        acks, limits = self.acks, self._limits
        held = {partition: acks.held(partition) for partition in acks.partitions()}
        held_up = {loop.topic for loop in self.loops if loop.held_up() is not None}
        closed = self._paused | held_up
        most = limits.partition_bytes if sum(held.values()) < limits.total_bytes else 1
        return {
            partition
            for partition, size in held.items()
            if size < most and partition.topic not in closed
        }

    def assign(self, partitions: Iterable[Partition]) -> int:
        """Take these partitions as this member's share. Return the generation of the assignment."""
        generation = self.acks.assign(partitions)
        for loop in self.loops:
            loop.resume()
        self.assigned = True
        return generation

    async def settle(self, seconds: float) -> None:
        """Finish what is in flight, abandon the rest unacknowledged, and stop the loops."""
        self.assigned = False
        await asyncio.gather(*(loop.settle(seconds) for loop in self.loops))

    def revoke(self) -> None:
        """Drop all partitions: every rebalance assigns all of them anew."""
        self.acks.revoke(self.acks.partitions())

    def beat(self) -> None:
        """Note that the fetch loop turns."""
        self._beat = self._now()

    def stuck(self) -> list[str]:
        """Return a message for everything that makes no progress."""
        agents = [f"agent {loop.agent} makes no progress" for loop in self.loops if loop.is_stuck()]
        if self._beat is not None and self._now() - self._beat > STUCK_SECONDS:
            agents.append(f"the consumer of {self._group} does not answer")
        return agents

    def missing(self) -> list[str]:
        """Return the reasons why messages are not received or handled."""
        problems = [
            f"topic {loop.topic} does not exist"
            for loop in self.loops
            if loop.topic not in self.known_topics
        ]
        if not self.assigned:
            problems.append(f"{self._group} has no partitions assigned yet")
        problems += [
            f"partition {each.number} of topic {each.topic} has had no owner for {seconds:.0f} s"
            for each, seconds in sorted(self.unowned.items())
            if seconds > UNOWNED_SECONDS
        ]
        held_up = (loop.held_up() for loop in self.loops)
        return [
            *problems,
            *(why for why in held_up if why is not None),
            *(self._describe(*each) for each in self.unreadable.items()),
        ]

    def _describe(self, partition: Partition, standstill: Standstill) -> str:
        skips, goes_on = "`mingle dead-letters skip` passes it by", "it goes on once brokers answer"
        remedy = skips if standstill.can_skip else goes_on
        return (
            f"{self._group} cannot read {partition.topic}:{partition.number} at offset "
            f"{standstill.offset} ({standstill.why}); {remedy}"
        )
