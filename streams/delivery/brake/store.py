"""Port: which topics are braked, for all workers and across restarts."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from streams.delivery.brake.rule import BrakeReason


class Engagement(NamedTuple):
    """That a worker engaged the brake of a topic: a number that only rises, and why."""

    number: int
    reason: BrakeReason
    dead: int
    messages: int

    def __str__(self) -> str:
        if self.reason == "row":
            return f"{self.dead:,} dead letters in a row"
        return f"{self.dead:,} dead letters among the last {self.messages:,} messages"


class BrakeState(NamedTuple):
    """The highest engagement of a topic and the highest that an operator has released.

    Engaged is what is above what was released: no clock is compared with another, and writes
    may come in any order, late and twice.
    """

    engaged: Engagement | None = None
    released: int = 0

    @property
    def is_on(self) -> bool:
        return self.engaged is not None and self.engaged.number > self.released


class BrakeStore(Protocol):
    """Every write is seen by each `load` that begins after it returned."""

    async def engage(self, topic: str, engagement: Engagement) -> None:
        """Keeps it, unless a higher one is kept. Idempotent. Raises StoreUnavailable.

        Of two with the same number, field by field the larger is kept.
        """

    async def release(self, topic: str, number: int) -> None:
        """Releases every engagement up to this number. Idempotent. Raises StoreUnavailable."""

    async def load(self, topics: Collection[str]) -> dict[str, BrakeState]:
        """Of each topic; one of which nothing is kept has an empty state.

        Raises StoreUnavailable.
        """
